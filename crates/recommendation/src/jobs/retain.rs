//! Lets go once a day what is past its period, tenant by tenant. Whoever takes a tenant's turn has it alone, whichever replica it is.

use std::sync::Arc;
use std::time::Duration;

use larder_identity::TenantId;
use larder_lifecycle::Shutdown;

use crate::days::DAY_US;
use crate::error::Error;
use crate::metrics;
use crate::privacy::retention;
use crate::state::State;
use crate::store::retention_runs;

/// How often it is looked whose turn it is.
const LOOK: Duration = Duration::from_secs(600);
/// A turn that takes longer is somebody else's, who finds less left to do.
const LEASE_US: i64 = 3_600_000_000;
const EVERY_US: i64 = DAY_US;
/// After a turn that failed.
const AGAIN_US: i64 = 3_600_000_000;
/// Turns that are taken before it is looked again.
const TURNS: i64 = 64;

/// Takes turns until shutdown.
pub(crate) async fn run(state: Arc<State>, shutdown: Shutdown) {
    loop {
        let turns = tokio::select! {
            () = shutdown.wait() => return,
            turns = take_turns(&state) => turns,
        };
        if let Err(error) = turns {
            tracing::warn!(error.cause = %error, "nobody's turn of letting go can be looked at");
        }
        tokio::select! {
            () = shutdown.wait() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

async fn take_turns(state: &State) -> Result<(), Error> {
    let mut connection = state.worker.acquire().await?;
    let due = retention_runs::due(&mut connection, (state.clock)(), TURNS).await?;
    drop(connection);
    for tenant in due {
        let Ok(tenant) = TenantId::parse(&tenant) else { continue };
        take_turn(state, &tenant).await?;
    }
    Ok(())
}

/// Takes the turn of one tenant, unless somebody else has it.
async fn take_turn(state: &State, tenant: &TenantId) -> Result<(), Error> {
    let now_us = (state.clock)();
    let mut connection = state.worker.acquire().await?;
    if !retention_runs::lease(&mut connection, tenant, (now_us, now_us + LEASE_US)).await? {
        return Ok(());
    }
    drop(connection);
    let applied = retention::apply(state, tenant).await;
    let now_us = (state.clock)();
    let mut connection = state.worker.acquire().await?;
    match applied {
        Ok(kept) => {
            metrics::retention_ran("done");
            let rows: i64 = kept.iter().map(|kept| kept.row_count).sum();
            if rows > 0 {
                tracing::info!(tenant.id = %tenant, rows.removed = rows, "rows past their period removed");
            }
            retention_runs::end(&mut connection, tenant, now_us + EVERY_US, Some(now_us)).await?;
        }
        Err(error) => {
            metrics::retention_ran("failed");
            tracing::warn!(tenant.id = %tenant, error.cause = %error, "rows past their period were not all removed");
            retention_runs::end(&mut connection, tenant, now_us + AGAIN_US, None).await?;
        }
    }
    Ok(())
}
