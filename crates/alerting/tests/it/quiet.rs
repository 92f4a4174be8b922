//! Silences, inhibition and escalation: who is told, and who is left alone.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use larder_proto::larder::alerting::v1::*;
use serde_json::json;

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing, resolved};
use crate::receivers::{json_of, webhook_receiver};

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

/// What the clock of a test is ahead of the machine's.
static CALM_AHEAD_US: AtomicI64 = AtomicI64::new(0);

fn calm_clock() -> i64 {
    larder_alerting::system_clock() + CALM_AHEAD_US.load(Ordering::Relaxed)
}

#[tokio::test]
async fn what_comes_and_goes_is_told_three_times_then_reminded_of_and_ends_when_it_has_been_calm() {
    let receiver = webhook_receiver().await;
    let on_call = format!("flapping = {{ remind_after = \"2m\" }}\n{}", to_webhook(receiver.url()));
    // Another replica is said to share the work, so that what waits is not moved along with the clock.
    let house = House::open_at(&on_call, calm_clock, |settings| settings.alerting.replicas = 2).await;
    for turn in 0..20 {
        let at = jiff::Timestamp::from_microsecond(calm_clock()).unwrap().to_string();
        let mut alert = if turn % 2 == 0 { firing("OvenCold", &[]) } else { resolved("OvenCold", &[]) };
        alert[if turn % 2 == 0 { "startsAt" } else { "endsAt" }] = at.into();
        house.webhook(json!([alert])).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    eventually("the damping", || async { house.incidents().await.iter().any(|incident| incident.flapping) })
        .await;
    let incident = house.incidents().await.remove(0);
    assert!(receiver.count("/hook") <= 3, "{}", receiver.count("/hook"));
    let kinds = house.timeline(&incident.incident_id).await;
    assert!(kinds.contains(&"flapping".to_owned()), "{kinds:?}");
    CALM_AHEAD_US.store(130_000_000, Ordering::Relaxed);
    eventually("the reminder", || async {
        house.timeline(&incident.incident_id).await.contains(&"still flapping".to_owned())
    })
    .await;
    CALM_AHEAD_US.store(3 * 3_600 * 1_000_000, Ordering::Relaxed);
    eventually("the end", || async { house.incidents().await.is_empty() }).await;
    eventually("the last message", || async {
        receiver.seen().last().is_some_and(|seen| json_of(seen)["incidents"][0]["state"] == "resolved")
    })
    .await;
    assert!(receiver.count("/hook") <= 5, "{}", receiver.count("/hook"));
}

#[tokio::test]
async fn whoever_it_is_handed_over_to_is_told_at_once() {
    let receiver = webhook_receiver().await;
    let house = House::open(&two_people(receiver.url())).await;
    let mut guest = house.guest("bakery").await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the first person", || async { receiver.count("/ann") == 1 }).await;
    let request = AcknowledgeIncidentRequest { incident_id: "1".into(), note: String::new() };
    guest.acknowledge_incident(request).await.unwrap();
    let request = HandOverIncidentRequest {
        incident_id: "1".into(),
        contact: "ben".into(),
        note: "the oven is yours".into(),
        ..HandOverIncidentRequest::default()
    };
    let incident = guest.hand_over_incident(request.clone()).await.unwrap().into_inner().incident.unwrap();
    assert_eq!((incident.state(), incident.acknowledged_by.as_str()), (IncidentState::Open, ""));
    eventually("the other person", || async { receiver.count("/ben") >= 1 }).await;
    let kinds = house.timeline(&incident.incident_id).await;
    assert!(kinds.contains(&"handed over".to_owned()), "{kinds:?}");
    for (wrong, field) in [
        (HandOverIncidentRequest { contact: "zoe".into(), ..request.clone() }, "contact"),
        (HandOverIncidentRequest { team: "shop".into(), ..request.clone() }, "one of them alone"),
        (HandOverIncidentRequest { contact: String::new(), ..request.clone() }, "must be given"),
    ] {
        let refused = guest.hand_over_incident(wrong).await.unwrap_err();
        assert!(refused.message().contains(field), "{field}: {refused}");
    }
}

#[tokio::test]
async fn a_restart_within_a_wait_changes_no_time() {
    let receiver = webhook_receiver().await;
    let mut house = House::open(&two_people(receiver.url())).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the first person", || async { receiver.count("/ann") == 1 }).await;
    let told = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(3)).await;
    house.stop().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    house.start().await;
    eventually("the second person", || async { receiver.count("/ben") == 1 }).await;
    let waited = told.elapsed();
    let (least, most) = (Duration::from_secs(9), Duration::from_secs(12));
    assert!((least..most).contains(&waited), "{waited:?} instead of 10 s");
}

/// What the clock of another test is ahead of the machine's.
static SET_AHEAD_US: AtomicI64 = AtomicI64::new(0);

fn set_clock() -> i64 {
    larder_alerting::system_clock() + SET_AHEAD_US.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_clock_that_is_set_makes_nothing_due_and_nothing_old() {
    let receiver = webhook_receiver().await;
    let house = House::open_at(&two_people(receiver.url()), set_clock, |_| {}).await;
    let mut alert = firing("OvenCold", &[]);
    let ends_at = jiff::Timestamp::from_microsecond(set_clock() + 240_000_000).unwrap();
    alert["endsAt"] = ends_at.to_string().into();
    let url = house.source_url("bakery", "prometheus", "/api/v2/alerts");
    assert_eq!(reqwest::Client::new().post(&url).json(&json!([alert])).send().await.unwrap().status(), 200);
    eventually("the first person", || async { receiver.count("/ann") == 1 }).await;
    receiver.fail(larder_testkit::stand_in::Fault::Status(503));
    for ahead_s in [3_600_i64, -3_600, 10 * 366 * 86_400] {
        SET_AHEAD_US.store(ahead_s * 1_000_000, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(2_000)).await;
        let incidents = house.incidents().await;
        assert_eq!(incidents.len(), 1, "{ahead_s} s: {incidents:?}");
        assert!(!incidents[0].source_lost, "{ahead_s} s: nobody was late");
        assert_eq!(receiver.count("/ben"), 0, "{ahead_s} s: the step is not due");
    }
    receiver.heal();
    eventually("the second person, in his time", || async { receiver.count("/ben") == 1 }).await;
}
