//! Removes what is kept for a while only: idempotency keys for a day, exposures for half a
//! year, which is longer than any experiment should run, uploaded files for a day and imports for a week.

use std::time::Duration;

use larder_lifecycle::Shutdown;
use sqlx::PgPool;

use crate::store::{connection_states, exposures, idempotency, imports, webhook_events};

const INTERVAL: Duration = Duration::from_secs(600);

/// Sweeps every ten minutes until shutdown.
pub(crate) async fn run(worker: PgPool, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = shutdown.wait() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let Ok(mut connection) = worker.acquire().await else { continue };
        note("idempotency keys", idempotency::remove_old(&mut connection).await);
        note("exposures", exposures::remove_old(&mut connection).await);
        note("imports", imports::remove_old(&mut connection).await);
        note("webhook events", webhook_events::remove_old(&mut connection).await);
        note("consents", connection_states::remove_old(&mut connection).await);
    }
}

fn note(what: &'static str, removed: sqlx::Result<u64>) {
    match removed {
        Ok(0) => {}
        Ok(removed) => tracing::info!(rows.kind = what, rows.removed = removed, "old rows removed"),
        Err(error) => tracing::warn!(rows.kind = what, error.cause = %error, "sweep failed"),
    }
}
