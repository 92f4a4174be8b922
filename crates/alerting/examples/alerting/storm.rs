//! Ten thousand alerts at once, each an incident of its own: when the first person is told, when all can be seen,
//! whether every channel keeps to its limit and nothing is dropped; then acknowledging among so many, and memory.

use std::time::{Duration, Instant};

use larder_proto::larder::alerting::v1::{AcknowledgeIncidentRequest, ListIncidentsRequest};
use larder_testkit::Row;

use crate::alerts::{WayIn, batches};
use crate::peer::{self, Alertmanager};
use crate::receiver::Receiver;
use crate::service::Service;
use crate::times::Times;
use crate::{ALERTS, Measured};

const CALLS: usize = 300;
const MINUTE: Duration = Duration::from_secs(60);
/// The channels' limits as they are when a file tells none.
const SLACK_MOST: usize = 50;
const WEBHOOK_MOST: usize = 300;
const INCIDENTS: &str = "select count(*) from alerting.incidents";
const WAITING_FOR_SLACK: &str =
    "select count(*) from alerting.notifications where channel = 'slack' and state = 'waiting'";

pub(crate) async fn measure() -> Measured<()> {
    let receiver = Receiver::start().await?;
    let other = beside(&receiver).await?;
    let service = Service::start(&on_call(&receiver.url())).await?;
    let way = WayIn::to(&service.url());
    let idle_mb = service.memory_mb("VmRSS")?;
    let bodies = batches("storm", "Storm", ALERTS);
    let started = Instant::now();
    let (took, _) = way.post_all(bodies).await?;
    Row::new("storm-taken", took.as_secs_f64(), "s").peer(peer::NAME, other.taken_s).print();
    let seen_at = service.wait_for(INCIDENTS, ALERTS, MINUTE).await?;
    // Every incident stands in some message once nothing waits for this channel any more.
    let told_at = service.wait_for(WAITING_FOR_SLACK, 0, MINUTE).await?;
    let first =
        receiver.since(started).into_iter().map(|arrival| arrival.at).min().ok_or("nobody was told")?;
    let seconds = |at: Instant| (at - started).as_secs_f64();
    Row::new("storm-first-page", seconds(first), "s").target("<= 2").peer(peer::NAME, other.first_s).print();
    Row::new("storm-all-visible", seconds(seen_at), "s")
        .target("<= 5")
        .peer(peer::NAME, other.last_s)
        .print();
    Row::new("storm-all-told-in-slack", seconds(told_at), "s").print();
    acknowledge(&service).await?;
    list(&service).await?;
    Row::new("memory-idle", idle_mb, "MB").print();
    Row::new("memory-10000-active", service.memory_mb("VmRSS")?, "MB")
        .target("< 100")
        .peer(peer::NAME, other.memory_mb)
        .print();
    Row::new("memory-10000-active-peak", service.memory_mb("VmHWM")?, "MB").print();
    within_limits(&receiver);
    let kept = service.count("select count(*) from alerting.alerts where resolved_at is null").await?;
    let failed = "select count(*) from alerting.notifications where state = 'failed'";
    let dropped = ALERTS.saturating_sub(kept) + service.count(failed).await?;
    Row::new("storm-dropped", dropped as f64, "alerts or messages").target("<= 0").print();
    Ok(())
}

fn on_call(url: &str) -> String {
    format!(
        r#"
        [route]
        receiver = "r"
        group_by = ["..."]
        group_wait = "0s"
        group_interval = "5m"

        [[receivers]]
        name = "r"
        channels = ["slack", "hook"]

        [[channels]]
        name = "slack"
        kind = "slack"
        token = SECRET
        channel = "C123"
        url = "{url}/slack"

        [[channels]]
        name = "hook"
        kind = "webhook"
        url = "{url}/hook"
        secret = SECRET
        "#
    )
}

/// What Alertmanager does with the same alerts: a webhook a group, as many as come.
struct Beside {
    taken_s: f64,
    first_s: f64,
    last_s: f64,
    memory_mb: f64,
}

async fn beside(receiver: &Receiver) -> Measured<Beside> {
    let grouping = "group_interval: 5m, group_by: ['...']";
    let peer = Alertmanager::start(grouping, &format!("{}/peer", receiver.url())).await?;
    let bodies = batches("storm", "Storm", ALERTS);
    let started = Instant::now();
    let (took, _) = WayIn::to(peer.url()).post_all(bodies).await?;
    while receiver.since(started).len() < ALERTS {
        if started.elapsed() > MINUTE {
            return Err("Alertmanager does not tell of all alerts within a minute".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let arrivals = receiver.since(started);
    let times = || arrivals.iter().map(|arrival| (arrival.at - started).as_secs_f64());
    let (first_s, last_s) = (times().fold(f64::INFINITY, f64::min), times().fold(0.0, f64::max));
    Ok(Beside { taken_s: took.as_secs_f64(), first_s, last_s, memory_mb: peer.memory_mb("VmRSS")? })
}

async fn acknowledge(service: &Service) -> Measured<()> {
    let mut client = service.client().await?;
    let mut times = Times::default();
    for number in 1..=CALLS {
        let request = AcknowledgeIncidentRequest { incident_id: number.to_string(), note: String::new() };
        let started = Instant::now();
        client.acknowledge_incident(request).await?;
        times.note(started.elapsed());
    }
    Row::new("acknowledge-among-10000-p50", times.at(0.5), "ms").print();
    Row::new("acknowledge-among-10000-p99", times.at(0.99), "ms").target("<= 100").print();
    Ok(())
}

async fn list(service: &Service) -> Measured<()> {
    let mut client = service.client().await?;
    let mut times = Times::default();
    for _ in 0..CALLS {
        let request = ListIncidentsRequest { page_size: 50, ..ListIncidentsRequest::default() };
        let started = Instant::now();
        client.list_incidents(request).await?;
        times.note(started.elapsed());
    }
    Row::new("list-50-among-10000-p99", times.at(0.99), "ms").print();
    Ok(())
}

fn within_limits(receiver: &Receiver) {
    let most = |path: &str| receiver.most_within(path, MINUTE) as f64;
    Row::new("storm-slack-most-a-minute", most("/slack"), "messages")
        .target(&format!("<= {SLACK_MOST}"))
        .print();
    Row::new("storm-webhook-most-a-minute", most("/hook"), "messages")
        .target(&format!("<= {WEBHOOK_MOST}"))
        .print();
}
