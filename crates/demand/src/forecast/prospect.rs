//! What is to be expected of one day before anything is mixed: its numbers, its effects, each expert's
//! level, and from them each family of distributions.

use jiff::civil::Date;

use crate::boosted::Opinion;
use crate::day_effects::DayEffect;
use crate::day_effects::features::{DayVector, LAST_YEAR};
use crate::experts::level::LEVELS;
use crate::experts::order::{ORDERS, OrderQuantiles};
use crate::experts::spread::Spread;

/// Distributions that are mixed: that of the pooled errors around the mixed level, and the order experts'.
pub(super) const FAMILIES: usize = 1 + ORDERS;
/// How far each is trusted before anything is known.
pub(super) const FAMILY_PRIOR: [f64; FAMILIES] = [0.5, 0.1, 0.1, 0.1, 0.1, 0.1];
/// Quantiles of a mixture hold more often than those of its parts, which err apart: by so much the pooled errors are
/// taken narrower beside other families. Chosen on market days of April 2017 to August 2018, where P90 held on .90.
const MIXED: f64 = 0.95;

/// One day of one series, looked at from the days before.
#[derive(Clone, Debug)]
pub(super) struct Prospect {
    pub(super) series: usize,
    pub(super) day: DayVector,
    pub(super) effect: DayEffect,
    pub(super) levels: [f64; LEVELS],
    /// The mixed level of an ordinary day.
    pub(super) level: f64,
    /// The level that effects are learnt against.
    pub(super) base: f64,
    /// The standard deviation of the day over its level.
    pub(super) size: f64,
    pub(super) weekday: usize,
    /// Days of the series that were known.
    pub(super) days: u32,
    pub(super) date: Date,
}

impl Prospect {
    /// The quantile at `level` that one family says, in demand of the day.
    pub(super) fn quantile_of(
        &self,
        family: usize,
        level: f64,
        spread: &Spread,
        order: Option<&OrderQuantiles>,
    ) -> f64 {
        let ordinary = match order {
            Some(order) if family > 0 => order.at(family - 1, level),
            Some(_) => self.level * (1.0 + MIXED * self.size * spread.shape_at(level)),
            None => self.level * (1.0 + self.size * spread.shape_at(level)),
        };
        ordinary.max(0.0) * self.effect.factor()
    }

    /// The quantile at `level` that the boosted expert says, in demand of the day.
    pub(super) fn quantile_by(&self, opinion: &Opinion<'_>, level: f64, spread: &Spread) -> f64 {
        let size = self.size * opinion.narrower;
        let ordinary =
            self.level * opinion.ratio * (1.0 + size * spread.shape_at(opinion.honest.honest(level)));
        ordinary.max(0.0) * self.effect.factor()
    }

    /// What the day is multiplied by, were last year not known.
    pub(super) fn factor_without_last_year(&self) -> f64 {
        let of_last_year: f64 = self.effect.parts[LAST_YEAR..].iter().sum();
        self.effect.factor() / of_last_year.exp()
    }
}

impl DayEffect {
    /// What an ordinary day's demand is multiplied by.
    pub(crate) fn factor(&self) -> f64 {
        (self.of_day + self.drift).exp()
    }
}
