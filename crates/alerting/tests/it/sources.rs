//! Sources that fall silent: lost is not resolved.

use larder_proto::larder::alerting::v1::*;
use serde_json::json;

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing, resolved};

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
