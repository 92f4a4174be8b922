//! What this service can tell of its own health. The registry takes the worst level.

use std::sync::Arc;
use std::time::Duration;

use larder_lifecycle::{Check, CheckOutcome, HealthRegistry};
use sqlx::PgPool;

use crate::in_force::InForce;
use crate::spool::Spool;

const TIMEOUT: Duration = Duration::from_millis(300);

/// Registers the checks of this service.
pub(crate) fn register(registry: &HealthRegistry, app: PgPool, in_force: Arc<InForce>, spool: Arc<Spool>) {
    registry.register(postgresql(app));
    registry.register(Check::optional("on_call_file", TIMEOUT, move || {
        let outcome = match in_force.refused_because() {
            None => CheckOutcome::healthy(),
            Some(cause) => {
                let first = cause.lines().next().unwrap_or_default();
                CheckOutcome::degraded(format!("the on-call file is refused: {first}"))
            }
        };
        async move { outcome }
    }));
    registry.register(Check::optional("spool", TIMEOUT, move || {
        let waiting = spool.waiting();
        async move {
            match waiting {
                0 => CheckOutcome::healthy(),
                waiting => {
                    CheckOutcome::degraded(format!("{waiting} deliveries wait on disk for the database"))
                }
            }
        }
    }));
}

/// Alerts are taken in without the database, on disk, so it is not required for readiness.
fn postgresql(app: PgPool) -> Check {
    Check::optional("postgresql", TIMEOUT, move || {
        let app = app.clone();
        async move {
            match sqlx::query("select 1").execute(&app).await {
                Ok(_) => CheckOutcome::healthy(),
                Err(error) if larder_database::is_unavailable(&error) => CheckOutcome::degraded(
                    "the database cannot be reached: alerts wait on disk, and only emergency channels are told",
                ),
                Err(_) => CheckOutcome::degraded("the database answers with an error"),
            }
        }
    })
}
