//! What state an incident is in, and what an event does to it. Events come twice, late and against each other; one
//! that means nothing any more changes nothing, and what would be untrue is refused.

use jiff::Timestamp;

use crate::escalation::Target;

/// What happens to an incident. The list of them, with their instants, is its history.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum IncidentEvent {
    /// It began, or began again after it was over; or its escalation begins anew after every step was tried.
    Opened,
    /// A step of its escalation was carried out.
    Paged {
        /// The step, as the escalation counted it.
        position: u32,
        /// Whether anybody was handed a message.
        reached: bool,
    },
    /// The message of the last step reached nobody after all.
    PageFailed,
    /// Every step was tried.
    Exhausted,
    /// Somebody takes care of it.
    Acknowledged {
        /// Who.
        by: String,
        /// Until when, if it lapses.
        until: Option<Timestamp>,
    },
    /// The acknowledgement was too long ago.
    AcknowledgementLapsed,
    /// It is put off.
    Snoozed {
        /// By whom.
        by: String,
        /// Until when.
        until: Timestamp,
    },
    /// It was put off long enough.
    SnoozeEnded,
    /// Somebody else is to take care of it.
    HandedOver {
        /// By whom.
        by: String,
        /// To whom.
        to: Target,
    },
    /// Whether its alerts still fire is not known any more.
    SourceLost,
    /// It is known again.
    SourceRegained,
    /// It is over.
    Resolved {
        /// By whom; `None` when its alerts said so.
        by: Option<String>,
    },
    /// Something was written down about it.
    Noted {
        /// By whom.
        by: String,
        /// What.
        text: String,
    },
}

/// The states of an incident.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum IncidentState {
    /// Nobody takes care of it yet.
    Open,
    /// Somebody takes care of it.
    Acknowledged {
        /// Who.
        by: String,
        /// Until when, if it lapses.
        until: Option<Timestamp>,
    },
    /// It is put off.
    Snoozed {
        /// By whom.
        by: String,
        /// Until when.
        until: Timestamp,
    },
    /// It is over.
    Resolved,
}

/// An incident's state and the instants that matter of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Incident {
    /// Its state.
    #[serde(flatten)]
    pub state: IncidentState,
    /// When it began; the last time, if it began again.
    pub opened_at: Timestamp,
    /// When it was first acknowledged since then.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was over, if it is.
    pub resolved_at: Option<Timestamp>,
    /// Since when it is not known whether its alerts fire.
    pub source_lost_since: Option<Timestamp>,
}

/// An event that would be untrue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventRefused {
    /// The incident is over.
    #[error("the incident is resolved; accepted: a note, or to open it again")]
    IsResolved,
    /// The end of the snooze is not in the future.
    #[error("until: is not in the future; accepted: a later instant")]
    NotInTheFuture,
}

/// How many alerts of an incident are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AlertCounts {
    /// That fire.
    pub firing: u32,
    /// Whose source was lost.
    pub lost: u32,
    /// That are over.
    pub resolved: u32,
}

impl Incident {
    /// One that begins.
    pub fn open(at: Timestamp) -> Self {
        Self {
            state: IncidentState::Open,
            opened_at: at,
            acknowledged_at: None,
            resolved_at: None,
            source_lost_since: None,
        }
    }

    /// The incident of a history, from its first event on; `None` of an empty one.
    pub fn of_history(history: &[(Timestamp, IncidentEvent)]) -> Option<Self> {
        let (first, rest) = history.split_first()?;
        let apply = |incident: Self, (at, event): &(Timestamp, IncidentEvent)| {
            let next = incident.apply(event, *at);
            next.unwrap_or(None).unwrap_or(incident)
        };
        Some(rest.iter().fold(Self::open(first.0), apply))
    }

