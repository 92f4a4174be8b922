//! The database goes away, and the service itself: nothing that was acknowledged is lost.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing};
use crate::receivers::{json_of, webhook_receiver};

#[tokio::test]
async fn alerts_wait_on_disk_while_the_database_is_away_and_somebody_is_told() {
    let (receiver, emergency) = (webhook_receiver().await, webhook_receiver().await);
    let on_call = format!(
        "emergency_channels = [\"red\"]\n{}\n[[channels]]\nname = \"red\"\nkind = \"webhook\"\nurl = \"{}/red\"\nsecret = SECRET\n",
        to_webhook(receiver.url()),
        emergency.url()
    );
    let (house, way) = House::behind_a_cut(&on_call).await;
    house.webhook(json!([firing("DoorOpen", &[])])).await;
    eventually("an incident of before", || async { receiver.count("/hook") == 1 }).await;
    way.cut();
    assert_eq!(house.webhook(json!([firing("OvenCold", &[])])).await, 200, "it is on disk");
    assert_eq!(house.webhook(json!([firing("OvenCold", &[])])).await, 200);
    eventually("the emergency", || async { emergency.count("/red") == 1 }).await;
    let told = json_of(&emergency.seen()[0]);
    assert!(told["text"].as_str().unwrap().contains("OvenCold"), "{told}");
    assert_eq!(receiver.count("/hook"), 1);
    // Somebody is told although the emergency channel fails at first.
    emergency.fail_times(2, larder_testkit::stand_in::Fault::Status(503));
    assert_eq!(house.webhook(json!([firing("LightOff", &[])])).await, 200);
    eventually("the third try", || async { emergency.count("/red") == 4 }).await;
    assert!(json_of(&emergency.seen()[3])["text"].as_str().unwrap().contains("LightOff"));
    way.mend();
    eventually("the incidents", || async { receiver.count("/hook") == 3 }).await;
    assert_eq!(house.incidents().await.len(), 3);
    eventually("the all-clear", || async { emergency.count("/red") == 5 }).await;
    assert!(json_of(&emergency.seen()[4])["text"].as_str().unwrap().contains("is back"));
    let left = std::fs::read_dir(house.folder.path().join("alert-spool")).unwrap().count();
    assert_eq!(left, 0, "the spool is empty");
}

#[tokio::test]
async fn what_is_pending_outlives_the_service() {
    let receiver = webhook_receiver().await;
    receiver.fail(larder_testkit::stand_in::Fault::Status(503));
    let mut house = House::open(&to_webhook(receiver.url())).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("a try", || async { receiver.count("/hook") >= 1 }).await;
    house.stop().await;
    receiver.heal();
    let before = receiver.count("/hook");
    house.start().await;
    eventually("another try", || async { receiver.count("/hook") > before }).await;
    let names: std::collections::HashSet<_> =
        receiver.seen().iter().map(|seen| seen.headers["webhook-id"].clone()).collect();
    assert_eq!(names.len(), 1);
}

#[tokio::test]
async fn two_replicas_share_the_work_and_double_nothing() {
    let receiver = webhook_receiver().await;
    let house = House::open(&to_webhook(receiver.url())).await;
    let other = house.another().await;
    let alerts: Vec<_> = (0..60).map(|number| firing(&format!("Alert{number}"), &[])).collect();
    house.webhook(json!(alerts)).await;
    eventually("all of them", || async { receiver.count("/hook") >= 60 }).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let names: std::collections::HashSet<_> =
        receiver.seen().iter().map(|seen| seen.headers["webhook-id"].clone()).collect();
    assert_eq!((receiver.count("/hook"), names.len(), house.incidents().await.len()), (60, 60, 60));
    other.stop().await;
}

#[tokio::test]
async fn a_refused_file_changes_nothing_and_a_good_one_is_taken_up() {
    let (first, second) = (webhook_receiver().await, webhook_receiver().await);
    let house = House::open(&to_webhook(first.url())).await;
    house.write_on_call("[route]\nreceiver = \"nobody\"\n");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the old file's receiver", || async { first.count("/hook") == 1 }).await;
    house.write_on_call(&to_webhook(second.url()));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    house.webhook(json!([firing("DoorOpen", &[])])).await;
    eventually("the new file's receiver", || async { second.count("/hook") == 1 }).await;
}

