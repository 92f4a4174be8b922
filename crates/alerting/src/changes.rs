//! What becomes of incidents, gathered in memory and written together: whoever decides does not write,
//! and a storm costs as many statements as one incident.

use larder_identity::TenantId;
use larder_oncall::escalation::Target as Assignee;
use larder_oncall::incident::IncidentEvent;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::timestamp;
use crate::course;
use crate::store::incidents::{self, IncidentRow, State};
use crate::store::notifications::{self, Kind, NewNotification};
use crate::store::timeline;
use crate::store::timers::{self, Timer, TimerChange};
use crate::timeline::Entry;

const ALL_TIMERS: [Timer; 5] = [Timer::Notify, Timer::Escalate, Timer::Snooze, Timer::Repeat, Timer::Update];

/// How long a message may wait to be sent: what nobody had to hurry for is old news sooner.
const PAGE_LIFE_US: i64 = 24 * 3_600 * 1_000_000;
const OTHER_LIFE_US: i64 = 4 * 3_600 * 1_000_000;

/// Somewhere to tell something: a channel, and who on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    pub(crate) channel: String,
    pub(crate) recipient: String,
}

/// Everything that is to be written.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) incidents: Vec<IncidentRow>,
    pub(crate) entries: Vec<(Uuid, Entry)>,
    pub(crate) notifications: Vec<NewNotification>,
    pub(crate) timers: Vec<TimerChange>,
    /// Incidents whose pages are of no use any more.
    pub(crate) quiet: Vec<Uuid>,
    /// Incidents whose new state is told to everybody who was told before.
    pub(crate) retold: Vec<Uuid>,
}

impl Changes {
    /// Sets a timer anew.
    pub(crate) fn set_timer(&mut self, incident_id: Uuid, kind: Timer, due_at_us: i64) {
        self.timers.push(TimerChange { incident_id, kind, due_at_us: Some(due_at_us), keeps_earlier: false });
    }

    /// Sets a timer unless one is set.
    pub(crate) fn set_timer_once(&mut self, incident_id: Uuid, kind: Timer, due_at_us: i64) {
        self.timers.push(TimerChange { incident_id, kind, due_at_us: Some(due_at_us), keeps_earlier: true });
    }

    /// Forgets timers.
    pub(crate) fn clear_timers(&mut self, incident_id: Uuid, kinds: &[Timer]) {
        let gone =
            |kind: &Timer| TimerChange { incident_id, kind: *kind, due_at_us: None, keeps_earlier: false };
        self.timers.extend(kinds.iter().map(gone));
    }

    /// Forgets all timers.
    pub(crate) fn clear_all_timers(&mut self, incident_id: Uuid) {
        self.clear_timers(incident_id, &ALL_TIMERS);
    }

    /// Notes what happened.
    pub(crate) fn note(&mut self, incident_id: Uuid, entry: Entry) {
        self.entries.push((incident_id, entry));
    }

    /// Puts a message about an incident into the outbox. `because` tells one occasion from another.
    pub(crate) fn tell(
        &mut self,
        row: &IncidentRow,
        target: &Target,
        kind: Kind,
        because: &str,
        now_us: i64,
    ) {
        let life_us = if kind == Kind::Page && row.severity != "info" { PAGE_LIFE_US } else { OTHER_LIFE_US };
        self.notifications.push(NewNotification {
            notification_id: Uuid::now_v7(),
            incident_id: Some(row.incident_id),
            channel: target.channel.clone(),
            recipient: target.recipient.clone(),
            kind,
            severity: row.severity.clone(),
            dedup_key: format!("{}/{because}/{}/{}", row.incident_id, target.channel, target.recipient),
            created_at_us: now_us,
            expires_at_us: now_us + life_us,
        });
    }

    /// Writes everything in the caller's transaction. The incidents' rows must be locked, or new.
    pub(crate) async fn write(
        mut self,
        db: &mut PgConnection,
        tenant: &TenantId,
        now_us: i64,
    ) -> sqlx::Result<()> {
        let told = match self.retold.is_empty() {
            true => Vec::new(),
            false => notifications::told_of(db, tenant, &self.retold).await?,
        };
        if !self.quiet.is_empty() {
            notifications::drop_pages(db, tenant, &self.quiet, now_us).await?;
        }
        self.retell(&told, now_us);
        if !self.incidents.is_empty() {
            incidents::update(db, tenant, &self.incidents).await?;
        }
        if !self.entries.is_empty() {
            timeline::add(db, tenant, &self.entries).await?;
        }
        if !self.timers.is_empty() {
            timers::change(db, tenant, &self.timers).await?;
        }
        notifications::put(db, tenant, &self.notifications, now_us).await
    }

