//! What this service can tell of its own health. Nothing here decides for the others: the
//! registry takes the worst level.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use larder_lifecycle::{Check, CheckOutcome, HealthRegistry};
use sqlx::PgPool;

use crate::served::Served;

const TIMEOUT: Duration = Duration::from_millis(100);

/// Registers the checks of this service.
pub(crate) fn register(registry: &HealthRegistry, app: PgPool, served: Arc<Served>) {
    registry.register(postgresql(app));
    registry.register(models(served.clone()));
    registry.register(cache(served));
}

/// Reads go on without the database, so it is not required for readiness.
fn postgresql(app: PgPool) -> Check {
    Check {
        name: "postgresql",
        timeout: TIMEOUT,
        required_for_readiness: false,
        run: Arc::new(move || {
            let app = app.clone();
            async move {
                match sqlx::query("select 1").execute(&app).await {
                    Ok(_) => CheckOutcome::healthy(),
                    Err(error) if larder_database::is_unavailable(&error) => CheckOutcome::degraded(
                        "the database cannot be reached: writes are refused, reads go on",
                    ),
                    Err(_) => CheckOutcome::degraded("the database answers with an error"),
                }
            }
            .boxed()
        }),
    }
}

fn models(served: Arc<Served>) -> Check {
    Check {
        name: "models",
        timeout: TIMEOUT,
        required_for_readiness: false,
        run: Arc::new(move || {
            let census = served.census();
            let outcome = if let Some(cause) = census.refused.first() {
                CheckOutcome::degraded(format!("a snapshot was refused: {cause}"))
            } else if census.without_model > 0 {
                let all = census.with_model + census.without_model;
                CheckOutcome::degraded(format!("{} of {all} tenants have no model yet", census.without_model))
            } else {
                CheckOutcome::healthy()
            };
            async move { outcome }.boxed()
        }),
    }
}

/// What is served lies in memory; before it is loaded there is nothing to answer from.
fn cache(served: Arc<Served>) -> Check {
    Check {
        name: "cache",
        timeout: TIMEOUT,
        required_for_readiness: true,
        run: Arc::new(move || {
            let outcome = if served.can_answer() {
                CheckOutcome::healthy()
            } else {
                CheckOutcome::unhealthy("the state of before the start is still being read")
            };
            async move { outcome }.boxed()
        }),
    }
}
