//! From an alert to an incident, to a message, to the end of it.

use larder_proto::larder::alerting::v1::*;
use serde_json::json;

use crate::house::{House, eventually, firing, resolved};
use crate::receivers::{json_of, webhook_receiver};

/// Everything goes to one webhook, at once.
pub(crate) fn to_webhook(url: &str) -> String {
    format!(
        r#"
        [route]
        receiver = "r"
        group_by = ["alertname"]
        group_wait = "0s"
        group_interval = "1s"

        [[receivers]]
        name = "r"
        channels = ["hook"]

        [[channels]]
        name = "hook"
        kind = "webhook"
        url = "{url}/hook"
        secret = SECRET
        "#
    )
}

#[tokio::test]
async fn an_alert_becomes_an_incident_that_is_told_and_ends() {
    let receiver = webhook_receiver().await;
    let house = House::open(&to_webhook(receiver.url())).await;
    assert_eq!(house.webhook(json!([firing("OvenCold", &[("oven", "1")])])).await, 200);
    eventually("the first message", || async { receiver.count("/hook") == 1 }).await;
    let incidents = house.incidents().await;
    assert_eq!(incidents.len(), 1);
    let incident = &incidents[0];
    assert_eq!((incident.title.as_str(), incident.severity.as_str()), ("OvenCold happened", "critical"));
    assert_eq!((incident.number, incident.firing_alert_count), (1, 1));
    let told = json_of(&receiver.seen()[0]);
    assert_eq!(told["type"], "larder.incident");
    assert_eq!(told["incidents"][0]["incidentId"], incident.incident_id);
    assert_eq!(told["incidents"][0]["state"], "open");

    assert_eq!(house.webhook(json!([resolved("OvenCold", &[("oven", "1")])])).await, 200);
    eventually("the second message", || async { receiver.count("/hook") == 2 }).await;
    assert_eq!(json_of(&receiver.seen()[1])["incidents"][0]["state"], "resolved");
    assert!(house.incidents().await.is_empty());
    // What was sent is noted a breath after the receiver has it.
    eventually("the whole course", || async {
        house.timeline(&incident.incident_id).await == ["opened", "notified", "resolved", "notified"]
    })
    .await;
}

#[tokio::test]
async fn what_is_repeated_is_told_once() {
    let receiver = webhook_receiver().await;
    let house = House::open(&to_webhook(receiver.url())).await;
    let sends = (0..100).map(|_| house.webhook(json!([firing("OvenCold", &[])])));
    let statuses = futures::future::join_all(sends).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    eventually("the message", || async { receiver.count("/hook") == 1 }).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert_eq!((receiver.count("/hook"), house.incidents().await.len()), (1, 1));
}

#[tokio::test]
async fn an_end_that_overtakes_its_beginning_wakes_nobody() {
    let receiver = webhook_receiver().await;
    let house = House::open(&to_webhook(receiver.url())).await;
    assert_eq!(house.webhook(json!([resolved("OvenCold", &[])])).await, 200);
    assert_eq!(house.webhook(json!([firing("OvenCold", &[])])).await, 200);
    // An alert behind it shows that everything before it was looked at.
    assert_eq!(house.webhook(json!([firing("Marker", &[])])).await, 200);
    eventually("the marker", || async { house.incidents().await.len() == 1 }).await;
    assert_eq!(house.incidents().await[0].title, "Marker happened");
}

