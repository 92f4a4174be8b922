//! Alertmanager's webhook, version 4, old and new. The alerts of a body are committed piece by piece as
//! they are read, so the largest group needs no more memory than a small one; 2xx comes after the last.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, StatusCode};
use larder_oncall::alert::{Told, ToldAlert};
use larder_oncall::labels::Labels;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tokio::sync::mpsc;

use crate::error::Error;
use crate::http::access::Source;
use crate::ingest::Delivery;
use crate::state::State;

/// So many alerts are handed over at once.
const PIECE: usize = 1_000;
/// So many pieces are read ahead of the commits.
const AHEAD: usize = 2;

/// One alert as the webhook has it. Everything else in the body is for people who read it.
#[derive(Deserialize)]
struct WebhookAlert {
    status: String,
    labels: Labels,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(rename = "startsAt")]
    starts_at: Option<jiff::Timestamp>,
    #[serde(rename = "endsAt")]
    ends_at: Option<jiff::Timestamp>,
    #[serde(rename = "generatorURL", default)]
    generator_url: String,
}

/// `POST /hooks/alertmanager`
pub(crate) async fn receive(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    let _share = state.bodies.share(&headers)?;
    let now_us = (state.clock)();
    let (bytes, arriving) = mpsc::channel::<std::io::Result<Bytes>>(AHEAD);
    let (pieces, mut ready) = mpsc::channel::<Vec<ToldAlert>>(AHEAD);
    let limit = state.settings.webhook_limit_bytes as u64;
    tokio::spawn(carry(body, bytes));
    let reading = tokio::task::spawn_blocking(move || {
        let body = Arriving { arriving, piece: Bytes::new() }.take(limit);
        read(std::io::BufReader::with_capacity(256 * 1024, body), now_us, |piece| {
            pieces.blocking_send(piece).is_ok()
        })
    });
    let mut outcome = Ok(());
    while let Some(alerts) = ready.recv().await {
        let delivery = Delivery { tenant: source.0.tenant.clone(), source: source.0.source.clone(), alerts };
        outcome = state.ingest.deliver(delivery).await;
        if outcome.is_err() {
            break;
        }
    }
    // The reader ends at once when nobody takes its pieces any more.
    drop(ready);
    let read = reading.await.map_err(|_| Error::Internal("reading a webhook panicked".to_owned()))?;
    outcome?;
    read?;
    Ok(StatusCode::OK.into_response())
}

/// Hands a body over to a reader that waits for it, until nobody does.
async fn carry(body: Body, bytes: mpsc::Sender<std::io::Result<Bytes>>) {
    let mut stream = body.into_data_stream();
    while let Some(piece) = stream.next().await {
        if bytes.send(piece.map_err(std::io::Error::other)).await.is_err() {
            return;
        }
    }
}

/// A body that arrives while it is read.
struct Arriving {
    arriving: mpsc::Receiver<std::io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Arriving {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.piece.is_empty() {
            match self.arriving.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let taken = self.piece.len().min(into.len());
        into[..taken].copy_from_slice(&self.piece.split_to(taken));
        Ok(taken)
    }
}

/// Reads a body and hands its alerts over in pieces; `false` from `hand_over` stops it.
fn read(body: impl Read, now_us: i64, hand_over: impl FnMut(Vec<ToldAlert>) -> bool) -> Result<(), Error> {
    let mut seed = Webhook { now_us, hand_over, piece: Vec::new(), version: None, seen_alerts: false };
    let mut json = serde_json::Deserializer::from_reader(body);
    let done = (&mut seed).deserialize(&mut json).and_then(|()| json.end());
    done.map_err(|error| Error::invalid("body", format!("must be Alertmanager's webhook in JSON: {error}")))?;
    if seed.version.as_deref() != Some("4") {
        return Err(Error::invalid("version", "must be \"4\""));
    }
    if !seed.seen_alerts {
        return Err(Error::invalid("alerts", "must be there"));
    }
    if !seed.piece.is_empty() {
        let piece = std::mem::take(&mut seed.piece);
        (seed.hand_over)(piece);
    }
    Ok(())
}

struct Webhook<F> {
    now_us: i64,
    hand_over: F,
    piece: Vec<ToldAlert>,
    version: Option<String>,
    seen_alerts: bool,
}

impl<F: FnMut(Vec<ToldAlert>) -> bool> Webhook<F> {
    /// Takes one alert; `false` when nobody wants more.
    fn take(&mut self, alert: WebhookAlert) -> bool {
        if alert.labels.is_empty() {
            return true;
        }
        self.piece.push(told(alert, self.now_us));
        if self.piece.len() < PIECE {
            return true;
        }
        (self.hand_over)(std::mem::take(&mut self.piece))
    }
}

fn told(alert: WebhookAlert, now_us: i64) -> ToldAlert {
    // A firing alert's end is the year 1.
    let ends_at_us = alert.ends_at.map(jiff::Timestamp::as_microsecond).filter(|ends_at_us| *ends_at_us > 0);
    let told = if alert.status == "resolved" {
        Told::Resolved { ends_at_us: ends_at_us.unwrap_or(now_us) }
    } else {
        Told::Firing { expires_at_us: None }
    };
    ToldAlert {
        labels: alert.labels,
        annotations: alert.annotations,
        generator_url: alert.generator_url,
        starts_at_us: alert
            .starts_at
            .map(jiff::Timestamp::as_microsecond)
            .filter(|starts_at_us| *starts_at_us > 0),
        told,
    }
}

impl<'de, F: FnMut(Vec<ToldAlert>) -> bool> DeserializeSeed<'de> for &mut Webhook<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Vec<ToldAlert>) -> bool> Visitor<'de> for &mut Webhook<F> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Alertmanager's webhook")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "alerts" => {
                    self.seen_alerts = true;
                    map.next_value_seed(AlertsOf(self))?;
                }
                "version" => self.version = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct AlertsOf<'a, F>(&'a mut Webhook<F>);

