//! The status page: how each service is, from memory, so that it is served when the database is not there.
//! It is open to everybody, so it tells levels and names of services and nothing of any incident.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::response::Html;
use serde_json::{Value, json};

use crate::channels::escaped_html;
use crate::clock::timestamp;
use crate::state::State;

/// What was known last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    pub(crate) as_of_us: i64,
    /// The worst severity of what is open, by service.
    pub(crate) services: BTreeMap<String, String>,
    /// Incidents that nobody has acknowledged, each in a line; never shown here, told when the database goes away.
    pub(crate) unacknowledged: Vec<String>,
}

impl Board {
    /// Whether the database has answered since the start.
    fn is_known(&self) -> bool {
        self.as_of_us != 0
    }
}

/// How a service is, as everybody understands it.
fn level(severity: &str) -> &'static str {
    match severity {
        "critical" => "outage",
        "error" | "warning" => "degraded",
        _ => "operational",
    }
}

/// `GET /status`
pub(crate) async fn page(Shared(state): Shared<Arc<State>>) -> Html<String> {
    let board = state.board.load();
    let rows: String = board
        .services
        .iter()
        .map(|(name, severity)| {
            format!("<tr><td>{}</td><td>{}</td></tr>", escaped_html(name), level(severity))
        })
        .collect();
    if !board.is_known() {
        return Html(page_of("<p>Nothing is known yet: the database has not answered since the start.</p>"));
    }
    let body = if rows.is_empty() {
        "<p>All is well.</p>".to_owned()
    } else {
        format!("<table><tr><th>service</th><th>state</th></tr>{rows}</table>")
    };
    Html(page_of(&format!("{body}<p>As of {}.</p>", timestamp(board.as_of_us))))
}

fn page_of(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"30\">\
         <title>Status</title><body style=\"font-family:sans-serif;margin:2em\"><h1>Status</h1>{body}</body></html>"
    )
}

/// `GET /status.json`
pub(crate) async fn json(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let board = state.board.load();
    let services: Vec<Value> = board
        .services
        .iter()
        .map(|(name, severity)| json!({ "service": name, "state": level(severity) }))
        .collect();
    let as_of = board.is_known().then(|| timestamp(board.as_of_us).to_string());
    Json(json!({ "asOf": as_of, "services": services }))
}
