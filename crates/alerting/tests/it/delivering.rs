//! Ways out that refuse, pause, lose answers or are not there.

use std::time::Duration;

use larder_testkit::stand_in::Fault;
use serde_json::json;

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing, resolved};
use crate::receivers::{json_of, pagerduty, slack, webhook_receiver};

#[tokio::test]
async fn a_lost_answer_is_sent_again_under_the_same_name() {
    let receiver = webhook_receiver().await;
    receiver.fail_times(1, Fault::Status(500));
    let house = House::open(&to_webhook(receiver.url())).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the second try", || async { receiver.count("/hook") == 2 }).await;
    let seen = receiver.seen();
    let name = |at: usize| seen[at].headers["webhook-id"].clone();
    assert_eq!(name(0), name(1));
    assert!(seen[0].headers["webhook-signature"].to_str().unwrap().starts_with("v1,"));
}

#[tokio::test]
async fn what_is_refused_for_good_goes_to_the_failover_at_once() {
    let (refusing, other) = (webhook_receiver().await, webhook_receiver().await);
    refusing.fail(Fault::Status(410));
    let mut on_call = to_webhook(refusing.url());
    on_call.push_str(&format!(
        "failover = \"spare\"\n[[channels]]\nname = \"spare\"\nkind = \"webhook\"\nurl = \"{}/spare\"\nsecret = SECRET\n",
        other.url()
    ));
    let house = House::open(&on_call).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the failover", || async { other.count("/spare") == 1 }).await;
    assert_eq!(refusing.count("/hook"), 1, "it is not tried again");
    let incident = house.incidents().await.remove(0);
    eventually("the timeline", || async {
        house.timeline(&incident.incident_id).await == ["opened", "failed", "notified"]
    })
    .await;
}

#[tokio::test]
async fn a_pause_holds_the_channel_and_then_only_the_newest_state_is_told() {
    let receiver = webhook_receiver().await;
    receiver.fail_times(1, Fault::RateLimited { retry_after: Some("2") });
    let house = House::open(&to_webhook(receiver.url())).await;
    house.webhook(json!([firing("OvenCold", &[]), firing("DoorOpen", &[])])).await;
    eventually("the refusal", || async { receiver.count("/hook") >= 1 }).await;
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let early = receiver.count("/hook");
    assert!(early <= 2, "both were under way, and nothing else is sent: {early}");
    eventually("both messages", || async { receiver.count("/hook") >= 3 }).await;
    assert_eq!(house.incidents().await.len(), 2);
}

#[tokio::test]
async fn a_slow_channel_delays_no_other() {
    let (slow, quick) = (webhook_receiver().await, webhook_receiver().await);
    slow.fail(Fault::NeverAnswers);
    let mut on_call = to_webhook(slow.url()).replace("[\"hook\"]", "[\"hook\", \"quick\"]");
    on_call.push_str(&format!(
        "[[channels]]\nname = \"quick\"\nkind = \"webhook\"\nurl = \"{}/quick\"\nsecret = SECRET\n",
        quick.url()
    ));
    let house = House::open(&on_call).await;
    for number in 0..5 {
        house.webhook(json!([firing(&format!("Alert{number}"), &[])])).await;
    }
    eventually("all quick ones", || async { quick.count("/quick") == 5 }).await;
}

#[tokio::test]
async fn pagerduty_hears_of_each_state_under_one_key() {
    let receiver = pagerduty().await;
    let on_call = to_webhook("http://unused").replace(
        "kind = \"webhook\"\n        url = \"http://unused/hook\"\n        secret = SECRET",
        &format!("kind = \"pagerduty\"\nrouting_key = SECRET\nurl = \"{}/v2/enqueue\"", receiver.url()),
    );
    let house = House::open(&on_call).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the trigger", || async { receiver.count("/v2/enqueue") == 1 }).await;
    house.webhook(json!([resolved("OvenCold", &[])])).await;
    eventually("the resolve", || async { receiver.count("/v2/enqueue") == 2 }).await;
    let events: Vec<_> = receiver.seen().iter().map(json_of).collect();
    assert_eq!(
        (&events[0]["event_action"], &events[1]["event_action"]),
        (&json!("trigger"), &json!("resolve"))
    );
    assert_eq!(events[0]["dedup_key"], events[1]["dedup_key"]);
    assert_eq!(events[0]["payload"]["severity"], "critical");
}

#[tokio::test]
async fn slack_keeps_one_message_an_incident() {
    let receiver = slack().await;
    let on_call = to_webhook("http://unused").replace(
        "kind = \"webhook\"\n        url = \"http://unused/hook\"\n        secret = SECRET",
        &format!("kind = \"slack\"\ntoken = SECRET\nchannel = \"C123\"\nurl = \"{}/api\"", receiver.url()),
    );
    let house = House::open(&on_call).await;
    house.webhook(json!([firing("OvenCold", &[("oven", "<!channel>")])])).await;
    eventually("the message", || async { receiver.count("/api/chat.postMessage") == 1 }).await;
    house.webhook(json!([resolved("OvenCold", &[("oven", "<!channel>")])])).await;
    eventually("the update", || async { receiver.count("/api/chat.update") == 1 }).await;
    let seen: Vec<_> = receiver.seen().iter().map(json_of).collect();
    assert_eq!((&seen[1]["channel"], &seen[1]["ts"]), (&json!("C123"), &json!("1503435956.000247")));
    assert!(!seen[0].to_string().contains("<!channel>"), "{}", seen[0]);
}
