//! A real Prometheus and a real Alertmanager fire into the service, and `amtool` works with it as with its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::routing::get;
use larder_proto::larder::alerting::v1::*;
use serde_json::Value;

use crate::firing::to_webhook;
use crate::house::{House, eventually, token};
use crate::programs::{alertmanager, amtool, prometheus};
use crate::receivers::{json_of, webhook_receiver};

const RULES: &str = r#"
groups:
- name: ovens
  rules:
  - alert: OvenCold
    expr: oven_celsius < 100
    labels: { severity: critical }
    annotations: { summary: 'Oven {{ $labels.oven }} is cold' }
  - alert: Watchdog
    expr: vector(1)
    labels: { severity: none }
"#;

/// An oven with a thermometer that Prometheus reads.
struct Oven {
    celsius: Arc<AtomicU32>,
    address: String,
}

impl Oven {
    async fn cold() -> Self {
        let celsius = Arc::new(AtomicU32::new(20));
        let read = celsius.clone();
        let metrics = move || async move {
            let celsius = read.load(Ordering::Relaxed);
            format!("# TYPE oven_celsius gauge\noven_celsius{{oven=\"1\"}} {celsius}\n")
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            axum::serve(listener, Router::new().route("/metrics", get(metrics))).await.unwrap();
        });
        Self { celsius, address }
    }

    fn heat(&self) {
        self.celsius.store(220, Ordering::Relaxed);
    }
}

fn host(url: &str) -> &str {
    url.strip_prefix("http://").unwrap()
}

#[tokio::test]
async fn prometheus_and_alertmanager_tell_of_one_alert_and_its_end() {
    let receiver = webhook_receiver().await;
    let house = House::open(&to_webhook(receiver.url())).await;
    let oven = Oven::cold().await;
    let relay = alertmanager(&house.source_url("bakery", "alertmanager", "/hooks/alertmanager")).await;
    let direct = format!("/t/{}", token("bakery", "prometheus"));
    let own = house.url("");
    let _prometheus =
        prometheus(&oven.address, RULES, &[(host(&relay.url), "/"), (host(&own), &direct)]).await;
    eventually("the message", || async { receiver.count("/hook") >= 1 }).await;
    let incidents = house.incidents().await;
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(incidents[0].title, "Oven 1 is cold");

    // Both ways, and under the name that Alertmanager gives it.
    let request = ListAlertsRequest { matchers: vec!["oven=\"1\"".into()], ..ListAlertsRequest::default() };
    let alerts = house.guest("bakery").await.list_alerts(request).await.unwrap().into_inner().alerts;
    let theirs: Value = reqwest::get(format!("{}/api/v2/alerts?filter=oven%3D%221%22", relay.url))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(alerts.len(), 1);
    assert_eq!(theirs[0]["fingerprint"], alerts[0].fingerprint.as_str());

    oven.heat();
    eventually("the end", || async { house.incidents().await.is_empty() }).await;
    eventually("the message about it", || async {
        receiver.seen().iter().any(|seen| json_of(seen)["incidents"][0]["state"] == "resolved")
    })
    .await;
    let open = |seen: &&larder_testkit::stand_in::Seen| json_of(seen)["incidents"][0]["state"] == "open";
    assert_eq!(receiver.seen().iter().filter(open).count(), 1, "one message, by however many ways it comes");
}

/// The service expects to hear of Alertmanager, and of what is behind it, by its Watchdog.
fn with_heartbeat(url: &str) -> String {
    format!(
        "{}\n[[heartbeats]]\nname = \"alertmanager\"\nevery = \"5s\"\nalert_name = \"Watchdog\"\n",
        to_webhook(url)
    )
}

/// A cold oven that the service has heard of through a Prometheus and an Alertmanager which it watches.
async fn watched() -> (House, Oven, crate::programs::Program, crate::programs::Program) {
    let house = House::open(&with_heartbeat("http://127.0.0.1:9")).await;
    let oven = Oven::cold().await;
    let relay = alertmanager(&house.source_url("bakery", "alertmanager", "/hooks/alertmanager")).await;
    let prometheus = prometheus(&oven.address, RULES, &[(host(&relay.url), "/")]).await;
    eventually("the incident", || async { house.incidents().await.len() == 1 }).await;
    eventually("a sign of life", || async {
        let beats = house.guest("bakery").await.list_heartbeats(ListHeartbeatsRequest {}).await.unwrap();
        beats.into_inner().heartbeats.iter().any(|beat| beat.last_beat_at.is_some())
    })
    .await;
    (house, oven, relay, prometheus)
}