#[tokio::test]
async fn the_same_alert_by_three_ways_is_one_incident() {
    let receiver = webhook_receiver().await;
    let house = House::open(&to_webhook(receiver.url())).await;
    let labels = [("oven", "1")];
    assert_eq!(house.webhook(json!([firing("OvenCold", &labels)])).await, 200);
    let mut posted = firing("OvenCold", &labels);
    posted["endsAt"] = "2099-01-01T00:00:00Z".into();
    let url = house.source_url("bakery", "prometheus", "/api/v2/alerts");
    let status = reqwest::Client::new().post(url).json(&json!([posted])).send().await.unwrap().status();
    assert_eq!(status, 200);
    let sent = NewAlert {
        labels: [("alertname", "OvenCold"), ("severity", "critical"), ("oven", "1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        annotations: [("summary".to_owned(), "OvenCold happened".to_owned())].into(),
        ..NewAlert::default()
    };
    let request = SendAlertsRequest { alerts: vec![sent], ..SendAlertsRequest::default() };
    let answer = house.guest("bakery").await.send_alerts(request).await.unwrap().into_inner();
    assert_eq!((answer.accepted_count, answer.rejected_count), (1, 0));
    eventually("the message", || async { receiver.count("/hook") >= 1 }).await;
    let request = ListAlertsRequest { matchers: vec!["oven=\"1\"".into()], ..ListAlertsRequest::default() };
    let alerts = house.guest("bakery").await.list_alerts(request).await.unwrap().into_inner().alerts;
    assert_eq!((alerts.len(), house.incidents().await.len()), (1, 1));
}

#[tokio::test]
async fn a_group_is_one_incident_that_grows() {
    let receiver = webhook_receiver().await;
    let house = House::open(&to_webhook(receiver.url())).await;
    house.webhook(json!([firing("OvenCold", &[("oven", "1")])])).await;
    eventually("the first message", || async { receiver.count("/hook") == 1 }).await;
    house.webhook(json!([firing("OvenCold", &[("oven", "2")]), firing("OvenCold", &[("oven", "3")])])).await;
    eventually("the message of the interval", || async { receiver.count("/hook") == 2 }).await;
    assert_eq!(json_of(&receiver.seen()[1])["incidents"][0]["firingCount"], 3);
    let ends = json!([
        resolved("OvenCold", &[("oven", "1")]),
        resolved("OvenCold", &[("oven", "2")]),
        resolved("OvenCold", &[("oven", "3")]),
    ]);
    house.webhook(ends).await;
    eventually("the end", || async { house.incidents().await.is_empty() }).await;
}

#[tokio::test]
async fn a_sign_of_life_makes_no_incident() {
    let house = House::open(&to_webhook("http://127.0.0.1:9")).await;
    house.webhook(json!([firing("Watchdog", &[("severity", "none")]), firing("Marker", &[])])).await;
    eventually("the marker", || async { !house.incidents().await.is_empty() }).await;
    assert_eq!(house.incidents().await.len(), 1);
}

#[tokio::test]
async fn a_body_of_many_megabytes_is_taken() {
    let house = House::open(&to_webhook("http://127.0.0.1:9")).await;
    let long = "x".repeat(300);
    let alerts: Vec<_> = (0..10_000)
        .map(|number| {
            let mut alert = firing("Storm", &[("pod", &format!("pod-{number}"))]);
            alert["annotations"]["description"] = long.as_str().into();
            alert
        })
        .collect();
    assert_eq!(house.webhook(json!(alerts)).await, 200);
    eventually("all of them", || async {
        house.incidents().await.first().is_some_and(|incident| incident.firing_alert_count == 10_000)
    })
    .await;
}

#[tokio::test]
async fn what_is_no_webhook_is_refused_with_what_would_be_accepted() {
    let house = House::open(&to_webhook("http://127.0.0.1:9")).await;
    let client = reqwest::Client::new();
    let url = house.source_url("bakery", "alertmanager", "/hooks/alertmanager");
    for body in
        ["", "[]", "{\"version\":\"3\",\"alerts\":[]}", "{\"version\":\"4\",\"alerts\":[{\"status\":1}]}"]
    {
        let answer = client.post(&url).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{body}");
        assert!(answer.text().await.unwrap().contains("INVALID_FIELD"), "{body}");
    }
    let forged = url.replace("alertmanager.", "prometheus.");
    assert_eq!(client.post(forged).body("{}").send().await.unwrap().status(), 401);
    let without = house.url("/hooks/alertmanager");
    assert_eq!(client.post(without).body("{}").send().await.unwrap().status(), 401);
}