    /// Everybody who was told of an incident hears of its new state.
    fn retell(&mut self, told: &[notifications::Told], now_us: i64) {
        let incidents = std::mem::take(&mut self.incidents);
        let retold = std::mem::take(&mut self.retold);
        for told in told.iter().filter(|told| retold.contains(&told.incident_id)) {
            let Some(row) = incidents.iter().find(|row| row.incident_id == told.incident_id) else {
                continue;
            };
            let target = Target { channel: told.channel.clone(), recipient: told.recipient.clone() };
            let because = format!("{}-{}", row.state.name(), row.revision);
            self.tell(row, &target, Kind::Update, &because, now_us);
        }
        self.incidents = incidents;
    }
}

/// Somebody looks at it: nobody else is woken until the acknowledgement lapses, if it does.
pub(crate) fn acknowledge(
    changes: &mut Changes,
    row: &mut IncidentRow,
    who: &str,
    note: &str,
    until: Option<jiff::Timestamp>,
    now_us: i64,
) {
    course::record(row, now_us, IncidentEvent::Acknowledged { by: who.to_owned(), until });
    row.state = State::Acknowledged;
    row.acknowledged_at_us = Some(row.acknowledged_at_us.unwrap_or(now_us));
    who.clone_into(&mut row.acknowledged_by);
    row.snoozed_until_us = None;
    row.revision += 1;
    let entry = Entry { at_us: now_us, kind: "acknowledged", actor: who.to_owned(), text: note.to_owned() };
    changes.note(row.incident_id, entry);
    changes.clear_timers(row.incident_id, &[Timer::Notify, Timer::Escalate, Timer::Snooze, Timer::Repeat]);
    if let Some(until) = until {
        changes.set_timer(row.incident_id, Timer::Escalate, until.as_microsecond());
    }
    changes.quiet.push(row.incident_id);
    changes.retold.push(row.incident_id);
}

/// It is over, for its alerts say so or `who` does.
pub(crate) fn resolve(changes: &mut Changes, row: &mut IncidentRow, who: &str, text: &str, now_us: i64) {
    let by = (!who.is_empty()).then(|| who.to_owned());
    course::record(row, now_us, IncidentEvent::Resolved { by });
    row.state = State::Resolved;
    row.resolved_at_us = Some(now_us);
    who.clone_into(&mut row.resolved_by);
    row.snoozed_until_us = None;
    row.revision += 1;
    let entry = Entry { at_us: now_us, kind: "resolved", actor: who.to_owned(), text: text.to_owned() };
    changes.note(row.incident_id, entry);
    changes.clear_all_timers(row.incident_id);
    changes.quiet.push(row.incident_id);
    changes.retold.push(row.incident_id);
}

/// Somebody else is to take care of it, and is told at once; after them the policy goes on.
pub(crate) fn hand_over(
    changes: &mut Changes,
    row: &mut IncidentRow,
    who: &str,
    (to, note): (Assignee, &str),
    now_us: i64,
) {
    let mut text = format!("to {}", assignee(&to));
    if !note.is_empty() {
        text.push_str(": ");
        text.push_str(note);
    }
    course::record(row, now_us, IncidentEvent::HandedOver { by: who.to_owned(), to });
    row.state = State::Open;
    row.acknowledged_by.clear();
    row.snoozed_until_us = None;
    row.paged_at_us = Some(row.paged_at_us.unwrap_or(now_us));
    row.revision += 1;
    changes.note(row.incident_id, Entry { at_us: now_us, kind: "handed over", actor: who.to_owned(), text });
    changes.clear_timers(row.incident_id, &[Timer::Notify, Timer::Snooze, Timer::Repeat]);
    changes.quiet.push(row.incident_id);
    changes.retold.push(row.incident_id);
    changes.set_timer(row.incident_id, Timer::Escalate, now_us);
}

fn assignee(to: &Assignee) -> String {
    match to {
        Assignee::Contact(name) => name.clone(),
        Assignee::Team(name) => format!("the team {name}"),
        Assignee::Schedule(name) => format!("whoever is on call in {name}"),
        Assignee::Channel(name) => format!("the channel {name}"),
    }
}

/// Nobody is told anything for a while; then it begins anew.
pub(crate) fn snooze(changes: &mut Changes, row: &mut IncidentRow, who: &str, until_us: i64, now_us: i64) {
    course::record(row, now_us, IncidentEvent::Snoozed { by: who.to_owned(), until: timestamp(until_us) });
    row.snoozed_until_us = Some(until_us);
    row.revision += 1;
    let minutes = (until_us - now_us) / 60_000_000;
    let text = format!("for {minutes} minutes");
    changes.note(row.incident_id, Entry { at_us: now_us, kind: "snoozed", actor: who.to_owned(), text });
    changes.clear_all_timers(row.incident_id);
    changes.set_timer(row.incident_id, Timer::Snooze, until_us);
    changes.quiet.push(row.incident_id);
    changes.retold.push(row.incident_id);
}
