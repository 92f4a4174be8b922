//! What the same days of last year did: for each product and each market, how far demand was away from what
//! its level and its other effects explain, in the week around the day 52 weeks before.

use serde::{Deserialize, Serialize};

const YEAR_DAYS: i32 = 364;
/// Days before and after that count too.
const AROUND: i32 = 3;
/// So many days without any deviation stand beside the real ones.
const ORDINARY_DAYS: f64 = 6.0;

/// Deviations by day of one product or one market.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Deviations {
    first_day: i32,
    /// Sum and weight of each day from the first on.
    days: Vec<(f32, f32)>,
}

impl Deviations {
    /// Notes by how much of what was expected a day deviated.
    pub(crate) fn note(&mut self, day_number: i32, deviation: f64, weight: f64) {
        if self.days.is_empty() {
            self.first_day = day_number;
        }
        let Ok(place) = usize::try_from(day_number - self.first_day) else { return };
        if place >= self.days.len() {
            self.days.resize(place + 1, (0.0, 0.0));
        }
        self.days[place].0 += (deviation * weight) as f32;
        self.days[place].1 += weight as f32;
    }

    /// The mean deviation around the day a year before; 0 when nothing is known of it.
    pub(crate) fn a_year_before(&self, day_number: i32) -> f64 {
        let middle = day_number - YEAR_DAYS - self.first_day;
        let (mut sum, mut weight) = (0.0, 0.0);
        for place in middle - AROUND..=middle + AROUND {
            let known = usize::try_from(place).ok().and_then(|place| self.days.get(place));
            let (day_sum, day_weight) = known.copied().unwrap_or_default();
            let nearness = 1.0 - f64::from((place - middle).abs()) / f64::from(2 * AROUND);
            sum += nearness * f64::from(day_sum);
            weight += nearness * f64::from(day_weight);
        }
        sum / (weight + ORDINARY_DAYS)
    }
}
