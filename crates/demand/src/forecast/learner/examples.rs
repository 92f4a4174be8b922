//! Which days the boosted expert learns from, and how a day looks to it.

use super::{Learner, Prospect};
use crate::boosted::example::{Example, Numbers, Told};
use crate::boosted::{Boosted, Opinion};
use crate::day_effects::Place;
use crate::day_effects::features::WEEKDAY;
use crate::forecast::observations::{Observation, day_number};

/// A model that learns day by day grows its trees anew after so many.
const GROWN_EVERY_DAYS: i32 = 28;
/// Days of a series before it teaches the boosted expert.
const FIRST_EXAMPLE: u32 = 20;
/// Ratios over smaller levels than this say nothing.
const LEAST_OF_EXAMPLE: f64 = 0.5;

impl Learner {
    /// Whether the day becomes an example, once it is known.
    pub(super) fn is_drawn(&self, prospect: &Prospect) -> bool {
        prospect.days >= FIRST_EXAMPLE
            && drawn(prospect.series, day_number(prospect.date)) < self.examples_kept
    }

    /// The day as the boosted expert sees it.
    pub(super) fn numbers(&self, prospect: &Prospect) -> Numbers {
        let state = &self.series[prospect.series];
        let Place { product, market, .. } = state.place;
        let otherwise = prospect.level * prospect.effect.parts[WEEKDAY + prospect.weekday].exp();
        Told {
            date: prospect.date,
            weekday: prospect.weekday,
            day: &prospect.day,
            effect: &prospect.effect,
            levels: &prospect.levels,
            level: prospect.level,
            size: prospect.size,
            market_index: self.markets[market].index,
            same_weekdays: state.levels.last_same(prospect.weekday, otherwise),
            a_year_before: state.deviations.a_year_before(day_number(prospect.date)),
            usual: [self.usual_sales[0][product], self.usual_sales[1][market]],
            days: state.levels.days,
            wildness: state.wildness.factor(),
        }
        .numbers()
    }

    /// Grows the boosted expert when it is time.
    pub(super) fn grow_again(&mut self) {
        let Some(last_day) = self.last_day else { return };
        let is_due = self.grown_on.is_none_or(|grown_on| last_day - grown_on >= GROWN_EVERY_DAYS);
        if is_due && self.has_all_examples {
            self.boosted = Boosted::fit(&self.examples, &self.spread);
            self.grown_on = Some(last_day);
        }
    }

    /// The last day that was learnt.
    pub(in crate::forecast) fn last_day(&self) -> Option<i32> {
        self.last_day
    }

    /// What the boosted expert says of a day, where it was worth growing.
    pub(in crate::forecast) fn boosted(&self, prospect: &Prospect) -> Option<Opinion<'_>> {
        self.boosted.as_ref().map(|boosted| boosted.opinion(&self.numbers(prospect)))
    }
}

/// A day that was, for the boosted expert; what sells more counts more.
pub(super) fn example(numbers: &Numbers, prospect: &Prospect, day: &Observation<'_>) -> Option<Example> {
    if prospect.level < LEAST_OF_EXAMPLE {
        return None;
    }
    let expected = prospect.level * prospect.effect.factor();
    Some(Example {
        day_number: day.day_number,
        numbers: *numbers,
        ratio: (day.demand / expected).clamp(0.0, 5.0) as f32,
        weight: (day.certainty * expected) as f32,
        size: prospect.size as f32,
    })
}

/// A number from 0 to 1 that is always the same for a day of a series, and like chance over all.
fn drawn(series: usize, day_number: i32) -> f64 {
    let mut mixed = (series as u64) << 32 | u64::from(day_number.unsigned_abs());
    for _ in 0..2 {
        mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}
