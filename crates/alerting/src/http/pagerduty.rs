//! PagerDuty's Events API v2 as a way in: whatever can tell PagerDuty can tell Larder by another address.
//! The routing key is the token of the source.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State as Shared;
use http::{HeaderMap, StatusCode};
use larder_oncall::alert::{Told, ToldAlert};
use larder_oncall::labels::Labels;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::http::acknowledge_alert;
use crate::ingest::Delivery;
use crate::message::cut;
use crate::signing::SourceIdentity;
use crate::state::State;

const TEXT_CHARACTERS: usize = 1_024;

#[derive(Deserialize)]
struct Event {
    routing_key: String,
    event_action: String,
    #[serde(default)]
    dedup_key: String,
    payload: Option<Payload>,
    #[serde(default)]
    client_url: String,
}

#[derive(Deserialize)]
struct Payload {
    summary: String,
    source: String,
    severity: String,
    #[serde(default)]
    component: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    class: String,
    #[serde(default)]
    custom_details: Value,
}

/// `POST /v2/enqueue`
pub(crate) async fn receive(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Error> {
    let body = state.bodies.read(&headers, body).await?;
    let event: Event = serde_json::from_slice(&body.bytes).map_err(|error| {
        Error::invalid("body", format!("must be an event of PagerDuty's API v2: {error}"))
    })?;
    let source = state.signing.read_source_token(&event.routing_key).ok_or(Error::Unauthenticated)?;
    let key = if event.dedup_key.is_empty() {
        uuid::Uuid::now_v7().to_string()
    } else {
        cut(&event.dedup_key, 255)
    };
    match event.event_action.as_str() {
        "acknowledge" => acknowledge_alert(&state, &source, &labels(&source, &key)).await?,
        "trigger" | "resolve" => deliver(&state, source, event, &key).await?,
        _ => return Err(Error::invalid("event_action", "must be trigger, acknowledge or resolve")),
    }
    let answer = json!({ "status": "success", "message": "Event processed", "dedup_key": key });
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn deliver(state: &State, source: SourceIdentity, event: Event, key: &str) -> Result<(), Error> {
    let labels = labels(&source, key);
    let mut annotations = BTreeMap::new();
    let told = if event.event_action == "resolve" {
        Told::Resolved { ends_at_us: (state.clock)() }
    } else {
        let payload =
            event.payload.ok_or_else(|| Error::invalid("payload", "must be there for a trigger"))?;
        annotations = annotations_of(payload)?;
        Told::Firing { expires_at_us: None }
    };
    let alert = ToldAlert {
        labels,
        annotations,
        generator_url: cut(&event.client_url, 2_000),
        starts_at_us: None,
        told,
    };
    let delivery = Delivery { tenant: source.tenant, source: source.source, alerts: vec![alert] };
    state.ingest.deliver(delivery).await
}

/// The key alone names the alert: a resolve comes without the payload.
fn labels(source: &SourceIdentity, key: &str) -> Labels {
    Labels::from_iter([("alertname", "PagerDutyEvent"), ("dedup_key", key), ("source", &source.source)])
}

fn annotations_of(payload: Payload) -> Result<BTreeMap<String, String>, Error> {
    if payload.summary.is_empty() || payload.source.is_empty() {
        return Err(Error::invalid("payload", "must have a summary and a source"));
    }
    if !["critical", "error", "warning", "info"].contains(&payload.severity.as_str()) {
        return Err(Error::invalid("payload.severity", "must be critical, error, warning or info"));
    }
    let details = match payload.custom_details {
        Value::Null => String::new(),
        details => details.to_string(),
    };
    let texts = [
        ("summary", payload.summary),
        ("severity", payload.severity),
        ("origin", payload.source),
        ("component", payload.component),
        ("group", payload.group),
        ("class", payload.class),
        ("description", details),
    ];
    let most = |name: &str| if name == "description" { 16_384 } else { TEXT_CHARACTERS };
    let filled = texts.into_iter().filter(|(_, text)| !text.is_empty());
    Ok(filled.map(|(name, text)| (name.to_owned(), cut(&text.replace('\0', " "), most(name)))).collect())
}
