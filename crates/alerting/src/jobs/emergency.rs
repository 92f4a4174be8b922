//! Tells the emergency channels what the outbox cannot hold while the database is away, straight from the spool.
//! Each channel is told for itself, so one that does not answer holds up no other.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use larder_oncall::alert::{Told, ToldAlert};
use larder_oncall::notification::{Message as Notice, MessageKind};
use larder_oncall::severity::Severity;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Clock;
use crate::channels::Outcome;
use crate::clock::timestamp;
use crate::emergency::{Absence, Bulletin, Desk, Sight};
use crate::http::status_page::Board;
use crate::in_force::{InForce, Rules};
use crate::message::{Content, Message};
use crate::metrics;
use crate::spool::Spool;

const LOOK: Duration = Duration::from_millis(500);
/// How often the database is asked whether it is there, though nothing comes in.
const ASK: Duration = Duration::from_secs(5);
/// So many deliveries are read from the disk at once.
const READ_MOST: usize = 500;

/// The job.
pub(crate) struct EmergencyTeller {
    pub(crate) worker: PgPool,
    pub(crate) sight: Arc<Sight>,
    pub(crate) spool: Arc<Spool>,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) board: Arc<ArcSwap<Board>>,
    pub(crate) home: TenantId,
    pub(crate) clock: Clock,
}

/// What was done beside the loop.
enum Done {
    Asked { is_there: bool },
    Sent { channel: String, outcome: Outcome },
}

/// What the loop keeps.
#[derive(Default)]
struct Desks {
    of: HashMap<String, Desk>,
    /// The deliveries of the spool that were read in this absence.
    read: HashSet<PathBuf>,
}

impl EmergencyTeller {
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut desks = Desks::default();
        let mut under_way = JoinSet::new();
        let mut asked_at: Option<Instant> = None;
        loop {
            let done = tokio::select! {
                biased;
                () = shutdown.wait() => return,
                Some(done) = under_way.join_next() => done.ok(),
                () = tokio::time::sleep(LOOK) => None,
            };
            match done {
                Some(Done::Asked { is_there }) => {
                    self.sight.seen(is_there);
                    asked_at = Some(Instant::now());
                }
                Some(Done::Sent { channel, outcome }) => {
                    note(desks.of.entry(channel).or_default(), &outcome);
                }
                None => {}
            }
            if asked_at.is_none_or(|at| at.elapsed() >= ASK) {
                // Asked again once this has been answered.
                asked_at = Some(Instant::now() + Duration::from_secs(3_600));
                let worker = self.worker.clone();
                under_way.spawn(async move { Done::Asked { is_there: is_there(&worker).await } });
            }
            self.look(&mut desks, &mut under_way);
        }
    }

    fn look(&self, desks: &mut Desks, under_way: &mut JoinSet<Done>) {
        let rules = self.in_force.rules();
        let absence = self.absence();
        match absence {
            Some(_) => self.hear(desks, &rules),
            None => desks.read.clear(),
        }
        desks.of.retain(|name, _| rules.settings.emergency_channels.contains(name));
        for name in &rules.settings.emergency_channels {
            let desk = desks.of.entry(name.clone()).or_default();
            let Some(bulletin) = desk.next(absence.as_ref(), Instant::now()) else { continue };
            let (rules, name) = (rules.clone(), name.clone());
            let message = self.message(bulletin);
            under_way.spawn(async move {
                let outcome = match rules.channels.get(&name) {
                    Some(channel) => channel.send(&message, &rules.templates).await,
                    None => Outcome::Refused { why: "it is not in the file any more".to_owned() },
                };
                metrics::notified(&name, &outcome);
                Done::Sent { channel: name, outcome }
            });
        }
    }

    fn absence(&self) -> Option<Absence> {
        let since = self.sight.away_since()?;
        Some(Absence { since, unacknowledged: self.board.load().unacknowledged.clone() })
    }

    /// Reads what came into the spool since it was read last.
    fn hear(&self, desks: &mut Desks, rules: &Rules) {
        if self.spool.is_empty() {
            return;
        }
        for spooled in self.spool.others(&desks.read, READ_MOST) {
            for alert in spooled.delivery.alerts.iter().filter(|alert| wakes_somebody(alert)) {
                let summary = alert.annotations.get("summary").map(String::as_str).unwrap_or_default();
                let line = format!("{} {summary}", alert.labels);
                for name in &rules.settings.emergency_channels {
                    let desk = desks.of.entry(name.clone()).or_default();
                    desk.hear(alert.labels.fingerprint().0.cast_signed(), &line);
                }
            }
            desks.read.insert(spooled.path);
        }
    }

    fn message(&self, bulletin: Bulletin) -> Message {
        let now_us = (self.clock)();
        let notice = Notice {
            kind: if bulletin.is_over { MessageKind::Resolved } else { MessageKind::Fired },
            incident_id: bulletin.absence_id.to_string(),
            title: bulletin.title,
            severity: Severity::Critical,
            description: bulletin.text,
            reason: "this is an emergency channel".to_owned(),
            ..Notice::bare(timestamp(now_us))
        };
        Message {
            notification_id: bulletin.notification_id,
            tenant: self.home.clone(),
            recipient: String::new(),
            external_id: None,
            now_us,
            content: Content::Notice(Box::new(notice)),
        }
    }
}

fn wakes_somebody(alert: &ToldAlert) -> bool {
    matches!(alert.told, Told::Firing { .. })
        && matches!(Severity::of(&alert.labels), Severity::Critical | Severity::Error)
}

fn note(desk: &mut Desk, outcome: &Outcome) {
    let now = Instant::now();
    match outcome {
        Outcome::Sent { .. } => desk.taken(now),
        Outcome::Pause { wait, .. } => desk.try_again(now, Some(*wait)),
        Outcome::TryAgain { why } => {
            tracing::warn!(error.cause = %why, "an emergency could not be told and is tried again");
            desk.try_again(now, None);
        }
        Outcome::Refused { why } => {
            tracing::error!(error.cause = %why, "an emergency channel refuses what it is told");
            desk.taken(now);
        }
    }
}

/// A connection is tried before the pool gives it away.
async fn is_there(worker: &PgPool) -> bool {
    match worker.acquire().await {
        Ok(_) => true,
        Err(error) => !larder_database::is_unavailable(&error),
    }
}