    /// What it is after an event; `None` when the event changes nothing, because it came before or is too late.
    ///
    /// # Errors
    /// [`EventRefused`] when somebody asks for what cannot be.
    pub fn apply(&self, event: &IncidentEvent, at: Timestamp) -> Result<Option<Self>, EventRefused> {
        use IncidentEvent as Event;
        let is_over = self.state == IncidentState::Resolved;
        let by_somebody =
            matches!(event, Event::Acknowledged { .. } | Event::Snoozed { .. } | Event::HandedOver { .. });
        if is_over && by_somebody {
            return Err(EventRefused::IsResolved);
        }
        let next = match event {
            Event::Opened => is_over.then(|| Self::open(at)),
            Event::Acknowledged { by, until } => self.acknowledge(by, *until, at),
            Event::Snoozed { until, .. } if *until <= at => return Err(EventRefused::NotInTheFuture),
            Event::Snoozed { by, until } => {
                self.moved(IncidentState::Snoozed { by: by.clone(), until: *until })
            }
            Event::AcknowledgementLapsed | Event::SnoozeEnded => self.lapse(event, at),
            Event::HandedOver { .. } => self.moved(IncidentState::Open),
            Event::SourceLost if self.source_lost_since.is_some() || is_over => None,
            Event::SourceLost => Some(Self { source_lost_since: Some(at), ..self.clone() }),
            Event::SourceRegained if self.source_lost_since.is_none() => None,
            Event::SourceRegained => Some(Self { source_lost_since: None, ..self.clone() }),
            Event::Resolved { .. } if is_over => None,
            Event::Resolved { .. } => Some(Self {
                state: IncidentState::Resolved,
                resolved_at: Some(at),
                source_lost_since: None,
                ..self.clone()
            }),
            Event::Paged { .. } | Event::PageFailed | Event::Exhausted | Event::Noted { .. } => None,
        };
        Ok(next)
    }

    /// What the state of its alerts asks for. Only when every alert is over is the incident; when none is known to
    /// fire and some are lost, so is its source.
    pub fn event_of_alerts(&self, counts: AlertCounts) -> Option<IncidentEvent> {
        let is_over = self.state == IncidentState::Resolved;
        match counts {
            AlertCounts { firing: 0, lost: 0, resolved: 0 } => None,
            AlertCounts { firing: 0, lost: 0, .. } => {
                (!is_over).then_some(IncidentEvent::Resolved { by: None })
            }
            AlertCounts { firing: 0, .. } => {
                (!is_over && self.source_lost_since.is_none()).then_some(IncidentEvent::SourceLost)
            }
            _ => (!is_over && self.source_lost_since.is_some()).then_some(IncidentEvent::SourceRegained),
        }
    }

    fn moved(&self, state: IncidentState) -> Option<Self> {
        (self.state != state).then(|| Self { state, ..self.clone() })
    }

    /// The same person's second click does not put off the lapse: it was one acknowledgement, told twice.
    fn acknowledge(&self, by: &str, until: Option<Timestamp>, at: Timestamp) -> Option<Self> {
        if matches!(&self.state, IncidentState::Acknowledged { by: known, .. } if known == by) {
            return None;
        }
        let state = IncidentState::Acknowledged { by: by.to_owned(), until };
        Some(Self { state, acknowledged_at: self.acknowledged_at.or(Some(at)), ..self.clone() })
    }

