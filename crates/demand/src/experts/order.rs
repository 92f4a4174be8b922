//! Experts that know a whole distribution from past days alone: order statistics of all of them, of the
//! last twelve, and with weights that halve every four, eight and sixteen days. The k-th of n values stands
//! at (k - 1/4) / (n + 1/2), so that a quantile of few days is not too sure of itself (Hyndman and Fan, 1996).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How many there are.
pub(crate) const ORDERS: usize = 5;
/// Days remembered.
const REMEMBERED: usize = 104;
/// Room at both ends for days not seen yet, in days: 1 held too often on validated market days.
const ROOM: f64 = 0.5;

/// The last ordinary days of one product at one market.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct OrderExperts {
    /// Newest last: demand without the day's effects, and how far it is known.
    days: VecDeque<(f64, f64)>,
}

/// Quantile functions of the experts at one moment.
pub(crate) struct OrderQuantiles {
    /// Ascending.
    values: Vec<f64>,
    /// By expert: the level at which each value stands.
    levels: [Vec<f64>; ORDERS],
}

impl OrderExperts {
    /// Learns from a day that was.
    pub(crate) fn learn(&mut self, ordinary: f64, certainty: f64) {
        if self.days.len() == REMEMBERED {
            self.days.pop_front();
        }
        self.days.push_back((ordinary, certainty));
    }

    /// `None` without days.
    pub(crate) fn quantiles(&self) -> Option<OrderQuantiles> {
        if self.days.is_empty() {
            return None;
        }
        let mut order: Vec<usize> = (0..self.days.len()).collect();
        order.sort_unstable_by(|&a, &b| self.days[a].0.total_cmp(&self.days[b].0));
        let levels = std::array::from_fn(|expert| self.levels_of(expert, &order));
        Some(OrderQuantiles { values: order.iter().map(|&day| self.days[day].0).collect(), levels })
    }

    fn levels_of(&self, expert: usize, order: &[usize]) -> Vec<f64> {
        // The newest day counts in full; how much of that is left a day earlier.
        let kept: f64 = [1.0, 1.0, 0.840_896_415, 0.917_004_043, 0.957_603_281][expert];
        let mut by_age = vec![1.0; self.days.len()];
        for age in 1..by_age.len() {
            by_age[age] = if expert == 1 && age >= 12 { 0.0 } else { by_age[age - 1] * kept };
        }
        let weight = |day: usize| by_age[self.days.len() - 1 - day] * self.days[day].1;
        let weights: Vec<f64> = order.iter().map(|&day| weight(day)).collect();
        let total: f64 = weights.iter().sum();
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        let room = ROOM * squares / total.max(f64::MIN_POSITIVE);
        let mut below = 0.0;
        let level = |weight: &f64| {
            // The middle of a value's share of the levels, the whole stretched to leave room at both ends.
            let place = below + (weight + room) / 2.0;
            below += weight;
            place / (total + room)
        };
        weights.iter().map(level).collect()
    }
}

impl OrderQuantiles {
    /// What one expert says the demand of an ordinary day stays below with probability `level`.
    pub(crate) fn at(&self, expert: usize, level: f64) -> f64 {
        let levels = &self.levels[expert];
        let above = levels.partition_point(|&known| known < level);
        if above == 0 || above == levels.len() {
            return self.values[above.min(levels.len() - 1)];
        }
        let step = levels[above] - levels[above - 1];
        let share = if step > 0.0 { (level - levels[above - 1]) / step } else { 1.0 };
        self.values[above - 1] + share * (self.values[above] - self.values[above - 1])
    }
}
