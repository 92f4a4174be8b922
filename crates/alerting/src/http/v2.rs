//! Alertmanager's API, version 2: Prometheus, amtool, Karma and Grafana speak it and find what they expect.

pub(crate) mod alerts;
pub(crate) mod silences;

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use serde_json::{Value, json};

use crate::http::access::Source;
use crate::state::State;

/// `GET /api/v2/status`
pub(crate) async fn status(Shared(state): Shared<Arc<State>>, _source: Source) -> Json<Value> {
    Json(json!({
        "cluster": { "name": "larder", "status": "disabled", "peers": [] },
        "versionInfo": {
            "version": env!("CARGO_PKG_VERSION"), "revision": "", "branch": "", "buildUser": "",
            "buildDate": "", "goVersion": "",
        },
        "config": { "original": "" },
        "uptime": crate::clock::timestamp(state.started_at_us).to_string(),
    }))
}

/// `GET /api/v2/receivers`
pub(crate) async fn receivers(Shared(state): Shared<Arc<State>>, _source: Source) -> Json<Value> {
    let rules = state.in_force.rules();
    Json(rules.settings.receivers.keys().map(|name| json!({ "name": name })).collect())
}

/// `GET /-/healthy` and `GET /-/ready`
pub(crate) async fn healthy() -> &'static str {
    "OK"
}
