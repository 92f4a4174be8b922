//! Silences, inhibition and escalation: who is told, and who is left alone.

use std::time::Duration;

use larder_proto::larder::alerting::v1::*;
use serde_json::json;

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing, resolved};
use crate::receivers::webhook_receiver;

fn in_seconds(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: larder_alerting::system_clock() / 1_000_000 + seconds, nanos: 0 }
}

fn silence(name: &str, value: &str, seconds: i64) -> Silence {
    Silence {
        matchers: vec![Matcher { name: name.into(), value: value.into(), ..Matcher::default() }],
        ends_at: Some(in_seconds(seconds)),
        comment: "moving the oven".into(),
        ..Silence::default()
    }
}

#[tokio::test]
async fn what_is_silenced_speaks_when_the_silence_ends() {
    let receiver = webhook_receiver().await;
    let house = House::open(&to_webhook(receiver.url())).await;
    let mut guest = house.guest("bakery").await;
    let request = CreateSilenceRequest { silence: Some(silence("alertname", "OvenCold", 3_600)) };
    let made = guest.create_silence(request).await.unwrap().into_inner().silence.unwrap();
    assert!(made.active && made.created_by == "ann", "{made:?}");
    house.webhook(json!([firing("OvenCold", &[]), firing("Marker", &[])])).await;
    eventually("the other one", || async { receiver.count("/hook") == 1 }).await;
    assert_eq!(house.incidents().await.len(), 1);
    let alerts = guest.list_alerts(ListAlertsRequest::default()).await.unwrap().into_inner().alerts;
    assert!(alerts.iter().any(|alert| alert.silence_ids == [made.silence_id.clone()]), "{alerts:?}");
    guest.expire_silence(ExpireSilenceRequest { silence_id: made.silence_id }).await.unwrap();
    eventually("it speaks", || async { receiver.count("/hook") == 2 }).await;
    assert_eq!(house.incidents().await.len(), 2);
}

#[tokio::test]
async fn a_silence_that_is_made_while_the_group_waits_is_heeded() {
    let receiver = webhook_receiver().await;
    let house =
        House::open(&to_webhook(receiver.url()).replace("group_wait = \"0s\"", "group_wait = \"2s\"")).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the incident", || async { house.incidents().await.len() == 1 }).await;
    let request = CreateSilenceRequest { silence: Some(silence("alertname", "OvenCold", 3_600)) };
    house.guest("bakery").await.create_silence(request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.count("/hook"), 0);
}

#[tokio::test]
async fn a_silence_is_shown_before_it_is_made_and_refused_in_words() {
    let house = House::open(&to_webhook("http://127.0.0.1:9")).await;
    house.webhook(json!([firing("OvenCold", &[]), firing("DoorOpen", &[])])).await;
    eventually("both", || async { house.incidents().await.len() == 2 }).await;
    let mut guest = house.guest("bakery").await;
    let request = PreviewSilenceRequest { silence: Some(silence("alertname", "OvenCold", 60)) };
    let preview = guest.preview_silence(request).await.unwrap().into_inner();
    assert_eq!((preview.alert_count, preview.alerts.len()), (1, 1));
    let weekly = Silence { recurrence_rule: "FREQ=WEEKLY".into(), ..silence("alertname", "OvenCold", 3_600) };
    let preview = guest.preview_silence(PreviewSilenceRequest { silence: Some(weekly) }).await.unwrap();
    assert_eq!(preview.into_inner().next_starts_at.len(), 10);
    for (wish, field) in [
        (Silence { matchers: Vec::new(), ..silence("a", "b", 60) }, "matchers"),
        (Silence { comment: String::new(), ..silence("a", "b", 60) }, "comment"),
        (silence("a", "b", -60), "ends_at"),
        (Silence { recurrence_rule: "FREQ=OFTEN".into(), ..silence("a", "b", 60) }, "recurrence_rule"),
    ] {
        let refused = guest.create_silence(CreateSilenceRequest { silence: Some(wish) }).await.unwrap_err();
        assert!(refused.message().contains(field), "{field}: {refused}");
    }
}

