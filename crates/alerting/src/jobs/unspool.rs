//! Brings what was spooled into the database once it is back, in the order it came.

use std::sync::Arc;
use std::time::Duration;

use larder_lifecycle::Shutdown;
use larder_oncall::alert::Told;

use crate::Clock;
use crate::error::Error;
use crate::ingest::Committer;
use crate::metrics;
use crate::spool::{Spool, Spooled};

const LOOK: Duration = Duration::from_millis(500);
const BATCH: usize = 500;

/// The job.
pub(crate) struct Unspooler {
    pub(crate) committer: Arc<Committer>,
    pub(crate) spool: Arc<Spool>,
    pub(crate) clock: Clock,
}

impl Unspooler {
    pub(crate) async fn run(self, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            if self.spool.is_empty() {
                continue;
            }
            match self.empty().await {
                Ok(()) => tracing::info!("the spool is in the database"),
                // The committer has noted it, and whoever tells emergencies knows.
                Err(error) if error.is_passing() => {}
                Err(error) => metrics::job_failed("unspool", &error),
            }
        }
    }

    async fn empty(&self) -> Result<(), Error> {
        loop {
            let batch = self.spool.oldest(BATCH);
            if batch.is_empty() {
                return Ok(());
            }
            for mut spooled in batch {
                self.give_time(&mut spooled);
                let delivery = std::slice::from_ref(&spooled.delivery);
                match self.committer.write(&spooled.delivery.tenant, delivery).await {
                    Ok(()) => self.spool.done(&spooled),
                    Err(error) if error.is_passing() => return Err(error),
                    Err(error) => {
                        // It would be refused again and again, and block all behind it.
                        metrics::job_failed("unspool", &error);
                        self.spool.put_aside(&spooled);
                    }
                }
            }
            self.committer.arrived.notify_one();
        }
    }

    /// What had to be sent again within a time is given that time anew: nobody could.
    fn give_time(&self, spooled: &mut Spooled) {
        let waited_us = ((self.clock)() - spooled.received_at_us).max(0);
        for alert in &mut spooled.delivery.alerts {
            if let Told::Firing { expires_at_us: Some(expires_at_us) } = &mut alert.told {
                *expires_at_us += waited_us;
            }
        }
    }
}
