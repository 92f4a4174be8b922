//! Every replica gives a sign of life and waits for those of the others: one that dies is told of by those that are
//! left, as any source that falls silent. One that is stopped says good-bye first.

use std::time::Duration;

use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use sqlx::PgPool;

use crate::error::Error;
use crate::store::{heartbeats, tenants};
use crate::{Clock, metrics};

const BEAT: Duration = Duration::from_secs(5);
/// Two of them may be missed; as long again is the grace.
const EXPECTED_EVERY_S: i32 = 10;

/// The job.
pub(crate) struct Alive {
    pub(crate) worker: PgPool,
    pub(crate) home: TenantId,
    /// What this replica is called among the others, the same after every restart.
    pub(crate) name: String,
    pub(crate) clock: Clock,
}

impl Alive {
    pub(crate) async fn run(self, shutdown: Shutdown) {
        loop {
            if let Err(error) = self.beat().await {
                metrics::job_failed("alive", &error);
            }
            tokio::select! {
                () = shutdown.wait() => break,
                () = tokio::time::sleep(BEAT) => {}
            }
        }
        if let Err(error) = self.leave().await {
            metrics::job_failed("alive", &error);
        }
    }

    async fn beat(&self) -> Result<(), Error> {
        let now_us = (self.clock)();
        let mut transaction = larder_database::begin_tenant(&self.worker, &self.home).await?;
        tenants::remember(&mut transaction, &self.home).await?;
        heartbeats::expect(&mut transaction, &self.home, &self.name, EXPECTED_EVERY_S, now_us).await?;
        heartbeats::beat(&mut transaction, &self.home, &self.name, now_us).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn leave(&self) -> Result<(), Error> {
        let mut transaction = larder_database::begin_tenant(&self.worker, &self.home).await?;
        heartbeats::remove(&mut transaction, &self.home, &self.name).await?;
        transaction.commit().await?;
        Ok(())
    }
}
