//! Brings what was spooled into the database once it is back. While it is away, what would wake somebody
//! is told over the emergency channels straight from the spool, once for each alert.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use larder_lifecycle::Shutdown;
use larder_oncall::alert::Told;
use larder_oncall::notification::{Message as Notice, MessageKind};
use larder_oncall::severity::Severity;
use uuid::Uuid;

use crate::Clock;
use crate::clock::timestamp;
use crate::error::Error;
use crate::in_force::InForce;
use crate::ingest::Committer;
use crate::message::{Content, Message};
use crate::metrics;
use crate::spool::{Spool, Spooled};

const LOOK: Duration = Duration::from_millis(500);
const BATCH: usize = 500;
/// So many alerts are told in one emergency message.
const TOLD_MOST: usize = 20;

/// The job.
pub(crate) struct Unspooler {
    pub(crate) committer: Arc<Committer>,
    pub(crate) spool: Arc<Spool>,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) clock: Clock,
}

impl Unspooler {
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut told = HashSet::new();
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            if self.spool.is_empty() {
                told.clear();
                continue;
            }
            match self.empty().await {
                Ok(()) => tracing::info!("the spool is in the database"),
                Err(error) if error.is_passing() => self.tell(&mut told).await,
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

    /// Tells what is bad enough over the emergency channels.
    async fn tell(&self, told: &mut HashSet<i64>) {
        let rules = self.in_force.rules();
        let mut lines = Vec::new();
        let mut tenant = None;
        for spooled in self.spool.oldest(BATCH) {
            for alert in &spooled.delivery.alerts {
                let is_bad = matches!(alert.told, Told::Firing { .. })
                    && matches!(Severity::of(&alert.labels), Severity::Critical | Severity::Error);
                if is_bad && told.insert(alert.labels.fingerprint().0.cast_signed()) {
                    let summary = alert.annotations.get("summary").map(String::as_str).unwrap_or_default();
                    lines.push(format!("{} {summary}", alert.labels));
                    tenant = Some(spooled.delivery.tenant.clone());
                }
            }
        }
        let Some(tenant) = tenant else { return };
        let more = lines.len().saturating_sub(TOLD_MOST);
        lines.truncate(TOLD_MOST);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        let notice = Notice {
            kind: MessageKind::Fired,
            title: "EMERGENCY: alerts fire while the alerting database is away".to_owned(),
            severity: Severity::Critical,
            description: lines.join("\n"),
            reason: "this is an emergency channel".to_owned(),
            ..Notice::bare(timestamp((self.clock)()))
        };
        let message = Message {
            notification_id: Uuid::now_v7(),
            tenant,
            recipient: String::new(),
            external_id: None,
            now_us: (self.clock)(),
            content: Content::Notice(Box::new(notice)),
        };
        for name in &rules.settings.emergency_channels {
            let Some(channel) = rules.channels.get(name) else { continue };
            let outcome = channel.send(&message, &rules.templates).await;
            metrics::notified(name, &outcome);
        }
    }
}
