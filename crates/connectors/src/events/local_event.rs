//! One event near a market, whoever told of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Place;

/// Who told of an event. What a vendor typed in counts most, a calendar least: in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EventSource {
    /// The vendor.
    Manual,
    /// PredictHQ.
    PredictHq,
    /// Ticketmaster.
    Ticketmaster,
    /// A calendar that somebody publishes.
    Calendar,
}

impl EventSource {
    /// The name in answers and keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::PredictHq => "predict_hq",
            Self::Ticketmaster => "ticketmaster",
            Self::Calendar => "calendar",
        }
    }
}

/// How many come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attendance {
    /// People.
    pub people: f64,
    /// Whether it was guessed from the kind of event and of venue.
    pub is_guess: bool,
}

/// Something that draws people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LocalEvent {
    /// Source and its id for the event.
    pub id: String,
    /// Who told of it; the one whose word is taken first.
    pub sources: Vec<EventSource>,
    /// Its name.
    pub title: String,
    /// What it is, in the source's words.
    pub category: Option<String>,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends, if told.
    pub ends_at: Option<Timestamp>,
    /// Where, in words.
    pub venue: Option<String>,
    /// Where, if told.
    pub place: Option<Place>,
    /// How far from the market, km.
    pub distance_km: Option<f64>,
    /// How many come, if anybody can tell.
    pub attendance: Option<Attendance>,
}

impl LocalEvent {
    /// Whether it takes place between two instants, the second excluded.
    pub(super) fn is_on(&self, from: Timestamp, to: Timestamp) -> bool {
        self.starts_at < to
            && self
                .ends_at
                .filter(|end| *end > self.starts_at)
                .map_or(self.starts_at >= from, |end| end > from)
    }
}