#[tokio::test]
async fn an_alert_that_another_explains_waits_for_it() {
    let receiver = webhook_receiver().await;
    let mut on_call = to_webhook(receiver.url());
    on_call.push_str(
        "\n[[inhibitions]]\nname = \"power\"\nsource_matchers = ['alertname=\"PowerCut\"']\n\
         target_matchers = ['alertname=\"OvenCold\"']\n",
    );
    let mut house = House::open(&on_call).await;
    house.webhook(json!([firing("PowerCut", &[])])).await;
    eventually("the cause", || async { house.incidents().await.len() == 1 }).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(house.incidents().await.len(), 1);
    house.stop().await;
    house.start().await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(house.incidents().await.len(), 1, "a restart lets nothing leak");
    house.webhook(json!([resolved("PowerCut", &[])])).await;
    eventually("it speaks", || async {
        house.incidents().await.iter().any(|incident| incident.title.starts_with("OvenCold"))
    })
    .await;
}

/// Two people, one after the other, each with a webhook of their own.
fn two_people(url: &str) -> String {
    format!(
        r#"
        [route]
        receiver = "r"
        group_by = ["alertname"]
        group_wait = "0s"

        [[receivers]]
        name = "r"
        policy = "p"

        [[policies]]
        name = "p"
        steps = [{{ notify = [{{ schedule = "s" }}], wait = "10s" }}, {{ notify = [{{ contact = "ben" }}], wait = "1h" }}]
        acknowledge_timeout = "1m"

        [[schedules]]
        name = "s"
        time_zone = "Europe/Paris"
        layers = [{{ rotation = "weekly", starts_at = 2026-01-05T09:00:00, members = ["ann"] }}]

        [[contacts]]
        name = "ann"
        reach = [{{ channel = "a" }}]

        [[contacts]]
        name = "ben"
        reach = [{{ channel = "b" }}]

        [[channels]]
        name = "a"
        kind = "webhook"
        url = "{url}/ann"
        secret = SECRET

        [[channels]]
        name = "b"
        kind = "webhook"
        url = "{url}/ben"
        secret = SECRET
        "#
    )
}

#[tokio::test]
async fn the_next_person_is_told_when_nobody_acknowledges_also_after_a_restart() {
    let receiver = webhook_receiver().await;
    let mut house = House::open(&two_people(receiver.url())).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the first person", || async { receiver.count("/ann") == 1 }).await;
    house.stop().await;
    house.start().await;
    eventually("the second person", || async { receiver.count("/ben") == 1 }).await;
    assert_eq!(receiver.count("/ann"), 1);
}

#[tokio::test]
async fn an_acknowledgement_rests_the_escalation() {
    let receiver = webhook_receiver().await;
    let house = House::open(&two_people(receiver.url())).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the first person", || async { receiver.count("/ann") == 1 }).await;
    let request = AcknowledgeIncidentRequest { incident_id: "1".into(), note: String::new() };
    house.guest("bakery").await.acknowledge_incident(request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(receiver.count("/ben"), 0, "somebody looks at it");
    let kinds = house.timeline(&house.incidents().await[0].incident_id).await;
    assert!(!kinds.contains(&"acknowledgement ran out".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn an_override_takes_the_shift() {
    let receiver = webhook_receiver().await;
    let house = House::open(&two_people(receiver.url())).await;
    let mut guest = house.guest("bakery").await;
    let wanted = Override {
        schedule: "s".into(),
        contact: "ben".into(),
        ends_at: Some(in_seconds(3_600)),
        ..Override::default()
    };
    guest.create_override(CreateOverrideRequest { r#override: Some(wanted) }).await.unwrap();
    let on_call = guest.get_on_call(GetOnCallRequest::default()).await.unwrap().into_inner().on_call;
    assert_eq!((on_call[0].contact.as_str(), on_call[0].overridden), ("ben", true));
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the one who took it", || async { receiver.count("/ben") >= 1 }).await;
    assert_eq!(receiver.count("/ann"), 0);
    let stranger = house.guest("butcher").await.get_on_call(GetOnCallRequest::default()).await.unwrap();
    assert!(!stranger.into_inner().on_call[0].overridden, "an override is its tenant's");
}
