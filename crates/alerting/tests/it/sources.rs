//! Sources that fall silent: lost is not resolved.

use larder_proto::larder::alerting::v1::*;
use larder_testkit::stand_in::Fault;
use serde_json::json;

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing, resolved};
use crate::receivers::webhook_receiver;

#[tokio::test]
async fn an_alert_that_is_not_sent_again_is_lost_and_not_resolved() {
    let house = House::open(&to_webhook("http://127.0.0.1:9")).await;
    let mut alert = firing("OvenCold", &[]);
    let ends_at = jiff::Timestamp::from_microsecond(larder_alerting::system_clock() + 2_000_000).unwrap();
    alert["endsAt"] = ends_at.to_string().into();
    let url = house.source_url("bakery", "prometheus", "/api/v2/alerts");
    let client = reqwest::Client::new();
    assert_eq!(client.post(&url).json(&json!([alert])).send().await.unwrap().status(), 200);
    eventually("the loss", || async { house.incidents().await.len() == 2 }).await;
    let incidents = house.incidents().await;
    let of = |title: &str| incidents.iter().find(|incident| incident.title.starts_with(title)).unwrap();
    assert!(of("prometheus has fallen silent").state() == IncidentState::Open);
    eventually("the mark", || async {
        house
            .incidents()
            .await
            .iter()
            .any(|incident| incident.title == "OvenCold happened" && incident.source_lost)
    })
    .await;
    alert["endsAt"] = "2099-01-01T00:00:00Z".into();
    assert_eq!(client.post(&url).json(&json!([alert])).send().await.unwrap().status(), 200);
    eventually("it is back", || async {
        let incidents = house.incidents().await;
        incidents.len() == 1 && !incidents[0].source_lost
    })
    .await;
}

