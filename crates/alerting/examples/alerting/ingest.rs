//! How many distinct alerts a second are taken, and how long one alert takes from its source to whoever is told,
//! while nothing else is to be done. Larder and Alertmanager by turns, each with one group and no wait.

use std::time::{Duration, Instant};

use larder_testkit::Row;

use crate::alerts::{WayIn, alert, batches};
use crate::peer::{self, Alertmanager};
use crate::receiver::Receiver;
use crate::service::Service;
use crate::times::Times;
use crate::{ALERTS, Measured};

/// The middle one counts.
const ROUNDS: usize = 3;
const SINGLES: usize = 300;
const WARMUP: usize = 20;
const PAUSE: Duration = Duration::from_millis(25);
const SETTLED_LIMIT: Duration = Duration::from_secs(10);
const PENDING: &str = "select count(*) from alerting.alerts where is_pending";

pub(crate) async fn measure() -> Measured<()> {
    let receiver = Receiver::start().await?;
    let service = Service::start(&on_call(&receiver.url())).await?;
    let grouping = "group_interval: 5m, group_by: [alertname]";
    let alertmanager = Alertmanager::start(grouping, &format!("{}/peer", receiver.url())).await?;
    let (larder, peer) = (WayIn::to(&service.url()), WayIn::to(alertmanager.url()));

    let (own_single, peer_single) = (single(&larder, &receiver).await?, single(&peer, &receiver).await?);
    Row::new("alert-to-hand-over-p50", own_single.at(0.5), "ms")
        .peer(peer::NAME, peer_single.at(0.5))
        .print();
    Row::new("alert-to-hand-over-p99", own_single.at(0.99), "ms")
        .target("<= 100")
        .peer(peer::NAME, peer_single.at(0.99))
        .print();

    let (mut own, mut others) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let bodies = || batches("ingest", &format!("Ingest{round}"), ALERTS);
        own.push(larder.post_all(bodies()).await?);
        // What is still at work after that disturbs the next round, which then says so by its rate.
        let settled = service.wait_for(PENDING, 0, SETTLED_LIMIT).await;
        if settled.is_err() {
            println!("after {SETTLED_LIMIT:?} not all alerts are in incidents");
        }
        others.push(peer.post_all(bodies()).await?);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let ((took, times), (peer_took, peer_times)) = (middle(own), middle(others));
    let rate = |took: Duration| ALERTS as f64 / took.as_secs_f64();
    Row::new("durable-ingest", rate(took), "alerts/s")
        .target(">= 10000")
        .peer(peer::NAME, rate(peer_took))
        .print();
    Row::new("durable-ingest-batch-p50", times.at(0.5), "ms").peer(peer::NAME, peer_times.at(0.5)).print();
    Row::new("durable-ingest-batch-p99", times.at(0.99), "ms").peer(peer::NAME, peer_times.at(0.99)).print();
    let kept =
        service.count("select count(*) from alerting.alerts where labels->>'bench' = 'ingest'").await?;
    let missing = (ROUNDS * ALERTS).saturating_sub(kept);
    Row::new("durable-ingest-missing", missing as f64, "alerts").target("<= 0").print();
    large_group(&service).await
}

/// Alertmanager sends a group as one body, however large.
async fn large_group(service: &Service) -> Measured<()> {
    let long = "x".repeat(4_000);
    let alerts = (0..ALERTS).map(|number| {
        let mut alert = alert("large", "Large", number);
        alert["status"] = "firing".into();
        alert["endsAt"] = "0001-01-01T00:00:00Z".into();
        alert["annotations"]["details"] = long.as_str().into();
        alert
    });
    let body = serde_json::json!({ "version": "4", "alerts": alerts.collect::<Vec<_>>() }).to_string();
    let megabytes = body.len() as f64 / 1e6;
    let started = Instant::now();
    let request = reqwest::Client::new().post(format!("{}/hooks/alertmanager", service.url())).body(body);
    let answer = request.send().await?;
    if !answer.status().is_success() {
        return Err(format!("a large group is refused: {}", answer.status()).into());
    }
    Row::new("webhook-of-10000-alerts", started.elapsed().as_secs_f64(), "s").print();
    Row::new("webhook-of-10000-alerts-size", megabytes, "MB").print();
    Row::new("memory-peak-with-it", service.memory_mb("VmHWM")?, "MB").print();
    Ok(())
}

/// Everything to one webhook that takes as much as it gets.
fn on_call(url: &str) -> String {
    format!(
        r#"
        [route]
        receiver = "r"
        group_by = ["alertname"]
        group_wait = "0s"
        group_interval = "5m"

        [[receivers]]
        name = "r"
        channels = ["hook"]

        [[channels]]
        name = "hook"
        kind = "webhook"
        url = "{url}/larder"
        secret = SECRET
        limit = {{ messages = 100000, per = "1m", digest_above = 100000 }}
        "#
    )
}

/// From before the request to the message's arrival; each alert is a group of its own.
async fn single(way: &WayIn, receiver: &Receiver) -> Measured<Times> {
    let mut times = Times::default();
    for number in 0..WARMUP + SINGLES {
        let name = format!("Single{number:05}");
        let body = serde_json::Value::from(vec![alert("single", &name, number)]).to_string();
        let started = Instant::now();
        way.post(body).await?;
        let arrival = receiver.wait_for(&name, started, Duration::from_secs(10)).await?;
        if number >= WARMUP {
            times.note(arrival.at - started);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(times)
}

fn middle(mut rounds: Vec<(Duration, Times)>) -> (Duration, Times) {
    rounds.sort_by_key(|(took, _)| *took);
    rounds.swap_remove(ROUNDS / 2)
}
