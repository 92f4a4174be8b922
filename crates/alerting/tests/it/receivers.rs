//! Receivers of messages, as local servers with the wire shape of the real ones.

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{any, post};
use http::StatusCode;
use larder_testkit::stand_in::{Seen, StandIn};
use serde_json::{Value, json};

/// A receiver of webhooks that takes everything.
pub(crate) async fn webhook_receiver() -> StandIn {
    StandIn::serve(Router::new().route("/{*path}", any(|| async { StatusCode::NO_CONTENT }))).await
}

/// PagerDuty's Events API v2.
pub(crate) async fn pagerduty() -> StandIn {
    let enqueue = post(|request: Request| async move {
        let bytes = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap_or_default();
        let event: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let is_event =
            ["trigger", "acknowledge", "resolve"].iter().any(|word| event["event_action"] == *word);
        if !is_event || event["routing_key"].as_str().is_none_or(str::is_empty) {
            let body = json!({ "status": "invalid event", "message": "Event object is invalid" });
            return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
        }
        let body =
            json!({ "status": "success", "message": "Event processed", "dedup_key": event["dedup_key"] });
        (StatusCode::ACCEPTED, axum::Json(body)).into_response()
    });
    StandIn::serve(Router::new().route("/v2/enqueue", enqueue)).await
}

/// Slack's Web API, as far as messages go.
pub(crate) async fn slack() -> StandIn {
    let answer = |request: Request| async move {
        let bytes = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap_or_default();
        let message: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let ts = message["ts"].as_str().unwrap_or("1503435956.000247").to_owned();
        axum::Json(json!({ "ok": true, "channel": message["channel"], "ts": ts }))
    };
    let routes =
        Router::new().route("/api/chat.postMessage", post(answer)).route("/api/chat.update", post(answer));
    StandIn::serve(routes).await
}

/// The body of a request, as JSON.
pub(crate) fn json_of(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).unwrap_or_default()
}
