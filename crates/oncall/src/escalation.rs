//! Who is to be reached next, and when: a function of the policy, the schedules and the incident's history alone. A
//! service that keeps the history and asks again after a restart is told the same.

mod people;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::incident::IncidentEvent;

pub use people::People;

/// Whom a step means.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Target {
    /// One person.
    Contact(String),
    /// Everybody of a team.
    Team(String),
    /// Whoever is on call.
    Schedule(String),
    /// A channel, whoever reads it.
    Channel(String),
}

/// How an incident looks for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EscalationPolicy {
    /// What receivers call it by.
    pub name: String,
    /// Its steps. Never empty.
    pub steps: Vec<EscalationStep>,
    /// How many more times the steps are gone through.
    pub repeat: u32,
    /// After how long an acknowledgement lapses, if it does.
    pub acknowledge_timeout: Option<Duration>,
    /// Who is reached when a step means nobody, for instance because nobody is on call.
    pub fallback: Vec<Target>,
}

/// A step of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EscalationStep {
    /// Whom it means.
    pub targets: Vec<Target>,
    /// How long it waits for an acknowledgement before the next step.
    pub wait: Duration,
    /// Whether one of those it means is reached, another one each time, rather than all.
    pub round_robin: bool,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Next {
    /// Something, and when.
    Do {
        /// When; one that is past is due at once.
        due_at: Timestamp,
        /// What.
        action: Action,
    },
    /// Nothing until something happens to the incident.
    Rest {
        /// Why.
        because: String,
    },
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Reach people. It is written down as [`IncidentEvent::Paged`] with this position, whether or not there is
    /// anybody.
    Page(Page),
    /// Write [`IncidentEvent::AcknowledgementLapsed`] down.
    LapseAcknowledgement,
    /// Write [`IncidentEvent::SnoozeEnded`] down.
    EndSnooze,
    /// Write [`IncidentEvent::Exhausted`] down, and say so where it is seen.
    GiveUp {
        /// Why.
        because: String,
    },
}

/// A message to people.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Page {
    /// The how-manieth of this run of the escalation, from 0.
    pub position: u32,
    /// Contacts, each once.
    pub contacts: Vec<String>,
    /// Channels, each once.
    pub channels: Vec<String>,
    /// Why these: targets that meant nobody, and what was done about it.
    pub because: Vec<String>,
}

impl Page {
    /// Whether nobody at all is meant.
    pub fn is_empty(&self) -> bool {
        self.contacts.is_empty() && self.channels.is_empty()
    }
}

/// Where an escalation stands.
#[derive(Clone, Debug, PartialEq)]
enum Standing {
    Running(Run),
    Acknowledged { by: String, until: Option<Timestamp> },
    Snoozed { until: Timestamp },
    Exhausted,
    Resolved,
}

/// One way through the steps.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    /// How many runs there were before.
    number: u32,
    started_at: Timestamp,
    /// Whom the incident was handed over to, who is reached before the first step.
    first: Option<Target>,
    /// The position of the next page.
    position: u32,
    /// When the last page went out, and whether it reached anybody.
    last: Option<(Timestamp, bool)>,
    /// How many of its pages reached somebody.
    reached: u32,
}

impl EscalationPolicy {
    /// Until when an acknowledgement holds.
    pub fn acknowledged_until(&self, at: Timestamp) -> Option<Timestamp> {
        self.acknowledge_timeout.map(|timeout| later(at, timeout))
    }

    /// What is to be done next. `history` is in the order of its instants; `sequence` is a number of the incident's
    /// own, such as how many the policy had before, and decides whose turn it is in a round; who is on call is asked
    /// for the instant at which the action is due, or for `now` when that is past.
    pub fn next(
        &self,
        people: &People<'_>,
        history: &[(Timestamp, IncidentEvent)],
        sequence: u64,
        now: Timestamp,
    ) -> Next {
        let act = |due_at, action| Next::Do { due_at, action };
        let rest = |because: String| Next::Rest { because };
        match standing(history) {
            None => rest("it has not begun".to_owned()),
            Some(Standing::Running(run)) => self.next_of_run(people, &run, sequence, now),
            Some(Standing::Acknowledged { until: Some(until), .. }) => {
                act(until, Action::LapseAcknowledgement)
            }
            Some(Standing::Acknowledged { by, until: None }) => rest(format!("{by} takes care of it")),
            Some(Standing::Snoozed { until }) => act(until, Action::EndSnooze),
            Some(Standing::Exhausted) => rest("every step was tried and nobody acknowledged".to_owned()),
            Some(Standing::Resolved) => rest("it is over".to_owned()),
        }
    }

    /// What will be done if nobody does anything, until the escalation rests or an instant is reached. It is what is
    /// shown to whoever asks who would be reached when.
    pub fn timeline(
        &self,
        people: &People<'_>,
        history: &[(Timestamp, IncidentEvent)],
        sequence: u64,
        until: Timestamp,
    ) -> Vec<(Timestamp, Action)> {
        let mut history = history.to_vec();
        let mut timeline = Vec::new();
        let mut now = history.last().map_or(Timestamp::MIN, |(at, _)| *at);
        while let Next::Do { due_at, action } = self.next(people, &history, sequence, now) {
            now = now.max(due_at);
            if now > until {
                break;
            }
            history.push((now, action.event()));
            timeline.push((now, action));
        }
        timeline
    }

