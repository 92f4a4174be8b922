//! One layer of a schedule: a rotation, within the hours in which it counts.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::restriction::Restriction;
use super::rotation::Rotation;
use crate::local_time::first_instant;

/// One layer of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What it is called.
    pub name: String,
    /// Whose turn it is.
    pub rotation: Rotation,
    /// Hours in which it counts; none mean always.
    pub restrictions: Vec<Restriction>,
    /// When it counts no longer.
    pub ends_at: Option<DateTime>,
}

impl Layer {
    /// Who is on call by this layer alone.
    pub(super) fn on_call(&self, zone: &TimeZone, at: Timestamp) -> Option<&str> {
        let over = self.ends_at.is_some_and(|ends_at| first_instant(zone, ends_at) <= at);
        let asleep = !self.restrictions.is_empty()
            && !self.restrictions.iter().any(|restriction| restriction.contains(zone, at));
        if over || asleep { None } else { self.rotation.on_call(zone, at) }
    }

    /// The instants at which its answer may change.
    pub(super) fn changes(&self, zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        let mut changes = self.rotation.changes(zone, from, until);
        changes.extend(self.ends_at.map(|ends_at| first_instant(zone, ends_at)));
        for restriction in &self.restrictions {
            let windows = restriction.windows(zone, from, until);
            changes.extend(windows.into_iter().flat_map(|(starts_at, ends_at)| [starts_at, ends_at]));
        }
        changes
    }
}
