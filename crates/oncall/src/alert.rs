//! What is known of one alert, and how a new report about it is laid over that. Reports come twice, late, in any
//! order and by several ways; whatever the order, what is known in the end is the same.

use jiff::Timestamp;

use crate::labels::{Fingerprint, Labels};

/// What state an alert is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// It fires.
    Firing,
    /// It was not told again in time, or its source fell silent. Whether it fires is not known, and it is never
    /// told as over.
    SourceLost,
    /// Its source said that it is over.
    Resolved,
}

/// One alert as it is known.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Alert {
    /// What it is known by.
    pub fingerprint: Fingerprint,
    /// Its labels.
    pub labels: Labels,
    /// What is told about it.
    pub annotations: Labels,
    /// Since when this episode of it fires.
    pub starts_at: Timestamp,
    /// When it ended, if it did; otherwise until when it is good without being told again.
    pub ends_at: Timestamp,
    /// Its state.
    pub state: AlertState,
    /// When it was last told.
    pub told_at: Timestamp,
}

/// What a source says of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its labels.
    pub labels: Labels,
    /// What is told about it.
    pub annotations: Labels,
    /// Since when it fires, if told.
    pub starts_at: Option<Timestamp>,
    /// When it ends, if told: one that is past when the report arrives says that it is over.
    pub ends_at: Option<Timestamp>,
    /// When the report arrived.
    pub received_at: Timestamp,
    /// Whether the source is known to have fallen silent: what it says to be over may only have been forgotten.
    pub source_is_lost: bool,
}

/// What a report changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertChange {
    /// It began to fire, for the first time or again.
    Fired,
    /// It is told again, or with other annotations; nobody needs to hear of it.
    Refreshed,
    /// It is over.
    Resolved,
    /// It ended before anybody here knew that it fired; it is kept and nobody is told.
    ResolvedUnseen,
    /// Its source is there again, and it still fires.
    Regained,
    /// Its source was lost.
    Lost,
    /// Nothing: the report is older than what is known, or the same.
    None,
}

/// How long a report that tells no end is good.
pub type ResolveTimeout = jiff::SignedDuration;

impl Alert {
    /// Lays a report over what is known. Merging is idempotent, and reports of one source that tell their start may
    /// come in any order: the later episode wins, within an episode its end wins over its firing, and among ends the
    /// later one.
    pub fn merge(known: Option<&Self>, report: &Report, timeout: ResolveTimeout) -> (Self, AlertChange) {
        let told = Self::from_report(known, report, timeout);
        let Some(known) = known else {
            let unseen = told.state == AlertState::Resolved;
            return (told, if unseen { AlertChange::ResolvedUnseen } else { AlertChange::Fired });
        };
        if told.rank() <= known.rank() {
            return (known.clone(), AlertChange::None);
        }
        let new_episode = told.starts_at > known.starts_at;
        let change = match (known.state, told.state) {
            (AlertState::Resolved, AlertState::Resolved) if new_episode => AlertChange::ResolvedUnseen,
            (_, AlertState::Resolved) if known.state == AlertState::Resolved => AlertChange::Refreshed,
            (_, AlertState::Resolved) => AlertChange::Resolved,
            (AlertState::Resolved, _) => AlertChange::Fired,
            (AlertState::SourceLost, AlertState::Firing) => AlertChange::Regained,
            (AlertState::Firing, AlertState::SourceLost) => AlertChange::Lost,
            _ => AlertChange::Refreshed,
        };
        (told, change)
    }

    /// What is known at an instant without any report: an alert that was good until now, and was not told again, is
    /// lost. Nothing makes an alert over but its source.
    pub fn at(&self, now: Timestamp) -> (Self, AlertChange) {
        if self.state != AlertState::Firing || now < self.ends_at {
            return (self.clone(), AlertChange::None);
        }
        (Self { state: AlertState::SourceLost, ..self.clone() }, AlertChange::Lost)
    }

    /// When [`Alert::at`] is to be asked again; `None` when time alone changes nothing.
    pub fn due_at(&self) -> Option<Timestamp> {
        (self.state == AlertState::Firing).then_some(self.ends_at)
    }

    fn from_report(known: Option<&Self>, report: &Report, timeout: ResolveTimeout) -> Self {
        let is_over = report.ends_at.is_some_and(|ends_at| ends_at <= report.received_at);
        let going_on = known.filter(|known| known.state != AlertState::Resolved);
        let begun = going_on.map_or(report.received_at, |known| known.starts_at);
        let starts_at = report.starts_at.unwrap_or(begun).min(report.received_at);
        let good_until = report.received_at.checked_add(timeout).unwrap_or(Timestamp::MAX);
        let state = match (is_over, report.source_is_lost) {
            (true, true) => AlertState::SourceLost,
            (true, false) => AlertState::Resolved,
            (false, _) => AlertState::Firing,
        };
        let ends_at = report.ends_at.unwrap_or(good_until).max(starts_at);
        Self {
            fingerprint: report.labels.fingerprint(),
            labels: report.labels.clone(),
            annotations: report.annotations.clone(),
            starts_at,
            ends_at,
            state,
            told_at: report.received_at,
        }
    }

    /// The order in which what is told replaces what is known. Firing and lost are of one rank: the later told of
    /// them counts.
    fn rank(&self) -> (Timestamp, bool, Timestamp) {
        let is_over = self.state == AlertState::Resolved;
        (self.starts_at, is_over, if is_over { self.ends_at } else { self.told_at })
    }
}

#[cfg(test)]
mod tests;
