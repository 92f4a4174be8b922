//! A product that comes back after a long silence, or is sold for the first time after days on which it was
//! only written down, is a new one: what was known of its level holds no more.

use super::{FAMILIES, LEVELS, OWN_KEPT, SeriesState};
use crate::experts::absence::Absence;
use crate::experts::level::LevelExperts;
use crate::experts::order::OrderExperts;
use crate::experts::spread::Wildness;
use crate::experts::trust::Trust;
use crate::forecast::observations::Observation;

/// After so many days without demand, and a level below this share of the new demand, a series begins anew.
const LONG_SILENCE_DAYS: u32 = 28;
const FORGOTTEN_SHARE: f64 = 0.1;

impl SeriesState {
    /// Whether this day ends a silence too long for chance, after which nothing known of the level holds:
    /// the product is new, or its market has opened again. Counts the days of the silence.
    pub(super) fn comes_back(&mut self, demand: f64) -> bool {
        if demand <= 0.0 {
            self.silent_days += 1;
            return false;
        }
        let silent_days = std::mem::take(&mut self.silent_days);
        silent_days >= LONG_SILENCE_DAYS && self.levels.slow() < demand * FORGOTTEN_SHARE
    }

    pub(super) fn begin_anew(&mut self, day: &Observation<'_>) {
        self.levels = LevelExperts::default();
        self.order = OrderExperts::default();
        self.wildness = Wildness::default();
        self.absence = Absence::default();
        self.level_trust = Trust::new(LEVELS, OWN_KEPT);
        self.family_trust = Trust::new(FAMILIES, OWN_KEPT);
        self.levels.learn(day.weekday, day.demand, day.demand, day.certainty);
        self.order.learn(day.demand, day.certainty);
    }
}
