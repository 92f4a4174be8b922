//! Lines as people and machines read them.

use larder_settings::{LogFormat, TelemetrySettings};

use crate::support::Captured;

#[test]
fn a_json_line_has_fixed_keys_and_dotted_fields() {
    let captured = Captured::start(&TelemetrySettings::default(), None);
    tracing::warn!(target: "larder::test", { product.id = "p-1", count = 3, ratio = 0.5, ok = true, none = f64::NAN }, "said \"so\"\nagain");
    let text = captured.text();
    let (head, rest) = text.split_once(r#"","level""#).unwrap();
    assert!(head.starts_with(r#"{"timestamp":"20"#) && head.ends_with('Z'), "{head}");
    insta::assert_snapshot!(rest, @r#":"WARN","message":"said \"so\"\nagain","target":"larder::test","service":"larder","version":"1.2.3","environment":"testing","product.id":"p-1","count":3,"ratio":0.5,"ok":true,"none":null}"#);
}

#[test]
fn what_is_never_logged_is_withheld() {
    let captured = Captured::start(&TelemetrySettings::default(), None);
    tracing::info!(user.email = "anna@example.org", authorization = "Bearer 1", token_ttl_s = 5, "signed in");
    let text = captured.text();
    assert!(!text.contains("anna") && !text.contains("Bearer"), "{text}");
    assert!(text.contains(r#""user.email":"[withheld]""#) && text.contains(r#""token_ttl_s":5"#), "{text}");
}

#[test]
fn a_field_cannot_pose_as_a_fixed_key() {
    let captured = Captured::start(&TelemetrySettings::default(), None);
    tracing::info!(level = "none", tenant_id = "demo", "posing");
    let line = &captured.json()[0];
    assert_eq!((line["level"].as_str(), line["event.level"].as_str()), (Some("INFO"), Some("none")));
    assert_eq!(line["tenant_id"], "demo");
}

#[test]
fn a_jobs_span_gives_its_lines_the_tenant() {
    let captured = Captured::start(&TelemetrySettings::default(), None);
    tracing::info_span!("job.train", tenant_id = "demo").in_scope(|| {
        tracing::info_span!("inner").in_scope(|| tracing::info!("training"));
    });
    assert_eq!(captured.json()[0]["tenant_id"], "demo");
}

#[test]
fn the_filter_goes_by_target() {
    let settings = TelemetrySettings { log_filter: "warn,larder::test=debug".into(), ..Default::default() };
    let captured = Captured::start(&settings, None);
    tracing::info!(target: "elsewhere", "quiet");
    tracing::debug!(target: "larder::test", "heard");
    assert_eq!(captured.json().len(), 1);
}

#[test]
fn pretty_lines_are_for_people() {
    let settings = TelemetrySettings { log_format: LogFormat::Pretty, ..Default::default() };
    let captured = Captured::start(&settings, None);
    tracing::info!(target: "larder::test", { product.id = "p-1" }, "listed");
    let text = captured.text();
    let (_time, rest) = text.split_once(' ').unwrap();
    assert_eq!(rest, " INFO larder::test: listed product.id=p-1\n");
}

#[test]
fn spans_nobody_reads_are_not_made() {
    let _captured = Captured::start(&TelemetrySettings::default(), None);
    assert!(tracing::info_span!("recommend.rank", product.id = "p-1").is_disabled());
}
