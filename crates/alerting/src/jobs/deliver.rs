//! Empties the outbox. Each channel is served by a task of its own, so a slow one delays no other; each
//! notification is leased, sent, and finished under its lease, so two replicas never share one.

mod delivery;

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use larder_oncall::storm::{Allowance, ChannelLoad, is_flood};
use sqlx::PgPool;
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::{AFTER_JUMP, wait};
use crate::Clock;
use crate::channels::Channel;
use crate::clock::{JumpWatch, timestamp};
use crate::error::Error;
use crate::in_force::InForce;
use crate::metrics;
use crate::store::channel_states;
use crate::store::notifications::{self, DueChannel, Leased};
use crate::view::Views;
use delivery::Delivery;

/// How often the outbox is looked at although nobody said that something came.
const LOOK: Duration = Duration::from_millis(500);
/// So many notifications of a channel are leased at once.
const LEASED: i64 = 24;
/// A lease is short, so that what a killed replica held is soon sent by another; while a round lasts it is renewed.
const LEASE_US: i64 = 20_000_000;
const RENEWED: Duration = Duration::from_secs(5);
/// What has waited for too long is looked for only so often: that reads all that waits.
const EXPIRED_LOOKED_FOR: Duration = Duration::from_secs(5);
/// A digest takes all that waits up to here.
const DIGEST_MOST: i64 = 20_000;

/// The job.
pub(crate) struct Deliverer {
    pub(crate) worker: PgPool,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) views: Views,
    pub(crate) outbox: Arc<Notify>,
    pub(crate) clock: Clock,
    pub(crate) steady: Clock,
    /// This process, among those that lease.
    pub(crate) owner: Uuid,
    /// Channels that a task serves now.
    pub(crate) busy: Mutex<HashSet<DueChannel>>,
}

impl Deliverer {
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let this = Arc::new(self);
        let mut tasks = JoinSet::new();
        let mut expired: Option<Instant> = None;
        let mut jumps = JumpWatch::new(this.clock, this.steady);
        while wait(&this.outbox, LOOK, &shutdown).await {
            while tasks.try_join_next().is_some() {}
            if jumps.look().jump_us != 0 {
                tokio::time::sleep(AFTER_JUMP).await;
            }
            let expires = expired.is_none_or(|at| at.elapsed() >= EXPIRED_LOOKED_FOR);
            if expires {
                expired = Some(Instant::now());
            }
            match this.due(expires).await {
                Ok(due) => {
                    for of in due {
                        this.clone().serve(of, &mut tasks);
                    }
                }
                Err(error) => metrics::job_failed("deliver", &error),
            }
        }
        // What is under way is given the time to end; the drain limits it.
        while tasks.join_next().await.is_some() {}
    }

    async fn due(&self, expires: bool) -> Result<Vec<DueChannel>, Error> {
        let mut connection = self.worker.acquire().await?;
        if expires {
            notifications::expire(&mut connection, (self.clock)()).await?;
        }
        Ok(notifications::due_channels(&mut connection, (self.clock)()).await?)
    }

    fn serve(self: Arc<Self>, of: DueChannel, tasks: &mut JoinSet<()>) {
        if !lock(&self.busy).insert(of.clone()) {
            return;
        }
        tasks.spawn(async move {
            let served = self.serve_channel(&of).await;
            if let Err(error) = &served {
                metrics::job_failed("deliver", error);
            }
            lock(&self.busy).remove(&of);
            // What came while the task was ending has nobody else to see it.
            if matches!(served, Ok(true)) {
                self.outbox.notify_one();
            }
        });
    }

    /// Sends what is due of one channel; whether there may be more at once.
    async fn serve_channel(&self, of: &DueChannel) -> Result<bool, Error> {
        let Ok(tenant) = TenantId::parse(&of.tenant_id) else { return Ok(false) };
        let rules = self.in_force.rules();
        let now_us = (self.clock)();
        let channel = rules.channels.get(&of.channel).cloned();
        let mut load = self.load_of(&tenant, of).await?;
        let allowance = match &channel {
            Some(channel) => load.allowance(&channel.limit, timestamp(now_us)),
            None => Allowance::Messages(u32::MAX),
        };
        let left = match allowance {
            Allowance::Messages(left) => left,
            Allowance::Wait { until } => {
                let mut connection = larder_database::begin_tenant(&self.worker, &tenant).await?;
                let (name, until_us) = (&of.channel, until.as_microsecond());
                channel_states::pause(&mut connection, &tenant, name, until_us, "its limit is reached")
                    .await?;
                connection.commit().await?;
                return Ok(false);
            }
        };
        let leased = self.lease(of, i64::from(load.at_once(left)).min(LEASED)).await?;
        if leased.is_empty() {
            return Ok(false);
        }
        let is_flood = self.is_flood(of, channel.as_deref(), left).await?;
        let delivery = Delivery {
            deliverer: self,
            tenant: &tenant,
            channel_name: &of.channel,
            channel: channel.as_deref(),
            rules: &rules,
            finished: AsyncMutex::default(),
        };
        let sending = async {
            if is_flood {
                let others = self.lease(of, DIGEST_MOST).await?;
                delivery.send_digests(leased.into_iter().chain(others).collect()).await
            } else {
                delivery.send_each(leased).await
            }
        };
        let sent = tokio::select! {
            sent = sending => sent?,
            never = self.hold_on_to(of) => match never {},
        };
        if let Some(channel) = &channel {
            load.record(sent, &channel.limit, timestamp(now_us));
        }
        let paused = delivery.write(load).await?;
        Ok(!paused)
    }

    async fn load_of(&self, tenant: &TenantId, of: &DueChannel) -> Result<ChannelLoad, Error> {
        let mut transaction = larder_database::begin_tenant(&self.worker, tenant).await?;
        let load = channel_states::load(&mut transaction, tenant, &of.channel).await?;
        transaction.commit().await?;
        Ok(load.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default())
    }

    async fn lease(&self, of: &DueChannel, most: i64) -> Result<Vec<Leased>, Error> {
        let mut connection = self.worker.acquire().await?;
        Ok(notifications::lease(&mut connection, of, self.owner, (self.clock)(), LEASE_US, most).await?)
    }

    /// Renews the leases of a channel for as long as it is waited for.
    async fn hold_on_to(&self, of: &DueChannel) -> Infallible {
        loop {
            tokio::time::sleep(RENEWED).await;
            let renewed = async {
                let mut connection = self.worker.acquire().await?;
                notifications::renew(&mut connection, of, self.owner, (self.clock)() + LEASE_US).await
            };
            if let Err(error) = renewed.await {
                metrics::job_failed("renew", &error.into());
            }
        }
    }

    /// Whether more waits than people can read one by one.
    async fn is_flood(&self, of: &DueChannel, channel: Option<&Channel>, left: u32) -> Result<bool, Error> {
        let Some(channel) = channel.filter(|channel| channel.takes_digests()) else { return Ok(false) };
        let mut connection = self.worker.acquire().await?;
        let waiting = notifications::count_due(&mut connection, of, (self.clock)()).await?;
        Ok(is_flood(waiting.unsigned_abs(), left, &channel.limit))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
