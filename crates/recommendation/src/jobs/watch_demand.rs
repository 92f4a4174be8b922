//! Looks, after feedback, whether a tenant's demand model still fits. One tenant at a time, on one thread, beside
//! everything else: a challenger costs some dozens of learnings. Whoever tells of many days at once is not looked
//! at after each of them: looking has a small share of the time.

use std::sync::Arc;
use std::time::Duration;

use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use tokio::time::Instant;

use crate::error::Error;
use crate::market::championship;
use crate::state::State;
use crate::store::demand_models;

/// How often it is looked where somebody ought to look.
const LOOK: Duration = Duration::from_secs(10);
const AT_ONCE: i64 = 16;
/// After a look nobody is looked at for so many times as long as it took.
const REST: u32 = 19;
const MOST_REST: Duration = Duration::from_secs(60);

/// Looks until shutdown.
pub(crate) async fn run(state: Arc<State>, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = shutdown.wait() => return,
            () = state.demand_nudge.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        let began = Instant::now();
        let looked = tokio::select! {
            () = shutdown.wait() => return,
            looked = look(&state) => looked,
        };
        let rest = began.elapsed().saturating_mul(REST).min(MOST_REST);
        if let Err(error) = looked {
            tracing::warn!(error.cause = %error, "demand models cannot be looked at");
        }
        tokio::select! {
            () = shutdown.wait() => return,
            () = tokio::time::sleep(rest) => {}
        }
    }
}

async fn look(state: &State) -> Result<(), Error> {
    let mut connection = state.worker.acquire().await?;
    let wanted = demand_models::looks_wanted(&mut connection, AT_ONCE).await?;
    drop(connection);
    for (tenant, wanted_at_us) in wanted {
        let Ok(tenant) = TenantId::parse(&tenant) else { continue };
        if let Err(error) = championship::look(state, &tenant).await {
            tracing::warn!(tenant.id = %tenant, error.cause = %error, "demand model was not looked at");
        }
        let mut transaction = larder_database::begin_tenant(&state.app, &tenant).await?;
        demand_models::looked(&mut transaction, &tenant, wanted_at_us).await?;
        transaction.commit().await?;
    }
    Ok(())
}
