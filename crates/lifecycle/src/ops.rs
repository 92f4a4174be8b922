//! The ops port: health and metrics for orchestrators, Prometheus and people, never routed to from outside.
//!
//! It serves from before start-up is complete until the drain is over; give it a [`Shutdown`] of its own for that.
//! No path here can fail because of what a check does.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use larder_telemetry::MetricsHandle;
use serde::Serialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::level::Level;
use crate::registry::HealthRegistry;
use crate::report::Phase;
use crate::shutdown::Shutdown;

/// How long connections may take to end after the shutdown.
const CLOSING_LIMIT: Duration = Duration::from_secs(1);
/// The text format of Prometheus.
const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves the ops port until `shutdown`.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    registry: HealthRegistry,
    metrics: MetricsHandle,
    shutdown: Shutdown,
) -> io::Result<()> {
    let server = axum::serve(listener, router(registry, metrics))
        .with_graceful_shutdown(shutdown.wait_owned())
        .into_future();
    let too_late = async {
        shutdown.wait().await;
        sleep(CLOSING_LIMIT).await;
    };
    tokio::select! {
        result = server => result,
        () = too_late => Ok(()),
    }
}

/// The routes of the ops port.
pub fn router(registry: HealthRegistry, metrics: MetricsHandle) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/startupz", get(startupz))
        .route("/health", get(health))
        .route("/health/detailed", get(health_detailed))
        .route("/metrics", get(render_metrics))
        .with_state(Ops { registry, metrics })
}

#[derive(Clone)]
struct Ops {
    registry: HealthRegistry,
    metrics: MetricsHandle,
}

async fn livez() -> Response {
    answer(StatusCode::OK, json!({ "live": true }))
}

async fn startupz(State(ops): State<Ops>) -> Response {
    let phase = ops.registry.phase();
    let started = phase != Phase::Starting;
    answer(ok_or_unavailable(started), json!({ "started": started, "phase": phase }))
}

async fn readyz(State(ops): State<Ops>) -> Response {
    let readiness = ops.registry.readiness().await;
    answer(ok_or_unavailable(readiness.ready), readiness)
}

async fn health(State(ops): State<Ops>) -> Response {
    let level = ops.registry.report().await.level;
    answer(ok_or_unavailable(level != Level::Unhealthy), json!({ "level": level }))
}

async fn health_detailed(State(ops): State<Ops>) -> Response {
    let report = ops.registry.report().await;
    answer(ok_or_unavailable(report.level != Level::Unhealthy), report)
}

/// Renders after a run of the checks, so that a scrape sees levels that are true now.
async fn render_metrics(State(ops): State<Ops>) -> Response {
    ops.registry.report().await;
    ([(header::CONTENT_TYPE, METRICS_CONTENT_TYPE)], ops.metrics.render()).into_response()
}

fn ok_or_unavailable(fine: bool) -> StatusCode {
    if fine { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn answer(status: StatusCode, body: impl Serialize) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
