//! What goes wrong around the service: the database, the disk, the clock, a receiver whose answer is lost, a person
//! and a timer at the same moment.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use larder_proto::larder::alerting::v1::*;
use larder_testkit::stand_in::Fault;
use serde_json::json;

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing};
use crate::receivers::{json_of, pagerduty, webhook_receiver};

#[tokio::test]
async fn what_can_be_kept_nowhere_is_not_acknowledged() {
    let receiver = webhook_receiver().await;
    let (house, way) = House::behind_a_cut(&to_webhook(receiver.url())).await;
    way.cut();
    // A disk that takes nothing: the folder is not there.
    let spool = house.folder.path().join("alert-spool");
    std::fs::remove_dir_all(&spool).unwrap();
    assert_eq!(
        house.webhook(json!([firing("OvenCold", &[])])).await,
        503,
        "Alertmanager comes back after 503"
    );
    std::fs::create_dir(&spool).unwrap();
    assert_eq!(house.webhook(json!([firing("OvenCold", &[])])).await, 200);
    way.mend();
    eventually("the message", || async { receiver.count("/hook") == 1 }).await;
}

#[tokio::test]
async fn the_status_page_is_there_while_the_database_is_not() {
    let (house, way) = House::behind_a_cut(&to_webhook("http://127.0.0.1:9")).await;
    house.webhook(json!([firing("OvenCold", &[("service", "shop")])])).await;
    let shown = || async { reqwest::get(house.url("/status")).await.unwrap().text().await.unwrap() };
    eventually("the level", || async { shown().await.contains("shop") }).await;
    way.cut();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let answer = reqwest::get(house.url("/status")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("shop"));
}

#[tokio::test]
async fn a_service_that_starts_without_its_database_does_not_say_that_all_is_well() {
    let (mut house, way) = House::behind_a_cut(&to_webhook("http://127.0.0.1:9")).await;
    house.stop().await;
    way.cut();
    house.start().await;
    let shown = reqwest::get(house.url("/status")).await.unwrap().text().await.unwrap();
    assert!(shown.contains("Nothing is known") && !shown.contains("All is well"), "{shown}");
    let told: serde_json::Value =
        reqwest::get(house.url("/status.json")).await.unwrap().json().await.unwrap();
    assert!(told["asOf"].is_null(), "{told}");
}

#[tokio::test]
async fn an_event_whose_answer_is_lost_is_sent_again_under_the_same_key() {
    let receiver = pagerduty().await;
    receiver.fail_times(1, Fault::CutConnection);
    receiver.fail_times(1, Fault::Status(500));
    let on_call = to_webhook("http://unused").replace(
        "kind = \"webhook\"\n        url = \"http://unused/hook\"\n        secret = SECRET",
        &format!("kind = \"pagerduty\"\nrouting_key = SECRET\nurl = \"{}/v2/enqueue\"", receiver.url()),
    );
    let house = House::open(&on_call).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the third try", || async { receiver.count("/v2/enqueue") == 3 }).await;
    let keys: std::collections::HashSet<String> =
        receiver.seen().iter().map(|seen| json_of(seen)["dedup_key"].to_string()).collect();
    assert_eq!(keys.len(), 1, "PagerDuty has one alert: {keys:?}");
    let incident_id = house.incidents().await.remove(0).incident_id;
    eventually("the note", || async { house.timeline(&incident_id).await == ["opened", "notified"] }).await;
}

static AHEAD_US: AtomicI64 = AtomicI64::new(0);