    fn next_of_run(&self, people: &People<'_>, run: &Run, sequence: u64, now: Timestamp) -> Next {
        let due_at = self.due_at(run);
        let at = due_at.max(now);
        let handed_over = u32::from(run.first.is_some());
        let steps = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        let whole = handed_over.saturating_add(steps.saturating_mul(self.repeat.saturating_add(1)));
        if run.position >= whole {
            let because = if run.reached == 0 {
                "no step reached anybody".to_owned()
            } else {
                format!("{} pages reached somebody, and nobody acknowledged", run.reached)
            };
            return Next::Do { due_at, action: Action::GiveUp { because } };
        }
        let mut page = match (&run.first, run.position) {
            (Some(target), 0) => people.resolve(std::slice::from_ref(target), at),
            _ => self.page_of_step(people, run, handed_over, sequence, at),
        };
        if page.is_empty() && !self.fallback.is_empty() {
            let fallback = people.resolve(&self.fallback, at);
            page.because.push("so those who are reached when nobody else is".to_owned());
            page.because.extend(fallback.because);
            (page.contacts, page.channels) = (fallback.contacts, fallback.channels);
        }
        page.position = run.position;
        Next::Do { due_at, action: Action::Page(page) }
    }

    fn page_of_step(
        &self,
        people: &People<'_>,
        run: &Run,
        handed_over: u32,
        sequence: u64,
        at: Timestamp,
    ) -> Page {
        let nth = run.position - handed_over;
        let steps = u32::try_from(self.steps.len()).unwrap_or(u32::MAX).max(1);
        let Some(step) = self.steps.get((nth % steps) as usize) else { return Page::default() };
        let mut page = people.resolve(&step.targets, at);
        if step.round_robin && page.contacts.len() > 1 {
            let turn = sequence.wrapping_add(u64::from(run.number)).wrapping_add(u64::from(nth / steps));
            let turn = usize::try_from(turn % page.contacts.len() as u64).unwrap_or(0);
            page.contacts = vec![page.contacts.swap_remove(turn)];
        }
        page
    }

    /// A page is due when the one before it has waited long enough; after one that reached nobody, at once.
    fn due_at(&self, run: &Run) -> Timestamp {
        match run.last {
            None => run.started_at,
            Some((at, false)) => at,
            Some((at, true)) => later(at, self.wait_after(run)),
        }
    }

    fn wait_after(&self, run: &Run) -> Duration {
        let handed_over = u32::from(run.first.is_some());
        let before = run.position.saturating_sub(1);
        let nth = before.saturating_sub(handed_over) as usize;
        let step = self.steps.get(nth % self.steps.len().max(1));
        step.map_or(Duration::from_secs(300), |step| step.wait)
    }
}

impl Action {
    /// What is written down when it is done, as if it had reached those it means.
    pub fn event(&self) -> IncidentEvent {
        match self {
            Self::Page(page) => IncidentEvent::Paged { position: page.position, reached: !page.is_empty() },
            Self::LapseAcknowledgement => IncidentEvent::AcknowledgementLapsed,
            Self::EndSnooze => IncidentEvent::SnoozeEnded,
            Self::GiveUp { .. } => IncidentEvent::Exhausted,
        }
    }
}

fn standing(history: &[(Timestamp, IncidentEvent)]) -> Option<Standing> {
    let mut standing: Option<Standing> = None;
    let mut runs = 0;
    for (at, event) in history {
        let mut begin = |first: Option<Target>| {
            runs += 1;
            let run = Run { number: runs - 1, started_at: *at, first, position: 0, last: None, reached: 0 };
            Some(Standing::Running(run))
        };
        standing = match (event, standing) {
            (IncidentEvent::Opened, None | Some(Standing::Resolved | Standing::Exhausted)) => begin(None),
            (IncidentEvent::Resolved { .. }, Some(_)) => Some(Standing::Resolved),
            (_, standing @ (None | Some(Standing::Resolved))) => standing,
            (IncidentEvent::Acknowledged { by, until }, _) => {
                Some(Standing::Acknowledged { by: by.clone(), until: *until })
            }
            (IncidentEvent::Snoozed { until, .. }, _) => Some(Standing::Snoozed { until: *until }),
            (IncidentEvent::HandedOver { to, .. }, _) => begin(Some(to.clone())),
            (IncidentEvent::AcknowledgementLapsed, Some(Standing::Acknowledged { .. }))
            | (IncidentEvent::SnoozeEnded, Some(Standing::Snoozed { .. })) => begin(None),
            (IncidentEvent::Exhausted, Some(Standing::Running(_))) => Some(Standing::Exhausted),
            (event, Some(Standing::Running(run))) => Some(Standing::Running(run.after(event, *at))),
            (_, standing) => standing,
        };
    }
    standing
}

impl Run {
    fn after(mut self, event: &IncidentEvent, at: Timestamp) -> Self {
        match event {
            IncidentEvent::Paged { position, reached } if *position == self.position => {
                self.position += 1;
                self.last = Some((at, *reached));
                self.reached += u32::from(*reached);
            }
            IncidentEvent::PageFailed if matches!(self.last, Some((_, true))) => {
                self.last = Some((at, false));
                self.reached -= 1;
            }
            _ => {}
        }
        self
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