async fn titles(house: &House) -> Vec<String> {
    house.incidents().await.into_iter().map(|incident| incident.title).collect()
}

/// The loss is told, and the alert that fired before it is marked and not over.
async fn assert_lost(house: &House) {
    eventually("the loss", || async {
        titles(house).await.iter().any(|title| title.contains("alertmanager has fallen silent"))
    })
    .await;
    eventually("the mark", || async {
        let incidents = house.incidents().await;
        incidents.iter().any(|incident| incident.title == "Oven 1 is cold" && incident.source_lost)
    })
    .await;
}

#[tokio::test]
async fn a_killed_prometheus_resolves_nothing_and_is_missed() {
    let (house, _oven, relay, mut prometheus) = watched().await;
    prometheus.kill().await;
    // Alertmanager believes that what is not sent again is over, and says so: four seconds after the last time.
    eventually("the false end at Alertmanager", || async {
        let alerts: Value =
            reqwest::get(format!("{}/api/v2/alerts", relay.url)).await.unwrap().json().await.unwrap();
        alerts == Value::Array(Vec::new())
    })
    .await;
    assert_lost(&house).await;
}

#[tokio::test]
async fn a_killed_alertmanager_is_missed_and_believed_again_when_it_is_back() {
    let (house, oven, mut relay, _prometheus) = watched().await;
    relay.kill().await;
    assert_lost(&house).await;
    oven.heat();
    let hook = house.source_url("bakery", "alertmanager", "/hooks/alertmanager");
    let watchdog = serde_json::json!({
        "version": "4", "status": "firing", "receiver": "larder",
        "alerts": [crate::house::firing("Watchdog", &[("severity", "none")])],
    });
    reqwest::Client::new().post(hook).json(&watchdog).send().await.unwrap();
    eventually("the end of the silence", || async {
        !titles(&house).await.iter().any(|title| title.contains("has fallen silent"))
    })
    .await;
    assert_eq!(titles(&house).await, ["Oven 1 is cold"], "who is back has not said that the oven is warm");
}

#[tokio::test]
async fn amtool_works_with_it_as_with_alertmanager() {
    let house = House::open(&to_webhook("http://127.0.0.1:9")).await;
    let url = house.source_url("bakery", "amtool", "");
    let tool = |arguments: &'static str| {
        let url = url.clone();
        async move {
            let words: Vec<&str> = arguments.split(' ').collect();
            let (is_well, text) = amtool(&url, &words).await;
            assert!(is_well, "amtool {arguments}: {text}");
            text
        }
    };
    tool("alert add OvenCold oven=1 severity=critical --annotation=summary=cold").await;
    tool("alert add DoorOpen door=7 severity=warning").await;
    eventually("the incidents", || async { house.incidents().await.len() == 2 }).await;
    let listed = tool("alert query oven=~[12]").await;
    assert!(listed.contains("OvenCold") && !listed.contains("DoorOpen"), "{listed}");
    let listed: Value = serde_json::from_str(&tool("alert query -o json").await).unwrap();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));

    let silence_id =
        tool("silence add alertname=OvenCold door!=7 -a ann -c moving -d 2h").await.trim().to_owned();
    let silences = tool("silence query").await;
    assert!(silences.contains(&silence_id) && silences.contains("moving"), "{silences}");
    eventually("it is silenced", || async { !tool("alert query").await.contains("OvenCold") }).await;
    assert!(tool("alert query -s").await.contains("OvenCold"));
    let (is_well, text) = amtool(&url, &["silence", "expire", &silence_id]).await;
    assert!(is_well, "{text}");
    eventually("it speaks", || async { tool("alert query").await.contains("OvenCold") }).await;
    assert!(!tool("silence query").await.contains(&silence_id));
    assert!(tool("silence query --expired").await.contains(&silence_id));
    tool("cluster show").await;
    tool("config show").await;

    let weak = house.source_url("bakery", "nobody", "").replace("/t/", "/t/x");
    let (is_well, text) = amtool(&weak, &["alert", "query"]).await;
    assert!(!is_well, "{text}");
}