    /// A timer that fires for a state that is no more does nothing.
    fn lapse(&self, event: &IncidentEvent, at: Timestamp) -> Option<Self> {
        let due = match (&self.state, event) {
            (IncidentState::Acknowledged { until, .. }, IncidentEvent::AcknowledgementLapsed) => *until,
            (IncidentState::Snoozed { until, .. }, IncidentEvent::SnoozeEnded) => Some(*until),
            _ => None,
        };
        due.filter(|due| *due <= at).and_then(|_| self.moved(IncidentState::Open))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + minutes * 60).expect("an instant")
    }

    fn acknowledged(by: &str, until: Option<i64>) -> IncidentEvent {
        IncidentEvent::Acknowledged { by: by.into(), until: until.map(at) }
    }

    fn changed(incident: &Incident, event: &IncidentEvent, minutes: i64) -> Incident {
        incident.apply(event, at(minutes)).expect("accepted").expect("changed")
    }

    #[test]
    fn twice_is_once() {
        let open = Incident::open(at(0));
        let taken = changed(&open, &acknowledged("ana", Some(30)), 1);
        assert_eq!(taken.apply(&acknowledged("ana", Some(99)), at(2)), Ok(None));
        let other = changed(&taken, &acknowledged("ben", Some(40)), 3);
        assert_eq!(other.acknowledged_at, Some(at(1)), "the first counts");
        let over = changed(&other, &IncidentEvent::Resolved { by: None }, 5);
        assert_eq!(over.apply(&IncidentEvent::Resolved { by: Some("ana".into()) }, at(6)), Ok(None));
        assert_eq!(over.resolved_at, Some(at(5)));
    }

    #[test]
    fn nobody_takes_what_is_over() {
        let over = changed(&Incident::open(at(0)), &IncidentEvent::Resolved { by: None }, 1);
        assert_eq!(over.apply(&acknowledged("ana", None), at(2)), Err(EventRefused::IsResolved));
        let snoozed = IncidentEvent::Snoozed { by: "ana".into(), until: at(9) };
        assert_eq!(over.apply(&snoozed, at(2)), Err(EventRefused::IsResolved));
        assert_eq!(Incident::open(at(0)).apply(&snoozed, at(9)), Err(EventRefused::NotInTheFuture));
        let again = changed(&over, &IncidentEvent::Opened, 3);
        assert_eq!((again.state, again.opened_at), (IncidentState::Open, at(3)));
    }

    #[test]
    fn a_timer_for_a_state_that_is_no_more_does_nothing() {
        let taken = changed(&Incident::open(at(0)), &acknowledged("ana", Some(30)), 0);
        assert_eq!(taken.apply(&IncidentEvent::AcknowledgementLapsed, at(29)), Ok(None), "too early");
        assert_eq!(taken.apply(&IncidentEvent::SnoozeEnded, at(31)), Ok(None), "another timer");
        let lapsed = changed(&taken, &IncidentEvent::AcknowledgementLapsed, 30);
        assert_eq!(lapsed.state, IncidentState::Open);
        assert_eq!(lapsed.apply(&IncidentEvent::AcknowledgementLapsed, at(31)), Ok(None), "twice is once");
    }

    #[test]
    fn only_when_every_alert_is_over_is_the_incident() {
        let open = Incident::open(at(0));
        let counts = |firing, lost, resolved| AlertCounts { firing, lost, resolved };
        assert_eq!(open.event_of_alerts(counts(1, 0, 5)), None);
        assert_eq!(open.event_of_alerts(counts(0, 0, 5)), Some(IncidentEvent::Resolved { by: None }));
        assert_eq!(open.event_of_alerts(counts(0, 1, 5)), Some(IncidentEvent::SourceLost));
        let lost = changed(&open, &IncidentEvent::SourceLost, 1);
        assert_eq!(lost.state, IncidentState::Open, "lost is not over");
        assert_eq!(lost.event_of_alerts(counts(0, 1, 0)), None);
        assert_eq!(lost.event_of_alerts(counts(1, 1, 0)), Some(IncidentEvent::SourceRegained));
        let over = changed(&open, &IncidentEvent::Resolved { by: Some("ana".into()) }, 1);
        assert_eq!(
            over.event_of_alerts(counts(1, 0, 0)),
            None,
            "alerts that go on do not undo a person's word"
        );
    }

    #[test]
    fn a_history_tells_the_state() {
        let history = [
            (at(0), IncidentEvent::Opened),
            (at(0), IncidentEvent::Paged { position: 0, reached: true }),
            (at(2), acknowledged("ana", None)),
            (at(9), IncidentEvent::HandedOver { by: "ana".into(), to: Target::Contact("ben".into()) }),
        ];
        let incident = Incident::of_history(&history).expect("a history");
        assert_eq!((incident.state, incident.acknowledged_at), (IncidentState::Open, Some(at(2))));
        assert_eq!(Incident::of_history(&[]), None);
    }
}
