//! Who is told next of an incident. The receiver's channels hear of it at once; its policy goes from step
//! to step until somebody acknowledges.

use std::collections::BTreeMap;
use std::time::Duration;

use larder_identity::TenantId;
use larder_oncall::escalation::{Action, EscalationPolicy, Next, Page, People};
use larder_oncall::incident::IncidentEvent;
use larder_oncall::routing::Route;
use larder_oncall::schedule::Override;
use sqlx::PgConnection;

use crate::changes::{Changes, Target};
use crate::clock::{micros, timestamp};
use crate::course;
use crate::error::Error;
use crate::in_force::Rules;
use crate::store::incident_alerts::Counts;
use crate::store::incidents::{IncidentRow, State};
use crate::store::notifications::Kind;
use crate::store::overrides::{self, OverrideRow};
use crate::store::timers::Timer;
use crate::timeline::Entry;

/// A policy is asked so often at one instant; steps that wait for nothing follow each other at once.
const STEPS_AT_ONCE: usize = 50;
/// How often a route that is muted is looked at again.
const MUTED_LOOK: Duration = Duration::from_secs(60);

/// Overrides by the schedule's name.
pub(crate) type Overrides = BTreeMap<String, Vec<Override>>;

/// Everything that deciding about escalations of one tenant needs, at one instant.
pub(crate) struct Escalation<'a> {
    rules: &'a Rules,
    overrides: Overrides,
    pub(crate) now_us: i64,
}

/// The overrides of a tenant that are not over.
pub(crate) async fn load_overrides(
    db: &mut PgConnection,
    tenant: &TenantId,
    now_us: i64,
) -> Result<Overrides, Error> {
    let mut by_schedule = Overrides::new();
    for row in overrides::list(db, tenant, None, now_us).await? {
        by_schedule.entry(row.schedule.clone()).or_default().push(as_override(&row));
    }
    Ok(by_schedule)
}

fn as_override(row: &OverrideRow) -> Override {
    Override {
        id: row.override_id.to_string(),
        contact: Some(row.contact.clone()),
        instead_of: None,
        starts_at: timestamp(row.starts_at_us),
        ends_at: timestamp(row.ends_at_us),
    }
}

impl<'a> Escalation<'a> {
    /// Reads what decisions need.
    pub(crate) async fn load(
        db: &mut PgConnection,
        tenant: &TenantId,
        rules: &'a Rules,
        now_us: i64,
    ) -> Result<Self, Error> {
        Ok(Self { rules, overrides: load_overrides(db, tenant, now_us).await?, now_us })
    }

    /// The first message: the group has waited long enough.
    pub(crate) fn begin(&self, row: &mut IncidentRow, counts: Counts, changes: &mut Changes) {
        if counts.visible == 0 {
            // What is hidden now sets the timer again when it shows.
            row.paged_at_us = None;
            return;
        }
        if let Some(because) = self.muted_because(row) {
            if row.paged_at_us.is_none() {
                changes.note(row.incident_id, Entry::own(self.now_us, "muted", because));
            }
            changes.set_timer(row.incident_id, Timer::Notify, self.now_us + micros(MUTED_LOOK));
            return;
        }
        row.paged_at_us = Some(self.now_us);
        row.revision += 1;
        let targets = self.channels(row);
        self.page(row, &targets, &format!("page-{}", row.revision), changes);
        course::record(row, self.now_us, IncidentEvent::Opened);
        let is_policy = self.rules.policy_of(row).is_some();
        if targets.is_empty() && !is_policy {
            let text = format!("the receiver {:?} tells nobody", row.receiver);
            changes.note(row.incident_id, Entry::own(self.now_us, "kept", text));
            return;
        }
        self.advance(row, changes);
        self.set_repeat(row, changes);
    }

    /// What the policy wants next: a step, or the end of an acknowledgement.
    pub(crate) fn go_on(&self, row: &mut IncidentRow, counts: Counts, changes: &mut Changes) {
        if counts.visible == 0 && row.state == State::Open {
            row.paged_at_us = None;
            return;
        }
        self.advance(row, changes);
    }

    /// Nobody has acknowledged for long: everything again.
    pub(crate) fn repeat(&self, row: &mut IncidentRow, counts: Counts, changes: &mut Changes) {
        if counts.visible > 0 {
            changes.note(row.incident_id, Entry::own(self.now_us, "repeated", "nobody has acknowledged it"));
        }
        self.begin(row, counts, changes);
    }

