//! The porch for HTTP: what Prometheus, Alertmanager, PagerDuty's and Opsgenie's clients and people's
//! browsers call. Every way in leads to the same delivery; wire shapes come off here.

pub(crate) mod access;
pub(crate) mod alertmanager;
pub(crate) mod body;
pub(crate) mod calendars;
pub(crate) mod heartbeats;
pub(crate) mod links;
pub(crate) mod opsgenie;
pub(crate) mod pagerduty;
pub(crate) mod slack;
pub(crate) mod status_page;
pub(crate) mod v2;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use larder_oncall::labels::Labels;
use larder_telemetry::http::HttpTelemetryLayer;
use larder_telemetry::panics::CatchPanicLayer;

use crate::error::Error;
use crate::operate::{Deed, operate};
use crate::signing::SourceIdentity;
use crate::state::State;
use crate::store::incident_alerts;

/// Every route. Those of sources also stand under `/t/{token}`, for senders that cannot set a header.
pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new()
        .merge(sources())
        .nest("/t/{token}", sources())
        .route("/a/{*link}", get(links::ask).post(links::act_on))
        .route("/slack/actions", post(slack::act))
        .route("/status", get(status_page::page))
        .route("/status.json", get(status_page::json))
        .layer(CatchPanicLayer)
        .layer(HttpTelemetryLayer::new(crate::app::SERVICE))
        .with_state(state)
}

fn sources() -> Router<Arc<State>> {
    Router::new()
        .route("/hooks/alertmanager", post(alertmanager::receive))
        .route("/api/v2/alerts", get(v2::alerts::list).post(v2::alerts::receive))
        .route("/api/v2/alerts/groups", get(v2::alerts::groups))
        .route("/api/v2/silences", get(v2::silences::list).post(v2::silences::put))
        .route("/api/v2/silence/{silence_id}", get(v2::silences::get).delete(v2::silences::expire))
        .route("/api/v2/status", get(v2::status))
        .route("/api/v2/receivers", get(v2::receivers))
        .route("/-/healthy", get(v2::healthy))
        .route("/-/ready", get(v2::healthy))
        .route("/v2/enqueue", post(pagerduty::receive))
        .route("/v2/alerts", post(opsgenie::create))
        .route("/v2/alerts/{alias}/{action}", post(opsgenie::act))
        .route("/v2/heartbeats/{name}/ping", get(heartbeats::beat).post(heartbeats::beat))
        .route("/calendars/{schedule}", get(calendars::export).put(calendars::import))
        .route("/heartbeats/{name}", get(heartbeats::beat).post(heartbeats::beat))
}

/// Acknowledges what an alert is part of, for senders that know the alert and no incident.
async fn acknowledge_alert(state: &State, source: &SourceIdentity, labels: &Labels) -> Result<(), Error> {
    let fingerprint = labels.fingerprint().0.cast_signed();
    let mut transaction = larder_database::begin_tenant(&state.app, &source.tenant).await?;
    let found = incident_alerts::firing_in(&mut transaction, &source.tenant, &[fingerprint]).await?;
    transaction.commit().await?;
    for (incident_id, _) in found {
        let deed = Deed::Acknowledge { note: String::new() };
        operate(state, &source.tenant, &incident_id.to_string(), &source.source, deed).await?;
    }
    Ok(())
}
