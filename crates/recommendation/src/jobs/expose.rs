//! Writes down what was shown, in batches, beside the calls. While the database is away the
//! batch is kept and tried again; what the log cannot hold meanwhile is lost and counted.

use std::collections::HashMap;
use std::time::Duration;

use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use sqlx::PgPool;
use tokio::sync::mpsc;

use crate::error::Error;
use crate::exposures::{Exposure, LostExposures};
use crate::metrics;
use crate::store::exposures;

/// Answers written in one transaction at most.
const BATCH: usize = 500;
/// How long to wait before a database that is away is tried again.
const AWAY: Duration = Duration::from_millis(500);
/// How long the last calls may take to hand over their answers once the service stops.
const LAST_CALLS: Duration = Duration::from_millis(500);

/// The task that empties the log.
pub(crate) struct ExposureWriter {
    pub(crate) app: PgPool,
    pub(crate) receiver: mpsc::Receiver<Exposure>,
    pub(crate) lost: LostExposures,
}

impl ExposureWriter {
    /// Writes until shutdown, then what is left.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let received = tokio::select! {
                () = shutdown.wait() => break,
                received = self.receiver.recv_many(&mut batch, BATCH) => received,
            };
            if received == 0 {
                return;
            }
            while let Err(error) = self.write(&mut batch).await {
                tracing::debug!(error.cause = %error, exposures.waiting = batch.len(), "exposures wait");
                tokio::select! {
                    () = shutdown.wait() => break,
                    () = tokio::time::sleep(AWAY) => {}
                }
            }
        }
        self.finish(batch).await;
    }

    /// Writes what is left, trying each batch once: nobody waits for a database at the end.
    async fn finish(&mut self, mut batch: Vec<Exposure>) {
        loop {
            if let Err(error) = self.write(&mut batch).await {
                tracing::warn!(error.cause = %error, exposures.lost = batch.len(), "exposures lost at the end");
                batch.drain(..).for_each(|exposure| self.lost.add(&exposure));
            }
            let next = self.receiver.recv_many(&mut batch, BATCH);
            if matches!(tokio::time::timeout(LAST_CALLS, next).await, Err(_) | Ok(0)) {
                return;
            }
        }
    }

    /// Writes a batch, tenant by tenant, and takes out of it what is written.
    async fn write(&self, batch: &mut Vec<Exposure>) -> Result<(), Error> {
        let mut by_tenant: HashMap<TenantId, Vec<Exposure>> = HashMap::new();
        for exposure in batch.drain(..) {
            by_tenant.entry(exposure.tenant.clone()).or_default().push(exposure);
        }
        let mut result = Ok(());
        for (tenant, exposures) in by_tenant {
            match self.write_of(&tenant, &exposures).await {
                Ok(()) => metrics::exposures_written(exposures.len()),
                Err(error @ Error::Unavailable(_)) => {
                    batch.extend(exposures);
                    result = Err(error);
                }
                Err(error) => {
                    // Trying again would not help, and would hold up all that come after.
                    tracing::error!(tenant.id = %tenant, error.cause = ?error, "exposures refused by the database");
                    exposures.iter().for_each(|exposure| self.lost.add(exposure));
                }
            }
        }
        result
    }

    async fn write_of(&self, tenant: &TenantId, exposures: &[Exposure]) -> Result<(), Error> {
        let mut transaction = larder_database::begin_tenant(&self.app, tenant).await?;
        exposures::append(&mut transaction, tenant, exposures).await?;
        transaction.commit().await?;
        Ok(())
    }
}