    /// Does everything that the policy wants by now, and sets the timer for what comes after it.
    fn advance(&self, row: &mut IncidentRow, changes: &mut Changes) {
        let Some(policy) = self.rules.policy_of(row) else { return self.reach_assignee(row, changes) };
        for _ in 0..STEPS_AT_ONCE {
            match self.next(policy, row) {
                Next::Rest { .. } => return,
                Next::Do { due_at, .. } if due_at.as_microsecond() > self.now_us => {
                    changes.set_timer(row.incident_id, Timer::Escalate, due_at.as_microsecond());
                    return;
                }
                Next::Do { action, .. } => self.carry_out(row, &action, changes),
            }
        }
    }

    /// Without a policy whoever it was handed over to is told, once.
    fn reach_assignee(&self, row: &mut IncidentRow, changes: &mut Changes) {
        let Some((_, IncidentEvent::HandedOver { to, .. })) = course::of(row).pop() else { return };
        let people = People::new(&self.rules.settings, &self.overrides);
        let page = people.resolve(std::slice::from_ref(&to), timestamp(self.now_us));
        self.carry_out(row, &Action::Page(page), changes);
        self.set_repeat(row, changes);
    }

    fn next(&self, policy: &EscalationPolicy, row: &IncidentRow) -> Next {
        let people = People::new(&self.rules.settings, &self.overrides);
        let sequence = row.incident_number.unsigned_abs();
        policy.next(&people, &course::of(row), sequence, timestamp(self.now_us))
    }

    fn carry_out(&self, row: &mut IncidentRow, action: &Action, changes: &mut Changes) {
        let mut event = action.event();
        match action {
            Action::Page(page) => {
                let targets = self.targets_of(page);
                let because = format!("step-{}-{}", course::of(row).len(), page.position);
                self.page(row, &targets, &because, changes);
                event = IncidentEvent::Paged { position: page.position, reached: !targets.is_empty() };
                let text = told(page, targets.is_empty());
                changes.note(row.incident_id, Entry::own(self.now_us, "escalated", text));
            }
            Action::LapseAcknowledgement => {
                let text = format!("the acknowledgement of {} ran out", row.acknowledged_by);
                changes.note(row.incident_id, Entry::own(self.now_us, "acknowledgement ran out", text));
                row.state = State::Open;
                row.acknowledged_by.clear();
                row.revision += 1;
                self.set_repeat(row, changes);
            }
            Action::EndSnooze => row.snoozed_until_us = None,
            Action::GiveUp { because } => {
                changes.note(row.incident_id, Entry::own(self.now_us, "exhausted", because.clone()));
            }
        }
        course::record(row, self.now_us, event);
    }

    /// People by the first of their ways, and channels as they are.
    fn targets_of(&self, page: &Page) -> Vec<Target> {
        let people = page.contacts.iter().filter_map(|name| {
            let way = self.rules.settings.contacts.get(name)?.reach.first()?;
            Some(Target { channel: way.channel.clone(), recipient: way.address.clone() })
        });
        people.chain(page.channels.iter().map(|channel| channel_itself(channel))).collect()
    }

    fn page(&self, row: &IncidentRow, targets: &[Target], because: &str, changes: &mut Changes) {
        for target in targets {
            changes.tell(row, target, Kind::Page, because, self.now_us);
        }
    }

    fn set_repeat(&self, row: &IncidentRow, changes: &mut Changes) {
        let interval = self.route_of(row).map(|route| route.grouping.repeat_interval);
        let interval = interval.unwrap_or(Duration::from_secs(4 * 3_600));
        changes.set_timer(row.incident_id, Timer::Repeat, self.now_us + micros(interval));
    }

    /// Why the route says nothing now.
    fn muted_because(&self, row: &IncidentRow) -> Option<String> {
        self.route_of(row)?.silent_because(timestamp(self.now_us), &self.rules.settings.time_intervals)
    }

    fn route_of(&self, row: &IncidentRow) -> Option<&Route> {
        self.rules.settings.route.walk().into_iter().find(|route| route.id == row.route)
    }

    /// The channels that the receiver names without a person.
    fn channels(&self, row: &IncidentRow) -> Vec<Target> {
        let receiver = self.rules.receiver(&row.receiver);
        receiver
            .map(|receiver| receiver.channels.iter().map(|channel| channel_itself(channel)).collect())
            .unwrap_or_default()
    }
}

fn channel_itself(channel: &str) -> Target {
    Target { channel: channel.to_owned(), recipient: String::new() }
}

fn told(page: &Page, reached_nobody: bool) -> String {
    let mut names: Vec<&str> = page.contacts.iter().chain(&page.channels).map(String::as_str).collect();
    names.extend(page.because.iter().map(String::as_str));
    let names = names.join(", ");
    if reached_nobody {
        format!("step {} reaches nobody: {names}", page.position + 1)
    } else {
        format!("step {}: {names}", page.position + 1)
    }
}