/// The time of day, put forward or back.
fn jumping_clock() -> i64 {
    larder_alerting::system_clock() + AHEAD_US.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_clock_that_jumps_makes_nobody_late_and_wakes_nobody_twice() {
    const HOUR_US: i64 = 3_600_000_000;
    let receiver = webhook_receiver().await;
    let house = House::open_with_clock(&to_webhook(receiver.url()), jumping_clock).await;
    let heartbeat = Heartbeat { name: "backup".into(), interval_seconds: 20, ..Heartbeat::default() };
    let request = UpsertHeartbeatRequest { heartbeat: Some(heartbeat) };
    house.guest("bakery").await.upsert_heartbeat(request).await.unwrap();
    let beat = house.source_url("bakery", "cron", "/heartbeats/backup");
    assert_eq!(reqwest::get(&beat).await.unwrap().status(), 202);
    // It is to be sent again within five minutes of its source's own clock.
    let mut alert = firing("OvenCold", &[]);
    alert.as_object_mut().unwrap().remove("endsAt");
    alert.as_object_mut().unwrap().remove("status");
    let url = house.source_url("bakery", "prometheus", "/api/v2/alerts");
    assert_eq!(reqwest::Client::new().post(&url).json(&json!([alert])).send().await.unwrap().status(), 200);
    eventually("the message", || async { receiver.count("/hook") == 1 }).await;
    for ahead_us in [HOUR_US, -HOUR_US, 10 * 365 * 24 * HOUR_US, 0] {
        AHEAD_US.store(ahead_us, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        let incidents = house.incidents().await;
        let titles: Vec<&str> = incidents.iter().map(|incident| incident.title.as_str()).collect();
        assert_eq!(titles, ["OvenCold happened"], "{ahead_us}");
        assert!(!incidents[0].source_lost, "{ahead_us}");
        assert_eq!(reqwest::get(&beat).await.unwrap().status(), 202);
    }
    assert!(receiver.count("/hook") <= 2, "{} messages", receiver.count("/hook"));
    // It goes on working.
    house.webhook(json!([firing("DoorOpen", &[])])).await;
    eventually("another one", || async {
        receiver.seen().iter().any(|seen| String::from_utf8_lossy(&seen.body).contains("DoorOpen"))
    })
    .await;
}

/// One person, who is told again and again.
fn insistent(url: &str, wait: &str, acknowledge_timeout: &str) -> String {
    let steps: Vec<String> =
        (0..8).map(|_| format!("{{ notify = [{{ contact = \"ann\" }}], wait = \"{wait}\" }}")).collect();
    format!(
        "[route]\nreceiver = \"r\"\ngroup_by = [\"alertname\"]\ngroup_wait = \"0s\"\n\
         [[receivers]]\nname = \"r\"\npolicy = \"p\"\n\
         [[policies]]\nname = \"p\"\nsteps = [{}]\nacknowledge_timeout = \"{acknowledge_timeout}\"\n\
         [[contacts]]\nname = \"ann\"\nreach = [{{ channel = \"a\" }}]\n\
         [[channels]]\nname = \"a\"\nkind = \"webhook\"\nurl = \"{url}/ann\"\nsecret = SECRET\n",
        steps.join(", ")
    )
}

fn pages(receiver: &larder_testkit::stand_in::StandIn) -> usize {
    let open = |seen: &&larder_testkit::stand_in::Seen| json_of(seen)["incidents"][0]["state"] == "open";
    receiver.seen().iter().filter(open).count()
}

#[tokio::test]
async fn nobody_is_paged_once_an_acknowledgement_is_committed_also_when_the_next_step_is_due_then() {
    let receiver = webhook_receiver().await;
    let house = House::open(&insistent(receiver.url(), "10s", "1h")).await;
    let mut guest = house.guest("bakery").await;
    let names: Vec<String> = (0..8).map(|number| format!("Oven{number}")).collect();
    for name in &names {
        house.webhook(json!([firing(name, &[])])).await;
    }
    eventually("everybody's first page", || async { pages(&receiver) == 8 }).await;
    let incidents = house.incidents().await;
    // The second step of all is due ten seconds after the first; acknowledgements come around that moment.
    tokio::time::sleep(Duration::from_millis(9_000)).await;
    for incident in &incidents {
        let incident_id = incident.incident_id.clone();
        let request = AcknowledgeIncidentRequest { incident_id, note: String::new() };
        guest.acknowledge_incident(request).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let paged = pages(&receiver);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(pages(&receiver), paged, "a second after the acknowledgement there are no more");
}

static LATER_US: AtomicI64 = AtomicI64::new(0);

fn later_clock() -> i64 {
    larder_alerting::system_clock() + LATER_US.load(Ordering::SeqCst)
}

#[tokio::test]
async fn who_acknowledged_and_forgot_is_paged_again() {
    let receiver = webhook_receiver().await;
    // Another replica is said to share the work, so that what waits is not moved along with the clock.
    let on_call = insistent(receiver.url(), "1h", "1m");
    let house = House::open_at(&on_call, later_clock, |settings| settings.alerting.replicas = 2).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the page", || async { pages(&receiver) == 1 }).await;
    let request = AcknowledgeIncidentRequest { incident_id: "1".into(), note: String::new() };
    house.guest("bakery").await.acknowledge_incident(request).await.unwrap();
    LATER_US.store(50_000_000, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(pages(&receiver), 1, "the minute is not over");
    LATER_US.store(61_000_000, Ordering::SeqCst);
    eventually("the page again", || async { pages(&receiver) == 2 }).await;
    let kinds = house.timeline(&house.incidents().await[0].incident_id).await;
    assert!(kinds.contains(&"acknowledged".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn a_step_is_due_at_its_time_whatever_happens_to_the_service_and_its_file() {
    let receiver = webhook_receiver().await;
    let mut house = House::open(&insistent(receiver.url(), "10s", "1h")).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the first page", || async { pages(&receiver) == 1 }).await;
    let first = tokio::time::Instant::now();
    house.write_on_call("[route]\nreceiver = \"nobody\"\n");
    tokio::time::sleep(Duration::from_secs(2)).await;
    house.write_on_call(&insistent(receiver.url(), "10s", "1h"));
    house.stop().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(pages(&receiver), 1);
    house.start().await;
    eventually("the second page", || async { pages(&receiver) == 2 }).await;
    let late = first.elapsed().as_secs_f64() - 10.0;
    assert!(late.abs() <= 1.5, "{late} s late");
}

static SLEPT_US: AtomicI64 = AtomicI64::new(0);

fn wall_of_a_sleeper() -> i64 {
    larder_alerting::system_clock() + SLEPT_US.load(Ordering::SeqCst)
}

fn steady_of_a_sleeper() -> i64 {
    larder_alerting::steady_clock() + SLEPT_US.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_machine_that_slept_for_half_an_hour_does_what_is_due_once_and_takes_nobody_for_lost() {
    let receiver = webhook_receiver().await;
    let on_call = insistent(receiver.url(), "20m", "1h");
    let house = House::open_by(&on_call, wall_of_a_sleeper, steady_of_a_sleeper, |_| {}).await;
    let heartbeat = Heartbeat { name: "backup".into(), interval_seconds: 60, ..Heartbeat::default() };
    let request = UpsertHeartbeatRequest { heartbeat: Some(heartbeat) };
    house.guest("bakery").await.upsert_heartbeat(request).await.unwrap();
    let beat = house.source_url("bakery", "cron", "/heartbeats/backup");
    assert_eq!(reqwest::get(&beat).await.unwrap().status(), 202);
    // Prometheus says with each alert until when it would have said it again.
    let mut alert = firing("OvenCold", &[]);
    alert.as_object_mut().unwrap().remove("status");
    let ends_at = larder_alerting::system_clock() + 240_000_000;
    alert["endsAt"] = jiff::Timestamp::from_microsecond(ends_at).unwrap().to_string().into();
    let url = house.source_url("bakery", "prometheus", "/api/v2/alerts");
    assert_eq!(reqwest::Client::new().post(&url).json(&json!([alert])).send().await.unwrap().status(), 200);
    eventually("the page", || async { pages(&receiver) == 1 }).await;
    SLEPT_US.store(1_800_000_000, Ordering::SeqCst);
    eventually("the second page, which was due ten minutes ago", || async { pages(&receiver) == 2 }).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(pages(&receiver), 2, "and no third");
    let incidents = house.incidents().await;
    let titles: Vec<&str> = incidents.iter().map(|incident| incident.title.as_str()).collect();
    assert_eq!(titles, ["OvenCold happened"], "nobody is lost");
    assert!(!incidents[0].source_lost);
}
