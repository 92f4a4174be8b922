//! One round of one channel: what was leased is sent, and what came of it is written in one transaction, as far
//! as the leases are still ours.

use std::collections::{BTreeMap, HashSet};

use futures::StreamExt;
use larder_identity::TenantId;
use larder_oncall::storm::ChannelLoad;
use tokio::sync::Mutex as AsyncMutex;
use uuid::Uuid;

use super::Deliverer;
use crate::changes::Changes;
use crate::channels::{Channel, Outcome};
use crate::error::Error;
use crate::in_force::Rules;
use crate::message::{Content, IncidentView, Message};
use crate::metrics;
use crate::retry;
use crate::store::incidents::{self, IncidentRow, State};
use crate::store::notifications::{self, Finished, Kind, Leased, NewNotification};
use crate::store::{channel_states, messages, reading};
use crate::timeline::Entry;

/// So many notifications of a channel are under way together.
const TOGETHER: usize = 6;

/// One round of one channel.
pub(super) struct Delivery<'a> {
    pub(super) deliverer: &'a Deliverer,
    pub(super) tenant: &'a TenantId,
    pub(super) channel_name: &'a str,
    pub(super) channel: Option<&'a Channel>,
    pub(super) rules: &'a Rules,
    pub(super) finished: AsyncMutex<Round>,
}

/// What came of a round, before it is written.
#[derive(Default)]
pub(super) struct Round {
    finished: Vec<Finished>,
    /// By notification: what is written if its lease is still ours.
    consequences: Vec<(Uuid, Consequence)>,
    pause: Option<(i64, String)>,
}

/// What follows from a notification beside its own state.
enum Consequence {
    /// The incident, the recipient and what the channel calls the message.
    As(Uuid, String, String),
    Entry(Uuid, Entry),
    Moved(Box<NewNotification>),
}

impl Delivery<'_> {
    fn now_us(&self) -> i64 {
        (self.deliverer.clock)()
    }

    /// Sends each for itself; how many messages that were.
    pub(super) async fn send_each(&self, leased: Vec<Leased>) -> Result<u32, Error> {
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
    pub(super) async fn send_digests(&self, leased: Vec<Leased>) -> Result<u32, Error> {
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
                    let name = Consequence::As(incident_id, row.recipient.clone(), external_id);
                    round.consequences.push((row.notification_id, name));
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
            let mut moved = NewNotification {
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
            round.consequences.push((row.notification_id, Consequence::Moved(Box::new(moved))));
        }
    }

    fn entry(&self, round: &mut Round, row: &Leased, kind: &'static str, text: String) {
        if let Some(incident_id) = row.incident_id {
            let entry = Consequence::Entry(incident_id, Entry::own(self.now_us(), kind, text));
            round.consequences.push((row.notification_id, entry));
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
    pub(super) async fn write(self, mut load: ChannelLoad) -> Result<bool, Error> {
        let now_us = self.now_us();
        let round = self.finished.into_inner();
        let mut db = larder_database::begin_tenant(&self.deliverer.worker, self.tenant).await?;
        let mut ids: Vec<Uuid> = round.consequences.iter().filter_map(|(_, one)| one.entry_of()).collect();
        ids.sort_unstable();
        ids.dedup();
        if !ids.is_empty() {
            incidents::lock(&mut db, self.tenant, &ids).await?;
        }
        let owner = self.deliverer.owner;
        let ours = notifications::finish(&mut db, self.tenant, owner, &round.finished, now_us).await?;
        let ours: HashSet<Uuid> = ours.into_iter().collect();
        let mut changes = Changes::default();
        // Whoever has the lease now writes what comes of the others.
        for (_, consequence) in round.consequences.into_iter().filter(|(of, _)| ours.contains(of)) {
            match consequence {
                Consequence::As(incident_id, recipient, external_id) => {
                    let to = (self.channel_name, recipient.as_str());
                    messages::keep(&mut db, self.tenant, incident_id, to, &external_id).await?;
                }
                Consequence::Entry(incident_id, entry) => changes.note(incident_id, entry),
                Consequence::Moved(notification) => changes.notifications.push(*notification),
            }
        }
        if let Some((until_us, why)) = &round.pause {
            channel_states::pause(&mut db, self.tenant, self.channel_name, *until_us, why).await?;
        }
        load.note_pause(round.pause.is_some());
        let kept = serde_json::to_value(&load).unwrap_or_default();
        channel_states::keep_load(&mut db, self.tenant, self.channel_name, &kept).await?;
        let is_moved = !changes.notifications.is_empty();
        changes.write(&mut db, self.tenant, now_us).await?;
        db.commit().await?;
        if is_moved {
            self.deliverer.outbox.notify_one();
        }
        Ok(round.pause.is_some())
    }
}

impl Consequence {
    fn entry_of(&self) -> Option<Uuid> {
        match self {
            Self::Entry(incident_id, _) => Some(*incident_id),
            Self::As(..) | Self::Moved(_) => None,
        }
    }
}

/// Whether somebody should still be woken for it.
fn needs_page(incident: &IncidentRow) -> bool {
    incident.state == State::Open && incident.snoozed_until_us.is_none()
}
