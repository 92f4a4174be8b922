//! When a watch ends and when it does not, and what is said of answers.

use http::HeaderMap;

use super::*;
use crate::commands::deploy::outcome::Verdict;

fn criteria() -> Criteria {
    Criteria {
        lasts: Duration::from_secs(7_200),
        every: Duration::from_secs(10),
        error_share: 0.01,
        p99: Duration::from_millis(500),
        prometheus: None,
    }
}

/// A round of ten looks, so many of which failed.
fn round(at_s: u64, failed: &[&str], took_ms: u64) -> Seen {
    Seen {
        at: Duration::from_secs(at_s),
        times: vec![Duration::from_millis(took_ms); 10],
        failures: failed.iter().map(|name| ((*name).to_owned(), "status 503".to_owned())).collect(),
        ..Seen::default()
    }
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    Answer { status, headers: map, body: body.into(), certificate: None }
}

#[test]
fn a_single_lost_look_is_no_reason_and_the_same_twice_is() {
    let well: Vec<Seen> = (0..3).map(|number| round(number * 10, &[], 5)).collect();
    assert_eq!(broken(&well, &criteria()), None);
    let once = [well.clone(), vec![round(30, &["api.grpc"], 5)]].concat();
    assert_eq!(broken(&once, &criteria()), None);
    let healed = [once.clone(), vec![round(40, &[], 5)]].concat();
    assert_eq!(broken(&healed, &criteria()), None);
    let twice = [once, vec![round(40, &["api.grpc"], 5)]].concat();
    let reason = broken(&twice, &criteria()).unwrap();
    assert!(reason.contains("api.grpc failed in 2 rounds running: status 503"), "{reason}");
}

#[test]
fn errors_that_come_and_go_are_counted_over_five_minutes() {
    let names = ["api.grpc", "api.catalogue"];
    let mut rounds: Vec<Seen> = (0..10).map(|number| round(number * 10, &[], 5)).collect();
    rounds[3] = round(30, &names[..1], 5);
    assert_eq!(broken(&rounds, &criteria()), None, "one of a hundred");
    rounds[8] = round(80, &names[1..], 5);
    let reason = broken(&rounds, &criteria()).unwrap();
    assert!(reason.contains("2 of the 100 looks") && reason.contains("more than 1 %"), "{reason}");
    rounds.push(round(400, &[], 5));
    assert_eq!(broken(&rounds, &criteria()), None, "it was long ago");
}

#[test]
fn slowness_needs_enough_calls_to_be_told() {
    let slow = [round(0, &[], 900)];
    assert_eq!(broken(&slow, &criteria()), None);
    let slow = [round(0, &[], 900), round(10, &[], 900)];
    let reason = broken(&slow, &criteria()).unwrap();
    assert!(reason.contains("900 ms, above 500 ms"), "{reason}");
}

#[test]
fn what_the_gateway_answered_to_others_counts_too() {
    let counted = |at_s, good: u64, bad: u64| Seen {
        traffic: Some(Traffic::parse(&format!(
            "http_server_request_duration_seconds_count{{http_response_status_code=\"200\",service=\"gateway\"}} {good}\n\
             http_server_request_duration_seconds_count{{http_response_status_code=\"503\",service=\"gateway\"}} {bad}\n\
             http_server_request_duration_seconds_bucket{{service=\"gateway\",le=\"0.01\"}} {good}\n\
             http_server_request_duration_seconds_bucket{{service=\"gateway\",le=\"5\"}} {}\n",
            good + bad
        ))),
        ..round(at_s, &[], 5)
    };
    let before = counted(0, 5_000, 400);
    assert_eq!(broken(&[before.clone(), counted(10, 6_000, 401)], &criteria()), None);
    let reason = broken(&[before.clone(), counted(10, 6_000, 420)], &criteria()).unwrap();
    assert!(reason.contains("20 of 1020 calls with 5xx"), "{reason}");
    let mut patient = criteria();
    patient.error_share = 0.5;
    let reason = broken(&[before, counted(10, 6_000, 420)], &patient).unwrap();
    assert!(reason.contains("the p99 of all calls is 5000 ms"), "{reason}");
}

#[test]
fn an_alarm_of_prometheus_ends_it_at_once() {
    let seen = Seen { alarms: vec!["PostgresDown fires".into()], ..round(0, &[], 5) };
    assert_eq!(broken(&[seen], &criteria()).as_deref(), Some("PostgresDown fires"));
}

#[test]
fn refusals_name_what_would_help() {
    let told = |status, body: &str| {
        answered(&answer(status, &[("x-correlation-id", "c-17")], body), "models.read").unwrap_err()
    };
    assert!(told(401, "").way_out.contains("--api-key"));
    assert!(told(403, "").way_out.contains("--scope models.read"));
    let away = told(503, "{\"detail\": \"recommendation does not answer\"}");
    assert_eq!(away.found, "status 503: recommendation does not answer");
    assert!(away.way_out.contains("c-17") && away.verdict == Verdict::Fail, "{away:?}");
    let kept = answered(&answer(200, &[("x-larder-degraded", "true")], "{}"), "catalog.read").unwrap_err();
    assert!(kept.found.contains("was kept"), "{kept:?}");
    assert_eq!(
        answered(&answer(200, &[], "{\"products\": []}"), "").unwrap()["products"],
        serde_json::json!([])
    );
}
