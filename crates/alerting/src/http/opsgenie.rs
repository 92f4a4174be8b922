//! Opsgenie's alert API as a way in: create, close and acknowledge by alias, with the token of the source
//! as its key.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State as Shared};
use http::{HeaderMap, StatusCode};
use larder_oncall::alert::{Told, ToldAlert};
use larder_oncall::labels::Labels;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::http::access::Source;
use crate::http::acknowledge_alert;
use crate::ingest::Delivery;
use crate::message::cut;
use crate::state::State;

#[derive(Deserialize)]
struct NewAlert {
    message: String,
    #[serde(default)]
    alias: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    entity: String,
    #[serde(default)]
    priority: String,
    #[serde(default)]
    details: BTreeMap<String, String>,
}

/// `POST /v2/alerts`
pub(crate) async fn create(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Error> {
    let body = state.bodies.read(&headers, body).await?;
    let alert: NewAlert = serde_json::from_slice(&body.bytes)
        .map_err(|error| Error::invalid("body", format!("must be an alert of Opsgenie's API: {error}")))?;
    if alert.message.is_empty() {
        return Err(Error::invalid("message", "must be there"));
    }
    let alias = if alert.alias.is_empty() { cut(&alert.message, 130) } else { cut(&alert.alias, 512) };
    let texts = [
        ("summary", alert.message),
        ("description", alert.description),
        ("entity", alert.entity),
        ("severity", priority(&alert.priority).to_owned()),
    ];
    let texts = texts.into_iter().map(|(name, text)| (name.to_owned(), text)).chain(alert.details);
    let annotations = texts
        .filter(|(name, text)| !name.is_empty() && !text.is_empty())
        .map(|(name, text)| (cut(&name, 256), cut(&text.replace('\0', " "), 15_000)))
        .take(60)
        .collect();
    deliver(&state, source, &alias, annotations, Told::Firing { expires_at_us: None }).await
}

/// `POST /v2/alerts/{alias}/close` and `…/acknowledge`
pub(crate) async fn act(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    Path(params): Path<HashMap<String, String>>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let of = |name: &str| params.get(name).cloned().unwrap_or_default();
    let alias = cut(&of("alias"), 512);
    match of("action").as_str() {
        "close" => {
            let told = Told::Resolved { ends_at_us: (state.clock)() };
            deliver(&state, source, &alias, BTreeMap::new(), told).await
        }
        "acknowledge" => {
            acknowledge_alert(&state, &source.0, &labels(&source.0.source, &alias)).await?;
            Ok(accepted())
        }
        _ => Err(Error::NotFound { noun: "action" }),
    }
}

async fn deliver(
    state: &State,
    source: Source,
    alias: &str,
    annotations: BTreeMap<String, String>,
    told: Told,
) -> Result<(StatusCode, Json<Value>), Error> {
    let name = source.0.source;
    let labels = labels(&name, alias);
    let alert = ToldAlert { labels, annotations, generator_url: String::new(), starts_at_us: None, told };
    state.ingest.deliver(Delivery { tenant: source.0.tenant, source: name, alerts: vec![alert] }).await?;
    Ok(accepted())
}

fn labels(source: &str, alias: &str) -> Labels {
    Labels::from_iter([("alertname", "OpsgenieAlert"), ("alias", alias), ("source", source)])
}

fn accepted() -> (StatusCode, Json<Value>) {
    let answer =
        json!({ "result": "Request will be processed", "took": 0.0, "requestId": uuid::Uuid::now_v7() });
    (StatusCode::ACCEPTED, Json(answer))
}

fn priority(word: &str) -> &'static str {
    match word {
        "P1" => "critical",
        "P2" => "error",
        "P4" | "P5" => "info",
        _ => "warning",
    }
}