#[tokio::test]
async fn a_missing_heartbeat_is_an_incident_and_holds_back_ends() {
    let house = House::open(&to_webhook("http://127.0.0.1:9")).await;
    let mut guest = house.guest("bakery").await;
    let heartbeat = Heartbeat { name: "alertmanager".into(), interval_seconds: 5, ..Heartbeat::default() };
    let request = UpsertHeartbeatRequest { heartbeat: Some(heartbeat) };
    guest.upsert_heartbeat(request).await.unwrap();
    let beat = || async {
        let url = house.source_url("bakery", "cron", "/heartbeats/alertmanager");
        assert_eq!(reqwest::get(url).await.unwrap().status(), 202);
    };
    beat().await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the incident", || async { house.incidents().await.len() == 1 }).await;
    // The service must have seen that the source is watched.
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    house.webhook(json!([resolved("OvenCold", &[])])).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    beat().await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert_eq!(
        house.incidents().await.len(),
        1,
        "an end is believed with a sign of life an interval behind it"
    );
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    beat().await;
    eventually("the end", || async { house.incidents().await.is_empty() }).await;

    let lost = || async {
        let incidents = house.incidents().await;
        incidents.iter().any(|incident| incident.title.contains("alertmanager has fallen silent"))
    };
    for _ in 0..15 {
        if lost().await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert!(lost().await, "within ten seconds and a look");
    beat().await;
    eventually("the end of the silence", || async { house.incidents().await.is_empty() }).await;
    let listed = guest.list_heartbeats(ListHeartbeatsRequest {}).await.unwrap().into_inner().heartbeats;
    assert!(!listed[0].lost);
}

#[tokio::test]
async fn an_unknown_heartbeat_is_told_so() {
    let house = House::open(&to_webhook("http://127.0.0.1:9")).await;
    let url = house.source_url("bakery", "cron", "/heartbeats/nobody");
    assert_eq!(reqwest::get(url).await.unwrap().status(), 404);
    let request = UpsertHeartbeatRequest {
        heartbeat: Some(Heartbeat { name: "x".into(), interval_seconds: 4, ..Heartbeat::default() }),
    };
    let refused = house.guest("bakery").await.upsert_heartbeat(request).await.unwrap_err();
    assert!(refused.message().contains("interval_seconds: must be from 5"), "{refused}");
}

#[tokio::test]
async fn what_does_not_answer_is_an_incident_until_it_does() {
    let receiver = webhook_receiver().await;
    let probed = webhook_receiver().await;
    probed.fail(Fault::Status(500));
    let probes = format!(
        "probes = [{{ name = \"shop\", kind = \"http\", target = \"{}/health\", every = \"1s\", timeout = \"500ms\", labels = {{ service = \"shop\" }} }}]\n",
        probed.url()
    );
    // It goes and comes here on purpose, and is not to be damped for that.
    let on_call = format!("flapping = {{ turns = 100 }}\n{}", to_webhook(receiver.url()));
    let house = House::open(&format!("{probes}{on_call}")).await;
    eventually("the incident", || async { receiver.count("/hook") == 1 }).await;
    let incidents = house.incidents().await;
    assert_eq!(
        (incidents[0].title.as_str(), incidents[0].severity.as_str()),
        ("shop does not answer as it should", "critical")
    );
    let mut guest = house.guest("bakery").await;
    let listed = guest.list_probes(ListProbesRequest {}).await.unwrap().into_inner().probes.remove(0);
    assert_eq!((listed.kind.as_str(), listed.failing, listed.error.as_str()), ("http", true, "status 500"));
    assert!(listed.failure_count >= 2, "one failure is not enough: {listed:?}");
    probed.heal();
    eventually("the end", || async { house.incidents().await.is_empty() }).await;

    probed.fail(Fault::Status(500));
    eventually("another incident", || async { house.incidents().await.len() == 1 }).await;
    house.write_on_call(&on_call);
    eventually("nobody looks any more", || async { house.incidents().await.is_empty() }).await;
    assert!(guest.list_probes(ListProbesRequest {}).await.unwrap().into_inner().probes.is_empty());
}

#[tokio::test]
async fn a_replica_that_dies_is_told_of_by_the_others_and_one_that_is_stopped_is_not() {
    let house = House::open_with(&to_webhook("http://127.0.0.1:9"), |settings| {
        settings.alerting.replica_name = Some("one".to_owned());
    })
    .await;
    let names = || async {
        let mut guest = house.guest("bakery").await;
        let listed = guest.list_heartbeats(ListHeartbeatsRequest {}).await.unwrap().into_inner().heartbeats;
        listed.into_iter().map(|heartbeat| heartbeat.name).collect::<Vec<_>>()
    };
    let stopped = house.another_named("two").await;
    eventually("both", || async { names().await == ["larder-alerting-one", "larder-alerting-two"] }).await;
    stopped.stop().await;
    eventually("its good-bye", || async { names().await == ["larder-alerting-one"] }).await;
    let killed = house.another_named("three").await;
    eventually("both again", || async { names().await.len() == 2 }).await;
    drop(killed);
    let lost = || async {
        let incidents = house.incidents().await;
        incidents.iter().any(|incident| incident.title.contains("larder-alerting-three has fallen silent"))
    };
    for _ in 0..45 {
        if lost().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    panic!("nobody noticed within 45 s");
}

#[tokio::test]
async fn an_hour_without_anybody_is_told_a_week_ahead_and_a_silence_before_it_ends() {
    let in_days = |days: i64| {
        let at = jiff::Timestamp::from_microsecond(larder_alerting::system_clock()).unwrap();
        at.checked_add(jiff::SignedDuration::from_hours(24 * days))
            .unwrap()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .datetime()
    };
    let shifts = format!(
        "{{ contact = \"ann\", starts_at = \"{}\", ends_at = \"{}\" }}",
        in_days(-1).strftime("%Y-%m-%dT%H:%M"),
        in_days(3).strftime("%Y-%m-%dT%H:%M")
    );
    let schedule = format!(
        "\n[[contacts]]\nname = \"ann\"\nreach = [{{ channel = \"hook\" }}]\n[[schedules]]\nname = \"s\"\ntime_zone = \"UTC\"\nlayers = [{{ rotation = \"fixed\", shifts = [{shifts}] }}]\n"
    );
    let house = House::open(&format!("{}{schedule}", to_webhook("http://127.0.0.1:9"))).await;
    let title = |start: &'static str| {
        let house = &house;
        move || async move { house.incidents().await.iter().any(|incident| incident.title.starts_with(start)) }
    };
    eventually("the warning", title("nobody is on call in s from")).await;
    let mut guest = house.guest("bakery").await;
    let at = |us: i64| prost_types::Timestamp { seconds: us / 1_000_000, nanos: 0 };
    let wanted = Override {
        schedule: "s".into(),
        contact: "ann".into(),
        ends_at: Some(at(larder_alerting::system_clock() + 10 * 86_400_000_000)),
        ..Override::default()
    };
    guest.create_override(CreateOverrideRequest { r#override: Some(wanted) }).await.unwrap();
    eventually("the gap is filled", || async { house.incidents().await.is_empty() }).await;
    let silence = Silence {
        matchers: vec![Matcher { name: "alertname".into(), value: "OvenCold".into(), ..Matcher::default() }],
        ends_at: Some(at(larder_alerting::system_clock() + 20_000_000)),
        comment: "moving the oven".into(),
        ..Silence::default()
    };
    guest.create_silence(CreateSilenceRequest { silence: Some(silence) }).await.unwrap();
    eventually("the notice", title("the silence of {alertname=\"OvenCold\"} by ann ends at")).await;
    eventually("it is over", || async { house.incidents().await.is_empty() }).await;
}
