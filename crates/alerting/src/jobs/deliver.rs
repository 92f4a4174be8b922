//! Empties the outbox. Each channel is served by a task of its own, so a slow one delays no other; each
//! notification is leased, sent, and finished under its lease, so two replicas never share one.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
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
use crate::changes::Changes;
use crate::channels::{Channel, Outcome};
use crate::clock::{JumpWatch, timestamp};
use crate::error::Error;
use crate::in_force::{InForce, Rules};
use crate::message::{Content, IncidentView, Message};
use crate::metrics;
use crate::retry;
use crate::store::incidents::{self, IncidentRow, State};
use crate::store::notifications::{self, DueChannel, Finished, Kind, Leased};
use crate::store::{channel_states, messages, reading};
use crate::timeline::Entry;
use crate::view::Views;

/// How often the outbox is looked at although nobody said that something came.
const LOOK: Duration = Duration::from_millis(500);
/// So many notifications of a channel are leased at once, and so many of them are under way together.
const LEASED: i64 = 24;
const TOGETHER: usize = 6;
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
        let mut jumps = JumpWatch::new((this.clock)());
        while wait(&this.outbox, LOOK, &shutdown).await {
            while tasks.try_join_next().is_some() {}
            if jumps.jump_us((this.clock)()) != 0 {
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
        let leased = self.lease(of, i64::from(left).min(LEASED)).await?;
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
        let paused = delivery.write(&load).await?;
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

/// One round of one channel.
struct Delivery<'a> {
    deliverer: &'a Deliverer,
    tenant: &'a TenantId,
    channel_name: &'a str,
    channel: Option<&'a Channel>,
    rules: &'a Rules,
    finished: AsyncMutex<Round>,
}

/// What came of a round, before it is written.
#[derive(Default)]
struct Round {
    finished: Vec<Finished>,
    changes: Changes,
    kept: Vec<(Uuid, String, String)>,
    pause: Option<(i64, String)>,
}

impl Delivery<'_> {
    fn now_us(&self) -> i64 {
        (self.deliverer.clock)()
    }

    /// Sends each for itself; how many messages that were.
    async fn send_each(&self, leased: Vec<Leased>) -> Result<u32, Error> {
        let sent = futures::stream::iter(leased)
            .map(|row| async move { self.send_one(row).await })
            .buffer_unordered(TOGETHER)
            .collect::<Vec<_>>()
            .await;
        let sent: Vec<bool> = sent.into_iter().collect::<Result<_, _>>()?;
        Ok(u32::try_from(sent.into_iter().filter(|sent| *sent).count()).unwrap_or(u32::MAX))
    }

    async fn send_one(&self, row: Leased) -> Result<bool, Error> {
        if self.finished.lock().await.pause.is_some() {
            self.give_back(&row).await;
            return Ok(false);
        }
        let Some(message) = self.message(&row).await? else {
            self.end(&row, "collapsed", "").await;
            return Ok(false);
        };
        let Some(channel) = self.channel else {
            self.refused(&row, &message, "the settings name no such channel any more").await;
            return Ok(false);
        };
        let outcome = channel.send(&message, &self.rules.templates).await;
        metrics::notified(self.channel_name, &outcome);
        self.note(&row, &message, outcome).await;
        Ok(true)
    }

    /// Sends one message for all that waits to each recipient; how many messages that were.
    async fn send_digests(&self, leased: Vec<Leased>) -> Result<u32, Error> {
        let mut recipients: BTreeMap<String, Vec<Leased>> = BTreeMap::new();
        for row in leased {
            recipients.entry(row.recipient.clone()).or_default().push(row);
        }
        let mut sent = 0;
        for rows in recipients.into_values() {
            let Some(channel) = self.channel else { continue };
            let Some(first) = rows.first() else { continue };
            let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.incident_id).collect();
            let mut db = larder_database::begin_tenant(&self.deliverer.worker, self.tenant).await?;
            let incidents = incidents::list_by_id(&mut db, self.tenant, &ids).await?;
            db.commit().await?;
            let mut views: Vec<IncidentView> =
                incidents.iter().map(|incident| IncidentView::new(incident, &[], Kind::Update)).collect();
            views.sort_by_key(|view| (view.state == State::Resolved, std::cmp::Reverse(view.number)));
            let message = Message { content: Content::Digest(views), ..self.bare(first) };
            let outcome = channel.send(&message, &self.rules.templates).await;
            metrics::notified(self.channel_name, &outcome);
            metrics::digest(rows.len());
            sent += 1;
            for row in &rows {
                self.note(row, &message, outcome.clone()).await;
            }
        }
        Ok(sent)
    }

    fn bare(&self, row: &Leased) -> Message {
        Message {
            notification_id: row.notification_id,
            tenant: self.tenant.clone(),
            recipient: row.recipient.clone(),
            external_id: None,
            now_us: self.now_us(),
            content: Content::Digest(Vec::new()),
        }
    }

    /// The message as it is true now; `None` when nobody needs it any more.
    async fn message(&self, row: &Leased) -> Result<Option<Message>, Error> {
        let Some(incident_id) = row.incident_id else { return Ok(None) };
        let mut db = larder_database::begin_tenant(&self.deliverer.worker, self.tenant).await?;
        let incident = incidents::list_by_id(&mut db, self.tenant, &[incident_id]).await?.pop();
        let Some(incident) = incident else { return Ok(None) };
        if row.kind == Kind::Page && !needs_page(&incident) {
            return Ok(None);
        }
        let alerts = reading::of_incident(&mut db, self.tenant, incident_id, 20).await?;
        let external_id =
            messages::find(&mut db, self.tenant, incident_id, &row.channel, &row.recipient).await?;
        db.commit().await?;
        let view = self.deliverer.views.of(self.tenant, &incident, &alerts, row, self.now_us());
        let content = Content::Incident(Box::new(view));
        Ok(Some(Message { external_id, content, ..self.bare(row) }))
    }

    async fn note(&self, row: &Leased, message: &Message, outcome: Outcome) {
        match outcome {
            Outcome::Sent { external_id } => {
                self.end(row, "sent", "").await;
                let mut round = self.finished.lock().await;
                if let (Some(incident_id), Some(external_id)) = (row.incident_id, external_id) {
                    round.kept.push((incident_id, row.recipient.clone(), external_id));
                }
                let to = if row.recipient.is_empty() { "" } else { " to " };
                let text = format!("{}{to}{}", row.channel, row.recipient);
                self.entry(&mut round, row, "notified", text);
            }
            Outcome::TryAgain { why } => {
                let seed = row.notification_id.as_u128() as u64;
                let next_at_us = self.now_us() + retry::wait_us(row.attempts, seed);
                tracing::info!(
                    channel = %row.channel, attempts = row.attempts, error.cause = why,
                    "notification not taken, tried again later"
                );
                self.finish(row, Some(next_at_us), why, false).await;
            }
            Outcome::Pause { wait, why } => {
                let until_us = self.now_us() + crate::clock::micros(wait);
                self.finish(row, Some(until_us), why.clone(), true).await;
                self.finished.lock().await.pause = Some((until_us, why));
            }
            Outcome::Refused { why } => self.refused(row, message, &why).await,
        }
    }

    /// It will never be taken here: the next way to the same person, or the channel's failover, has it at once.
    async fn refused(&self, row: &Leased, message: &Message, why: &str) {
        self.end(row, "failed", why).await;
        let next = crate::failover::next(&self.rules.settings, &row.channel, &row.recipient);
        let mut round = self.finished.lock().await;
        let text = match &next {
            Some(next) => format!("{} refuses it: {why}; it goes to {}", row.channel, next.channel),
            None => format!("{} refuses it: {why}; there is no other way", row.channel),
        };
        tracing::warn!(channel = %row.channel, error.cause = why, "notification refused for good");
        self.entry(&mut round, row, "failed", text);
        if let Some(next) = next {
            let mut moved = notifications::NewNotification {
                notification_id: Uuid::now_v7(),
                incident_id: row.incident_id,
                channel: next.channel.clone(),
                recipient: next.recipient.clone(),
                kind: row.kind,
                severity: row.severity.clone(),
                dedup_key: format!("{}>{}/{}", row.dedup_key, next.channel, next.recipient),
                created_at_us: message.now_us,
                expires_at_us: row.expires_at_us,
            };
            moved.created_at_us = moved.created_at_us.max(row.created_at_us);
            round.changes.notifications.push(moved);
        }
    }

    fn entry(&self, round: &mut Round, row: &Leased, kind: &'static str, text: String) {
        if let Some(incident_id) = row.incident_id {
            round.changes.note(incident_id, Entry::own(self.now_us(), kind, text));
        }
    }

    async fn end(&self, row: &Leased, state: &'static str, last_error: &str) {
        self.finished.lock().await.finished.push(Finished {
            notification_id: row.notification_id,
            attempts: row.attempts,
            state,
            next_at_us: None,
            last_error: last_error.to_owned(),
            uncounted: false,
        });
    }

    async fn give_back(&self, row: &Leased) {
        self.finish(row, None, String::new(), true).await;
    }

    async fn finish(&self, row: &Leased, next_at_us: Option<i64>, last_error: String, uncounted: bool) {
        self.finished.lock().await.finished.push(Finished {
            notification_id: row.notification_id,
            attempts: row.attempts,
            state: "waiting",
            next_at_us,
            last_error,
            uncounted,
        });
    }

    /// Writes what came of the round; whether the channel wants nothing for a while.
    async fn write(self, load: &ChannelLoad) -> Result<bool, Error> {
        let now_us = self.now_us();
        let round = self.finished.into_inner();
        let mut db = larder_database::begin_tenant(&self.deliverer.worker, self.tenant).await?;
        let mut ids: Vec<Uuid> = round.changes.entries.iter().map(|(incident_id, _)| *incident_id).collect();
        ids.sort_unstable();
        ids.dedup();
        if !ids.is_empty() {
            incidents::lock(&mut db, self.tenant, &ids).await?;
        }
        notifications::finish(&mut db, self.tenant, self.deliverer.owner, &round.finished, now_us).await?;
        for (incident_id, recipient, external_id) in &round.kept {
            let to = (self.channel_name, recipient.as_str());
            messages::keep(&mut db, self.tenant, *incident_id, to, external_id).await?;
        }
        if let Some((until_us, why)) = &round.pause {
            channel_states::pause(&mut db, self.tenant, self.channel_name, *until_us, why).await?;
        }
        let kept = serde_json::to_value(load).unwrap_or_default();
        channel_states::keep_load(&mut db, self.tenant, self.channel_name, &kept).await?;
        let is_moved = !round.changes.notifications.is_empty();
        round.changes.write(&mut db, self.tenant, now_us).await?;
        db.commit().await?;
        if is_moved {
            self.deliverer.outbox.notify_one();
        }
        Ok(round.pause.is_some())
    }
}

/// Whether somebody should still be woken for it.
fn needs_page(incident: &IncidentRow) -> bool {
    incident.state == State::Open && incident.snoozed_until_us.is_none()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
