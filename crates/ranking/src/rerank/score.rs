//! What moves scores before a list is arranged. Each movement keeps its name.

use std::f64::consts::LN_2;

use super::{Arrangement, Impression};
use crate::ProductRecord;

/// What was ignored again and again, a moment ago, loses so many spreads of the scores.
const DEEPEST_FADE: f64 = 3.0;

/// Ignored so many times, a product has faded half as deep as it can.
const HALF_FADED_TIMES: f64 = 3.0;

/// Not shown for so long, a product has half recovered: two shopping trips of a week.
const RECOVERY_HALF_LIFE_US: f64 = 3.5 * 86_400_000_000.0;

/// A product in the pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pooled {
    /// Its number in the catalogue.
    pub(crate) product: u32,
    /// The score of the ranking; [`Adjustments::apply`] adds the deltas.
    pub(crate) score: f64,
    /// 0 to 1.
    pub(crate) relevance: f64,
    /// The number of its category; `None` when it has none.
    pub(crate) category: Option<u32>,
    /// What was added to its score.
    pub(crate) deltas: Deltas,
}

/// Something that moved a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delta {
    /// "boost", "promotion", "rotation" or "nutrition".
    pub name: &'static str,
    /// What it added to the score.
    pub value: f64,
}

/// What moved a score, by what moved it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Deltas {
    pub(crate) boost: f64,
    pub(crate) promotion: f64,
    pub(crate) rotation: f64,
    pub(crate) nutrition: f64,
}

impl Deltas {
    pub(crate) fn sum(&self) -> f64 {
        self.boost + self.promotion + self.rotation + self.nutrition
    }

    /// Those that moved it at all.
    pub(crate) fn named(&self) -> impl Iterator<Item = Delta> {
        let all = [
            ("boost", self.boost),
            ("promotion", self.promotion),
            ("rotation", self.rotation),
            ("nutrition", self.nutrition),
        ];
        all.into_iter().filter(|&(_, value)| value != 0.0).map(|(name, value)| Delta { name, value })
    }
}

/// How far the scores of a pool lie apart: their standard deviation, or 1 when they are all the same.
pub(crate) fn spread_of(scores: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = scores.clone().count();
    if count == 0 {
        return 1.0;
    }
    let mean = scores.clone().sum::<f64>() / count as f64;
    let variance = scores.map(|score| (score - mean).powi(2)).sum::<f64>() / count as f64;
    let spread = variance.sqrt();
    if spread.is_finite() && spread > f64::EPSILON * mean.abs() { spread } else { 1.0 }
}

/// What an arrangement adds to scores, for one customer at one moment.
pub(crate) struct Adjustments<'a> {
    arrangement: &'a Arrangement,
    spread: f64,
    now_us: i64,
}

impl<'a> Adjustments<'a> {
    pub(crate) fn new(arrangement: &'a Arrangement, spread: f64, now_us: i64) -> Self {
        Self { arrangement, spread, now_us }
    }

    /// Moves the score of a product that was shown so often.
    pub(crate) fn apply(&self, pooled: &mut Pooled, record: &ProductRecord, shown: Option<&Impression>) {
        let boosts = self.arrangement.boosts.iter().filter(|boost| boost.expression.matches(record));
        let promoted = self.arrangement.promoted.as_ref();
        let is_promoted = self.arrangement.promotion_strength > 0.0
            && promoted.is_some_and(|promoted| promoted.includes(record));
        pooled.deltas = Deltas {
            boost: boosts.map(|boost| boost.strength).sum::<f64>() * self.spread,
            promotion: if is_promoted { self.arrangement.promotion_strength * self.spread } else { 0.0 },
            rotation: -shown.map_or(0.0, |shown| self.fade(shown)),
            nutrition: self
                .arrangement
                .fit
                .as_ref()
                .map_or(0.0, |fit| self.strength_of_fit() * fit.of(record)),
        };
        pooled.score += pooled.deltas.sum();
    }

    fn strength_of_fit(&self) -> f64 {
        self.arrangement.fit_strength.max(0.0) * self.spread
    }

    /// Deeper the oftener it was ignored, shallower the longer ago.
    fn fade(&self, shown: &Impression) -> f64 {
        let depth = 1.0 - (-LN_2 * f64::from(shown.times) / HALF_FADED_TIMES).exp();
        let age_us = self.now_us.saturating_sub(shown.last_shown_us).max(0) as f64;
        let left = (-LN_2 * age_us / RECOVERY_HALF_LIFE_US).exp();
        self.arrangement.rotation * DEEPEST_FADE * self.spread * depth * left
    }
}