impl<'de, F: FnMut(Vec<ToldAlert>) -> bool> DeserializeSeed<'de> for AlertsOf<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Vec<ToldAlert>) -> bool> Visitor<'de> for AlertsOf<'_, F> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of alerts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(alert) = seq.next_element::<WebhookAlert>()? {
            if !self.0.take(alert) {
                return Err(serde::de::Error::custom("nobody takes the rest"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"{"receiver":"larder","status":"firing","alerts":[{"status":"firing",
        "labels":{"alertname":"OvenCold","oven":"2"},"annotations":{"summary":"cold"},
        "startsAt":"2026-11-23T06:00:00.123456789Z","endsAt":"0001-01-01T00:00:00Z",
        "generatorURL":"http://p/g","fingerprint":"0000000000000000"}],
        "groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am",
        "version":"4","groupKey":"{}:{}","truncatedAlerts":0}"#;

    fn all(body: &str) -> Result<Vec<ToldAlert>, Error> {
        let mut alerts = Vec::new();
        read(body.as_bytes(), 1_000, |piece| {
            alerts.extend(piece);
            true
        })?;
        Ok(alerts)
    }

    #[test]
    fn old_and_new_bodies_are_read() {
        let old = all(OLD).unwrap();
        assert_eq!(old.len(), 1);
        assert_eq!(old[0].told, Told::Firing { expires_at_us: None });
        assert_eq!(old[0].starts_at_us, Some(1_795_413_600_123_456));
        let new = OLD.replace(
            "\"truncatedAlerts\":0",
            "\"truncatedAlerts\":0,\"notification_reason\":\"first notification\",\"routeLabels\":{\"a\":{\"b\":[1]}}",
        );
        assert_eq!(all(&new).unwrap(), old);
        let resolved = OLD
            .replace("{\"status\":\"firing\",", "{\"status\":\"resolved\",")
            .replace("0001-01-01T00:00:00Z", "2026-11-23T06:05:00+01:00");
        assert_eq!(all(&resolved).unwrap()[0].told, Told::Resolved { ends_at_us: 1_795_410_300_000_000 });
    }

    #[test]
    fn other_bodies_are_refused_with_what_would_be_accepted() {
        for (body, expected) in [
            ("", "body: must be Alertmanager's webhook"),
            ("[]", "body: must be Alertmanager's webhook"),
            ("{\"version\":\"3\",\"alerts\":[]}", "version: must be \"4\""),
            ("{\"version\":\"4\"}", "alerts: must be there"),
            ("{\"version\":\"4\",\"alerts\":[{}]}", "body: must be"),
            ("{\"version\":\"4\",\"alerts\":[]} x", "body: must be"),
        ] {
            let refusal = all(body).unwrap_err().to_string();
            assert!(refusal.starts_with(expected), "{body}: {refusal}");
        }
    }

    #[test]
    fn a_large_group_is_handed_over_in_pieces() {
        let alert = |n: usize| format!(r#"{{"status":"firing","labels":{{"alertname":"A","n":"{n}"}}}}"#);
        let alerts: Vec<String> = (0..2_500).map(alert).collect();
        let body = format!("{{\"alerts\":[{}],\"version\":\"4\"}}", alerts.join(","));
        let mut sizes = Vec::new();
        read(body.as_bytes(), 1, |piece| {
            sizes.push(piece.len());
            true
        })
        .unwrap();
        assert_eq!(sizes, [1_000, 1_000, 500]);
    }
}
