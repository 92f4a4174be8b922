//! The platform's health on the public port: the level alone for everybody, every service's
//! report for those who may read it. The services are asked side by side, each with a limit.

pub(crate) mod checks;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use larder_lifecycle::{HealthRegistry, HealthReport, Level};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::gate::Gate;
use crate::http_json::refuse;
use crate::problem::Problem;

/// The scope that shows more than the level.
const SCOPE: &str = "platform.read";
/// How long one service may take to report.
const SERVICE_TIMEOUT: Duration = Duration::from_millis(500);
/// How long an answer serves further requests, so that asking often costs the services nothing.
const FRESH: Duration = Duration::from_millis(500);
const REPORT_LIMIT_BYTES: usize = 1 << 20;

/// What is known of every service's health.
pub(crate) struct PlatformHealth {
    registry: HealthRegistry,
    services: Vec<(&'static str, Url)>,
    client: Client<HttpConnector, Empty<Bytes>>,
    latest: Mutex<Option<(Instant, Arc<PlatformReport>)>>,
}

/// The body of `/health/detailed`.
#[derive(Debug, Serialize)]
pub(crate) struct PlatformReport {
    level: Level,
    response_time_ms: f64,
    services: Vec<ServiceHealth>,
}

/// One service in it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ServiceHealth {
    Report(Box<HealthReport>),
    Silent { service: &'static str, level: Level, cause: &'static str },
}

impl ServiceHealth {
    fn level(&self) -> Level {
        match self {
            Self::Report(report) => report.level,
            Self::Silent { level, .. } => *level,
        }
    }
}

impl PlatformHealth {
    /// Asks this process's `registry` and the ops ports of `services`.
    pub(crate) fn new(registry: HealthRegistry, services: Vec<(&'static str, Url)>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(SERVICE_TIMEOUT));
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { registry, services, client, latest: Mutex::new(None) }
    }

    /// The report, at most half a second old. Never fails.
    async fn report(&self) -> Arc<PlatformReport> {
        let mut latest = self.latest.lock().await;
        if let Some((at, report)) = latest.as_ref()
            && at.elapsed() < FRESH
        {
            return report.clone();
        }
        let started = Instant::now();
        let own = async { ServiceHealth::Report(Box::new(self.registry.report().await)) };
        let others = futures::future::join_all(self.services.iter().map(|(name, url)| self.ask(name, url)));
        let (own, others) = tokio::join!(own, others);
        let mut services = vec![own];
        services.extend(others);
        let report = Arc::new(PlatformReport {
            level: services.iter().map(ServiceHealth::level).max().unwrap_or(Level::Healthy),
            response_time_ms: (started.elapsed().as_secs_f64() * 100_000.0).round() / 100.0,
            services,
        });
        *latest = Some((Instant::now(), report.clone()));
        report
    }

    async fn ask(&self, service: &'static str, url: &Url) -> ServiceHealth {
        let silent = |cause| ServiceHealth::Silent { service, level: Level::Unhealthy, cause };
        match timeout(SERVICE_TIMEOUT, self.fetch(url)).await {
            Ok(Some(report)) => ServiceHealth::Report(Box::new(report)),
            Ok(None) => silent("its ops port does not answer"),
            Err(_) => silent("its ops port does not answer in time"),
        }
    }

    async fn fetch(&self, url: &Url) -> Option<HealthReport> {
        let target = url.join("/health/detailed").ok()?;
        let response = self.client.get(target.as_str().parse().ok()?).await.ok()?;
        let body = Limited::new(response.into_body(), REPORT_LIMIT_BYTES).collect().await.ok()?;
        serde_json::from_slice(&body.to_bytes()).ok()
    }
}

/// `/health`: how the platform is, in one word.
pub(crate) async fn level(State(gate): State<Arc<Gate>>) -> Response {
    let level = gate.health.report().await.level;
    (http_status(level), Json(serde_json::json!({ "level": level }))).into_response()
}

/// `/health/detailed`: how each service is and why.
pub(crate) async fn detailed(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    if let Err(status) = may_read(&gate, &head).await {
        return refuse(Problem::from_status(&status), head.uri.path());
    }
    let report = gate.health.report().await;
    (http_status(report.level), Json(report.as_ref())).into_response()
}

async fn may_read(gate: &Gate, head: &Parts) -> Result<(), tonic::Status> {
    let caller = gate.authenticate(&head.headers, &head.extensions).await?;
    caller.require(SCOPE).map_err(tonic::Status::from)
}

fn http_status(level: Level) -> StatusCode {
    if level == Level::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}
