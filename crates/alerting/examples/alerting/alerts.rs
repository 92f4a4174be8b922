//! Alerts as Prometheus posts them, about 540 bytes each, and their way in: the same requests to Larder and to
//! Alertmanager, whose API both speak.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Measured;
use crate::times::Times;

/// As many as Prometheus sends at once.
const BATCH: usize = 64;
const CLIENTS: usize = 4;

/// An alert that fires for an hour. `kind` is what the routes ask for.
pub(crate) fn alert(kind: &str, name: &str, number: usize) -> Value {
    let now = jiff::Timestamp::now();
    json!({
        "labels": {
            "alertname": name, "bench": kind, "severity": "critical", "cluster": "bakery-north",
            "instance": format!("oven-{number:05}.bakery.example.org:9100"), "job": "ovens", "team": "shop",
        },
        "annotations": {
            "summary": format!("{name} number {number:05} has been below its temperature"),
            "description": "The oven has been colder than the bread needs for five minutes. See whether its door is \
                            open, whether it has power, and whether somebody has turned it off; then look at the others.",
        },
        "startsAt": now.to_string(),
        "endsAt": (now + Duration::from_secs(3_600)).to_string(),
        "generatorURL": format!("http://prometheus.example.org/graph?g0.expr=oven_celsius&g0.tab={number}"),
    })
}

/// So many alerts of one name, in batches.
pub(crate) fn batches(kind: &str, name: &str, count: usize) -> Vec<String> {
    let alerts: Vec<Value> = (0..count).map(|number| alert(kind, name, number)).collect();
    alerts.chunks(BATCH).map(|batch| Value::from(batch).to_string()).collect()
}

/// The API of either.
#[derive(Clone)]
pub(crate) struct WayIn {
    client: reqwest::Client,
    url: String,
}

impl WayIn {
    pub(crate) fn to(base: &str) -> Self {
        Self { client: reqwest::Client::new(), url: format!("{base}/api/v2/alerts") }
    }

    /// Posts one body; it is taken when this returns well.
    pub(crate) async fn post(&self, body: String) -> Measured<()> {
        let request = self.client.post(&self.url).header("content-type", "application/json").body(body);
        let answer = request.send().await?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(format!("refused: {}", answer.text().await?).into())
        }
    }

    /// Posts all bodies from several clients at once, and tells how long all took and each.
    pub(crate) async fn post_all(&self, bodies: Vec<String>) -> Measured<(Duration, Times)> {
        let (bodies, next) = (Arc::new(bodies), Arc::new(AtomicUsize::new(0)));
        let started = Instant::now();
        let clients = (0..CLIENTS).map(|_| {
            let (way, bodies, next) = (self.clone(), bodies.clone(), next.clone());
            tokio::spawn(async move {
                let mut times = Times::default();
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    way.post(body.clone()).await.map_err(|error| error.to_string())?;
                    times.note(begun.elapsed());
                }
                Ok::<Times, String>(times)
            })
        });
        let clients: Vec<_> = clients.collect();
        let mut times = Times::default();
        for client in clients {
            times.take_in(client.await??);
        }
        Ok((started.elapsed(), times))
    }
}
