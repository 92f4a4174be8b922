//! Does what is due: the first message of a group, the next step of an escalation, an acknowledgement or
//! a snooze that runs out. Timers lie in the database; whichever replica takes one away has it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use larder_oncall::incident::IncidentEvent;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{AFTER_JUMP, wait};
use crate::Clock;
use crate::changes::Changes;
use crate::clock::JumpWatch;
use crate::course;
use crate::error::Error;
use crate::escalate::Escalation;
use crate::hiding::Hiding;
use crate::in_force::{InForce, Rules};
use crate::metrics;
use crate::store::durability;
use crate::store::incident_alerts::{self, Counts, Member};
use crate::store::incidents::{self, IncidentRow, State};
use crate::store::timers::{self, Timer};
use crate::timeline::Entry;

/// So many incidents are worked on at once.
const BATCH: i64 = 500;
/// So many alerts of due incidents are looked at for what hides them.
const MEMBERS_MOST: i64 = 50_000;
const LONGEST: Duration = Duration::from_millis(500);
/// A timer that is due sooner than this is waited for in a breath.
const SHORTEST: Duration = Duration::from_millis(1);

/// The job.
pub(crate) struct TimerKeeper {
    pub(crate) worker: PgPool,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) timers: Arc<Notify>,
    /// Wakes whoever sends.
    pub(crate) outbox: Arc<Notify>,
    pub(crate) clock: Clock,
    pub(crate) steady: Clock,
}

impl TimerKeeper {
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut pause = LONGEST;
        let mut jumps = JumpWatch::new(self.clock, self.steady);
        while wait(&self.timers, pause, &shutdown).await {
            if jumps.look().jump_us != 0 {
                tokio::time::sleep(AFTER_JUMP).await;
            }
            pause = match self.work().await {
                Ok(next_due_at_us) => self.until(next_due_at_us),
                Err(error) => {
                    metrics::job_failed("timers", &error);
                    LONGEST
                }
            };
        }
    }

    /// How long to sleep for the next timer.
    fn until(&self, next_due_at_us: Option<i64>) -> Duration {
        let left_us = next_due_at_us.map_or(i64::MAX, |due_at_us| due_at_us - (self.clock)());
        Duration::from_micros(left_us.try_into().unwrap_or(0)).clamp(SHORTEST, LONGEST)
    }

    /// Does everything that is due and tells when the next thing is.
    async fn work(&self) -> Result<Option<i64>, Error> {
        loop {
            let now_us = (self.clock)();
            let mut connection = self.worker.acquire().await?;
            let due = timers::due(&mut connection, now_us, BATCH).await?;
            if due.is_empty() {
                return Ok(timers::next_due_at_us(&mut connection).await?);
            }
            drop(connection);
            let is_last = (due.len() as i64) < BATCH;
            let mut of_tenants: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
            for due in due {
                of_tenants.entry(due.tenant_id).or_default().push(due.incident_id);
            }
            for (name, incident_ids) in of_tenants {
                let Ok(tenant) = TenantId::parse(&name) else { continue };
                self.do_due(&tenant, &incident_ids, now_us).await?;
            }
            self.outbox.notify_one();
            if is_last {
                let mut connection = self.worker.acquire().await?;
                return Ok(timers::next_due_at_us(&mut connection).await?);
            }
        }
    }

    async fn do_due(&self, tenant: &TenantId, incident_ids: &[Uuid], now_us: i64) -> Result<(), Error> {
        let mut transaction = larder_database::begin_tenant(&self.worker, tenant).await?;
        let rows = incidents::lock(&mut transaction, tenant, incident_ids).await?;
        let taken = timers::take_due(&mut transaction, tenant, incident_ids, now_us).await?;
        let rules = self.in_force.rules();
        hide_anew(&mut transaction, tenant, &rules, incident_ids, now_us).await?;
        let counts: HashMap<Uuid, Counts> =
            incident_alerts::count(&mut transaction, tenant, incident_ids).await?.into_iter().collect();
        let escalation = Escalation::load(&mut transaction, tenant, &rules, now_us).await?;
        let mut changes = Changes::default();
        for mut row in rows {
            let counts = counts.get(&row.incident_id).copied().unwrap_or_default();
            let incident_id = row.incident_id;
            for (_, timer) in taken.iter().filter(|(of, _)| *of == incident_id) {
                do_one(&mut row, *timer, counts, &escalation, &mut changes);
            }
            changes.incidents.push(row);
        }
        durability::do_not_wait(&mut transaction).await?;
        changes.write(&mut transaction, tenant, now_us).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// A silence that was made, or an alert that came, since these were looked at hides them from now on.
async fn hide_anew(
    db: &mut PgConnection,
    tenant: &TenantId,
    rules: &Rules,
    incident_ids: &[Uuid],
    now_us: i64,
) -> Result<(), Error> {
    let hiding = Hiding::load(db, tenant, rules, now_us).await?;
    if hiding.is_empty() {
        return Ok(());
    }
    let members = incident_alerts::firing_labels(db, tenant, incident_ids, MEMBERS_MOST).await?;
    let verdicts = hiding.verdicts();
    let changed: Vec<_> = members
        .into_iter()
        .filter_map(|(member, labels)| {
            let is_hidden = verdicts.of(&labels).is_hidden();
            (is_hidden != member.is_hidden).then_some(Member { is_hidden, ..member })
        })
        .collect();
    if !changed.is_empty() {
        incident_alerts::put(db, tenant, &changed).await?;
    }
    Ok(())
}

fn do_one(
    row: &mut IncidentRow,
    timer: Timer,
    counts: Counts,
    escalation: &Escalation<'_>,
    changes: &mut Changes,
) {
    let now_us = escalation.now_us;
    let is_quiet = row.state != State::Open || row.snoozed_until_us.is_some();
    match timer {
        _ if row.state == State::Resolved => {}
        Timer::Snooze => {
            row.snoozed_until_us = None;
            row.state = State::Open;
            course::record(row, now_us, IncidentEvent::SnoozeEnded);
            changes.note(row.incident_id, Entry::own(now_us, "woke up", "the snooze ran out"));
            escalation.begin(row, counts, changes);
        }
        Timer::Escalate => escalation.go_on(row, counts, changes),
        _ if is_quiet && timer != Timer::Update => {}
        Timer::Notify => escalation.begin(row, counts, changes),
        Timer::Repeat => escalation.repeat(row, counts, changes),
        Timer::Update => {
            row.revision += 1;
            changes.retold.push(row.incident_id);
        }
    }
}
