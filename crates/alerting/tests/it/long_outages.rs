//! What lasts for an hour. In the suite the service's clocks run forty times as fast; with `--full` at their own pace.

use std::collections::HashSet;
use std::sync::OnceLock;
use std::time::Duration;

use larder_alerting::Clock;
use larder_proto::larder::alerting::v1::IncidentState;
use larder_testkit::stand_in::Fault;
use serde_json::{Value, json};

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing, resolved};
use crate::mailing::{MailServer, header};
use crate::receivers::{json_of, slack, webhook_receiver};

/// When the clocks began to run fast.
static BEGIN: OnceLock<(i64, i64)> = OnceLock::new();

fn wall<const PACE: i64>() -> i64 {
    let (begin, _) =
        *BEGIN.get_or_init(|| (larder_alerting::system_clock(), larder_alerting::steady_clock()));
    begin + (larder_alerting::system_clock() - begin) * PACE
}

fn steady<const PACE: i64>() -> i64 {
    let (_, begin) =
        *BEGIN.get_or_init(|| (larder_alerting::system_clock(), larder_alerting::steady_clock()));
    begin + (larder_alerting::steady_clock() - begin) * PACE
}

/// Lets so many minutes of the service's clock pass.
async fn minutes(clock: Clock, minutes: i64) {
    let until = clock() + minutes * 60_000_000;
    while clock() < until {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Everything goes to Slack and by mail, to a server that is not there.
fn by_slack_and_mail(slack: &str, port: u16) -> String {
    let by_slack = to_webhook("http://unused").replace(
        "kind = \"webhook\"\n        url = \"http://unused/hook\"\n        secret = SECRET",
        &format!("kind = \"slack\"\ntoken = SECRET\nchannel = \"C123\"\nurl = \"{slack}/api\""),
    );
    by_slack.replace("channels = [\"hook\"]", "channels = [\"hook\", \"mail\"]")
        + &format!(
            "[[channels]]\nname = \"mail\"\nkind = \"email\"\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n\
             from = \"Larder <larder@example.org>\"\nto = [\"ops@example.org\"]\n"
        )
}

async fn an_hour_without_slack_and_mail<const PACE: i64>() {
    let receiver = slack().await;
    receiver.fail(Fault::RateLimited { retry_after: Some("30") });
    let server = MailServer::default();
    // A port that nobody listens on, and that the server has later.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let clock = wall::<PACE>;
    let house = House::open_by(&by_slack_and_mail(receiver.url(), port), clock, steady::<PACE>, |_| {}).await;
    house.webhook(json!([firing("OvenCold", &[]), firing("DoorOpen", &[])])).await;
    minutes(clock, 20).await;
    house.webhook(json!([resolved("DoorOpen", &[])])).await;
    minutes(clock, 40).await;
    let asked = receiver.count("/api/");
    // Two were under way when Slack said to wait, and afterwards one asks whether it may go on.
    assert!((20..=125).contains(&asked), "once each half minute at most: {asked}");
    let attempts: Vec<i32> = sqlx::query_scalar(
        "select attempts from alerting.notifications where channel = 'mail' and state = 'waiting'",
    )
    .fetch_all(&house.database.admin_pool())
    .await
    .unwrap();
    assert!(!attempts.is_empty() && attempts.iter().all(|tries| (5..=30).contains(tries)), "{attempts:?}");
    let (open, over) = (house.incidents().await, house.incidents_in(IncidentState::Resolved).await);
    assert_eq!((open.len(), over.len()), (1, 1), "nothing is lost meanwhile");

    receiver.heal();
    server.start_at(port).await;
    let told = || -> HashSet<Value> {
        let posts =
            receiver.seen().into_iter().skip(asked).filter(|seen| seen.path == "/api/chat.postMessage");
        posts.map(|seen| json_of(&seen)["text"].clone()).collect()
    };
    let limit = tokio::time::Instant::now() + Duration::from_secs(if PACE == 1 { 400 } else { 60 });
    while told().is_empty() || server.mails().len() < 2 {
        assert!(tokio::time::Instant::now() < limit, "{:?}, {} mails", told(), server.mails().len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    minutes(clock, 1).await;
    let posts: Vec<String> = told().iter().map(Value::to_string).collect();
    // Slack never heard that the door was open, and needs not hear that it is shut. Whether a mail was taken nobody knows.
    assert!(posts.len() == 1 && posts[0].contains("OvenCold"), "the newest state alone: {posts:?}");
    let names: HashSet<String> = server.mails().iter().map(|mail| header(mail, "Message-ID")).collect();
    let subjects: HashSet<String> = server.mails().iter().map(|mail| header(mail, "Subject")).collect();
    assert_eq!((names.len(), subjects.len()), (2, 2), "{subjects:?}");
    assert!(
        subjects
            .iter()
            .any(|subject| subject.contains("DoorOpen") && subject.to_lowercase().contains("resolved"))
    );
    if PACE == 1 {
        assert_eq!(server.mails().len(), 2, "and each once");
    }
    for incident in [&open[0], &over[0]] {
        let kinds = house.timeline(&incident.incident_id).await;
        assert!(
            kinds.iter().filter(|kind| *kind == "notified").count() >= 1,
            "{}: {kinds:?}",
            incident.title
        );
        assert!(!kinds.contains(&"failed".to_owned()), "{}: {kinds:?}", incident.title);
    }
}

#[tokio::test]
async fn an_hour_of_refusals_and_without_mail_is_told_as_it_stands_when_it_is_over() {
    an_hour_without_slack_and_mail::<40>().await;
}

#[tokio::test]
#[ignore = "it takes an hour"]
async fn an_hour_of_refusals_and_without_mail_at_its_own_pace() {
    an_hour_without_slack_and_mail::<1>().await;
}

#[tokio::test]
#[ignore = "it takes ten minutes"]
async fn ten_minutes_without_the_database_lose_nothing_and_leave_nobody_in_the_dark() {
    let (receiver, emergency) = (webhook_receiver().await, webhook_receiver().await);
    let on_call = format!(
        "emergency_channels = [\"red\"]\n{}\n[[channels]]\nname = \"red\"\nkind = \"webhook\"\nurl = \"{}/red\"\nsecret = SECRET\n",
        to_webhook(receiver.url()),
        emergency.url()
    );
    let (house, way) = House::behind_a_cut(&on_call).await;
    house.webhook(json!([firing("DoorOpen", &[])])).await;
    eventually("the message", || async { receiver.count("/hook") == 1 }).await;
    // The board is read every five seconds.
    tokio::time::sleep(Duration::from_secs(6)).await;
    way.cut();
    for number in 0..120 {
        let began = tokio::time::Instant::now();
        let alerts = json!([firing(&format!("Oven{number}"), &[]), firing("Again", &[])]);
        assert_eq!(house.webhook(alerts).await, 200);
        let name = format!("Oven{number}\"");
        let is_told = || {
            emergency.seen().iter().any(|seen| {
                let text = json_of(seen)["text"].as_str().unwrap_or_default().to_owned();
                text.contains(&name)
            })
        };
        eventually("the emergency", || async { is_told() }).await;
        tokio::time::sleep(Duration::from_secs(5).saturating_sub(began.elapsed())).await;
    }
    let texts: Vec<String> = emergency
        .seen()
        .iter()
        .map(|seen| json_of(seen)["text"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert!(
        texts.iter().any(|text| text.contains("#1 DoorOpen")),
        "escalation stands still, and that is told"
    );
    assert_eq!(texts.iter().filter(|text| text.contains("Again happened")).count(), 1, "once");
    way.mend();
    eventually("all incidents", || async { house.incidents().await.len() == 122 }).await;
    let told = || -> HashSet<String> {
        receiver.seen().iter().map(|seen| json_of(seen)["incidents"][0]["title"].to_string()).collect()
    };
    let limit = tokio::time::Instant::now() + Duration::from_secs(120);
    while told().len() < 122 {
        assert!(
            tokio::time::Instant::now() < limit,
            "{} of 122 told in {} messages",
            told().len(),
            receiver.count("/hook")
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(receiver.count("/hook") <= 124, "{} messages", receiver.count("/hook"));
    eventually("the all-clear", || async {
        emergency.seen().last().is_some_and(|seen| json_of(seen)["text"].to_string().contains("is back"))
    })
    .await;
}

#[tokio::test]
#[ignore = "it takes ten minutes"]
async fn a_hundred_thousand_alerts_in_ten_minutes_are_kept_and_told_within_the_limits() {
    let receiver = slack().await;
    let on_call = to_webhook("http://unused").replace(
        "kind = \"webhook\"\n        url = \"http://unused/hook\"\n        secret = SECRET",
        &format!("kind = \"slack\"\ntoken = SECRET\nchannel = \"C123\"\nurl = \"{}/api\"", receiver.url()),
    );
    let house = House::open(&on_call).await;
    let start = tokio::time::Instant::now();
    for batch in 0..1_000 {
        let alerts: Vec<Value> = (0..100)
            .map(|number| {
                let oven = (batch * 100 + number).to_string();
                firing(&format!("Alert{}", batch % 500), &[("oven", &oven)])
            })
            .collect();
        let mut status = house.webhook(json!(alerts)).await;
        while status == 503 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            status = house.webhook(json!(alerts)).await;
        }
        assert_eq!(status, 200);
        tokio::time::sleep_until(start + Duration::from_millis(600) * (batch + 1)).await;
    }
    let count = || async {
        let query = sqlx::query_scalar("select count(*) from alerting.incident_alerts");
        let count: i64 = query.fetch_one(&house.database.admin_pool()).await.unwrap();
        count
    };
    eventually("each alert is in an incident", || async { count().await == 100_000 }).await;
    assert_eq!(house.incidents().await.len(), 500);
    let most = receiver.count("/api/") as f64 / start.elapsed().as_secs_f64() * 60.0;
    assert!(most <= 61.0, "{most} messages a minute");
    let failed: i64 =
        sqlx::query_scalar("select count(*) from alerting.notifications where state = 'failed'")
            .fetch_one(&house.database.admin_pool())
            .await
            .unwrap();
    assert_eq!(failed, 0);
}
