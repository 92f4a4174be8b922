//! Who is on call: layers of rotations in one time zone, later layers above earlier ones, overrides above all.
//! What a schedule says of an instant depends on nothing but the instant.

mod layer;
mod restriction;
mod rotation;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use layer::Layer;
pub use restriction::Restriction;
pub use rotation::{FixedShift, Rotation, Turn};

/// Who is on call when, before overrides.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// What policies call it by.
    pub name: String,
    /// In which zone its local times are meant.
    pub zone: TimeZone,
    /// From the lowest to the highest; where a higher one has somebody, that is who is on call.
    pub layers: Vec<Layer>,
}

/// Somebody takes over for a while.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Override {
    /// What it is known by.
    pub id: String,
    /// Who takes over; `None` leaves the time open on purpose.
    pub contact: Option<String>,
    /// Only what this one would have had, if told.
    pub instead_of: Option<String>,
    /// From when.
    pub starts_at: Timestamp,
    /// Until before when.
    pub ends_at: Timestamp,
}

/// Why somebody is on call.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnCallBy {
    /// It is their turn in a layer, named.
    Layer(String),
    /// By an override, its id.
    Override(String),
}

/// Somebody is on call.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OnCall {
    /// The contact's name.
    pub contact: String,
    /// Why.
    pub by: OnCallBy,
}

/// A stretch of time in which nothing about who is on call changes. It is never empty.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Shift {
    /// From when.
    pub starts_at: Timestamp,
    /// Until before when.
    pub ends_at: Timestamp,
    /// Who; `None` is a gap.
    pub on_call: Option<OnCall>,
}

impl Schedule {
    /// Who is on call at an instant. Of several overrides the last one in the list counts.
    pub fn on_call(&self, at: Timestamp, overrides: &[Override]) -> Option<OnCall> {
        let mut on_call = self.layers.iter().rev().find_map(|layer| {
            let contact = layer.on_call(&self.zone, at)?.to_owned();
            Some(OnCall { contact, by: OnCallBy::Layer(layer.name.clone()) })
        });
        for told in overrides.iter().filter(|told| told.starts_at <= at && at < told.ends_at) {
            let meant = on_call.as_ref().map(|on_call| on_call.contact.as_str());
            if told.instead_of.is_none() || told.instead_of.as_deref() == meant {
                let by = OnCallBy::Override(told.id.clone());
                on_call = told.contact.clone().map(|contact| OnCall { contact, by });
            }
        }
        on_call
    }

    /// Who is on call from one instant until before another, gaps included: shifts follow each other without a hole
    /// and without overlap.
    pub fn shifts(&self, from: Timestamp, until: Timestamp, overrides: &[Override]) -> Vec<Shift> {
        let mut changes = vec![from];
        for layer in &self.layers {
            changes.extend(layer.changes(&self.zone, from, until));
        }
        changes.extend(overrides.iter().flat_map(|told| [told.starts_at, told.ends_at]));
        changes.retain(|&at| from <= at && at < until);
        changes.sort_unstable();
        changes.dedup();
        let ends = changes.iter().skip(1).copied().chain([until]);
        let mut shifts: Vec<Shift> = Vec::new();
        for (&starts_at, ends_at) in changes.iter().zip(ends) {
            let on_call = self.on_call(starts_at, overrides);
            match shifts.last_mut().filter(|last| last.on_call == on_call) {
                Some(last) => last.ends_at = ends_at,
                None if starts_at < ends_at => shifts.push(Shift { starts_at, ends_at, on_call }),
                None => {}
            }
        }
        shifts
    }

    /// When nobody is on call. Asked for the coming seven days it is the warning of a hole while there is time.
    pub fn gaps(&self, from: Timestamp, until: Timestamp, overrides: &[Override]) -> Vec<Shift> {
        let mut shifts = self.shifts(from, until, overrides);
        shifts.retain(|shift| shift.on_call.is_none());
        shifts
    }

    /// Every contact that a layer names, each once.
    pub fn contacts(&self) -> Vec<&str> {
        let mut contacts: Vec<&str> =
            self.layers.iter().flat_map(|layer| layer.rotation.contacts()).collect();
        contacts.sort_unstable();
        contacts.dedup();
        contacts
    }
}

#[cfg(test)]
mod tests;