#[tokio::test]
async fn where_neither_the_database_nor_the_disk_takes_it_nothing_is_acknowledged() {
    let (house, way) = House::behind_a_cut(&to_webhook("http://127.0.0.1:9")).await;
    let spool = house.folder.path().join("alert-spool");
    std::fs::remove_dir(&spool).unwrap();
    way.cut();
    assert_eq!(house.webhook(json!([firing("OvenCold", &[])])).await, 503, "Alertmanager comes back");
    std::fs::create_dir(&spool).unwrap();
    assert_eq!(house.webhook(json!([firing("OvenCold", &[])])).await, 200);
    way.mend();
    eventually("the incident", || async { house.incidents().await.len() == 1 }).await;
}

#[tokio::test]
async fn what_an_older_release_left_in_the_outbox_is_sent() {
    let receiver = webhook_receiver().await;
    let mut house = House::open(&to_webhook(receiver.url())).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the incident", || async { receiver.count("/hook") == 1 }).await;
    house.stop().await;
    let pool = house.database.admin_pool();
    // Only what the first migration has is named, as an older release would.
    sqlx::query(
        "insert into alerting.notifications (tenant_id, notification_id, incident_id, channel, recipient, kind, severity,
             dedup_key, state, attempts, created_at, next_at, expires_at)
         select tenant_id, gen_random_uuid(), incident_id, 'hook', '', 'page', severity, 'old', 'waiting', 0, opened_at,
             opened_at, opened_at + interval '1 day'
         from alerting.incidents",
    )
    .execute(&pool)
    .await
    .unwrap();
    // And an older release can write beside this one: whatever came later may be left out.
    let added: i64 = sqlx::query_scalar(
        "select count(*) from information_schema.columns
         where table_schema = 'alerting' and table_name in ('alerts', 'incidents', 'overrides')
             and column_name in ('flaps', 'damped_until', 'is_flapping', 'calendar')
             and (is_nullable = 'YES' or column_default is not null)",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(added, 4);
    house.start().await;
    eventually("the old message", || async { receiver.count("/hook") == 2 }).await;
}

#[tokio::test]
async fn after_a_roll_back_the_older_release_sends_what_the_newer_one_left() {
    let receiver = webhook_receiver().await;
    let mut house = House::open(&to_webhook(receiver.url())).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the incident", || async { receiver.count("/hook") == 1 }).await;
    house.stop().await;
    // What a newer release may do: add columns and kinds, and leave messages that have them.
    let newer = "
        alter table alerting.notifications add column colour text not null default 'red';
        alter table alerting.notifications drop constraint notifications_kind;
        insert into alerting._sqlx_migrations (version, description, success, checksum, execution_time)
            values (20991231235959, 'add colours', true, '\\x00', 0);
        insert into alerting.notifications (tenant_id, notification_id, incident_id, channel, recipient, kind, severity,
            dedup_key, state, attempts, created_at, next_at, expires_at, colour)
        select tenant_id, gen_random_uuid(), incident_id, 'hook', '', kind, severity, 'newer ' || kind, 'waiting', 0,
            opened_at, opened_at, opened_at + interval '1 day', 'blue'
        from alerting.incidents, unnest(array['page', 'song']) as kind";
    sqlx::raw_sql(newer).execute(&house.database.admin_pool()).await.unwrap();
    house.start().await;
    eventually("what was left", || async { receiver.count("/hook") == 3 }).await;
    house.webhook(json!([firing("DoorOpen", &[])])).await;
    eventually("and what is new", || async { receiver.count("/hook") == 4 }).await;
}

/// What the clock of a test is ahead of the machine's.
static LEASE_AHEAD_US: AtomicI64 = AtomicI64::new(0);

fn lease_clock() -> i64 {
    larder_alerting::system_clock() + LEASE_AHEAD_US.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_replica_whose_lease_ran_out_finishes_nothing() {
    let receiver = webhook_receiver().await;
    receiver.fail(larder_testkit::stand_in::Fault::NeverAnswers);
    let house = House::open_at(&to_webhook(receiver.url()), lease_clock, |settings| {
        settings.alerting.replicas = 2;
    })
    .await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the first replica sends", || async { receiver.count("/hook") == 1 }).await;
    LEASE_AHEAD_US.store(100_000_000, Ordering::Relaxed);
    receiver.heal();
    let other = house.another_named("other").await;
    eventually("the other has it", || async { receiver.count("/hook") == 2 }).await;
    // The first gives up after 15 s, and must not put the message back.
    tokio::time::sleep(Duration::from_secs(17)).await;
    let names: std::collections::HashSet<_> =
        receiver.seen().iter().map(|seen| seen.headers["webhook-id"].clone()).collect();
    assert_eq!((receiver.count("/hook"), names.len()), (2, 1), "one message under one name");
    other.stop().await;
}
