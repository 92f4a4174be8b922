//! Removes what is kept for a day only.

use std::time::Duration;

use larder_lifecycle::Shutdown;
use sqlx::PgPool;

use crate::store::idempotency;

const INTERVAL: Duration = Duration::from_secs(600);

/// Sweeps every ten minutes until shutdown.
pub(crate) async fn run(worker: PgPool, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = shutdown.wait() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let Ok(mut connection) = worker.acquire().await else { continue };
        match idempotency::remove_old(&mut connection).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(keys.removed = removed, "old idempotency keys removed"),
            Err(error) => tracing::warn!(error.cause = %error, "sweep failed"),
        }
    }
}
