//! What this service can tell of its own health. Nothing here decides for the others: the
//! registry takes the worst level.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use larder_connectors::{ConnectorStatus, Connectors};
use larder_lifecycle::{Check, CheckOutcome, HealthRegistry};
use sqlx::PgPool;

use crate::Clock;
use crate::jobs::sync_shops::ShopsCensus;
use crate::jobs::train::PendingEvents;
use crate::model_settings::ModelSettings;
use crate::served::Served;

const TIMEOUT: Duration = Duration::from_millis(100);

/// Registers the checks of this service.
pub(crate) fn register(
    registry: &HealthRegistry,
    app: PgPool,
    served: Arc<Served>,
    models_of: ModelsHealth,
    (settings, outside, shops): (Arc<ModelSettings>, Arc<Connectors>, Arc<ShopsCensus>),
) {
    registry.register(postgresql(app));
    registry.register(models(served.clone(), models_of));
    registry.register(profiles(served.clone()));
    registry.register(cache(served));
    registry.register(model_settings(settings));
    registry.register(connectors(outside));
    registry.register(tenants_shops(shops));
}

/// Nobody out there is needed for an answer; what plans have to do without is told.
fn connectors(outside: Arc<Connectors>) -> Check {
    Check {
        name: "connectors",
        timeout: TIMEOUT,
        required_for_readiness: false,
        run: Arc::new(move || {
            // A ladder without any service asks nobody, as it was set up.
            let statuses = outside.statuses().into_iter().filter(|status| !status.sources.is_empty());
            let told: Vec<_> =
                statuses.filter(ConnectorStatus::is_degraded).map(|status| in_words(&status)).collect();
            let outcome = if told.is_empty() {
                CheckOutcome::healthy()
            } else {
                CheckOutcome::degraded(told.join("; "))
            };
            async move { outcome }.boxed()
        }),
    }
}

/// Plans go on without a shop; whose it is is for the tenant to see.
fn tenants_shops(shops: Arc<ShopsCensus>) -> Check {
    Check {
        name: "shops",
        timeout: TIMEOUT,
        required_for_readiness: false,
        run: Arc::new(move || {
            let outcome = shops.trouble().map_or_else(CheckOutcome::healthy, CheckOutcome::degraded);
            async move { outcome }.boxed()
        }),
    }
}

/// Such as "weather answers from last_good_forecast: open_meteo timed out".
fn in_words(status: &ConnectorStatus) -> String {
    let rung = status.last_answer.map_or("nothing yet", |answer| answer.rung);
    let errors: Vec<_> = status
        .sources
        .iter()
        .filter_map(|source| {
            source.last_error.as_ref().map(|error| format!("{}: {}", source.source, error.message))
        })
        .collect();
    format!("{} answers from {rung} ({})", status.connector, errors.join(", "))
}

/// What the health of models is judged by.
pub(crate) struct ModelsHealth {
    pub(crate) pending: PendingEvents,
    pub(crate) stale_after: Duration,
    pub(crate) clock: Clock,
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

fn models(served: Arc<Served>, of: ModelsHealth) -> Check {
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
            } else if let Some(trouble) = of.trouble(&served) {
                CheckOutcome::degraded(trouble)
            } else {
                CheckOutcome::healthy()
            };
            async move { outcome }.boxed()
        }),
    }
}

impl ModelsHealth {
    /// The first tenant whose training fails, or whose model is old although there are newer events.
    fn trouble(&self, served: &Served) -> Option<String> {
        let now_us = (self.clock)();
        served.tenant_names().into_iter().find_map(|tenant| {
            let pending = self.pending.of(&tenant);
            if let Some(cause) = pending.failure {
                return Some(format!("the last training of tenant {tenant} failed: {cause}"));
            }
            let age_us = now_us - served.model_trained_at_us(&tenant)?;
            let is_stale = pending.events > 0 && u128::try_from(age_us).ok()? > self.stale_after.as_micros();
            is_stale.then(|| {
                let hours = age_us / 3_600_000_000;
                format!(
                    "the model of tenant {tenant} is {hours} hours old and knows nothing of {} newer events",
                    pending.events
                )
            })
        })
    }
}

/// A file that is refused changes nothing: what was in force before stays so.
fn model_settings(settings: Arc<ModelSettings>) -> Check {
    Check {
        name: "model_settings",
        timeout: TIMEOUT,
        required_for_readiness: false,
        run: Arc::new(move || {
            let outcome = match settings.refused_because() {
                None => CheckOutcome::healthy(),
                Some(cause) => CheckOutcome::degraded(format!("the model settings file is refused: {cause}")),
            };
            async move { outcome }.boxed()
        }),
    }
}

/// Without profiles nobody knows what customers must stay away from, and none of them is answered.
fn profiles(served: Arc<Served>) -> Check {
    Check {
        name: "profiles",
        timeout: TIMEOUT,
        required_for_readiness: false,
        run: Arc::new(move || {
            let outcome = match served.without_profiles() {
                None => CheckOutcome::healthy(),
                Some(tenant) => CheckOutcome::degraded(format!(
                    "the profiles of tenant {tenant} are not known until the database is back: requests that \
                     name a customer are refused"
                )),
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
