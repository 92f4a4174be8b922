//! What a food is worth: Nutri-Score, NRF9.3 and a score for a goal. Unknown nutrients are
//! unknown and never zero: a score tells how much of it is known and between which values it
//! lies, and what would improve it.

mod daily_values;
mod model;
mod nrf;
mod nutri_score;
mod plausibility;
mod product;

pub use daily_values::{DailyValue, DailyValues};
pub use model::{Measure, ScoreModel, ScoreTerm};
pub use nrf::{NrfScore, NrfTerm, nrf9_3};
pub use nutri_score::{
    Component, ComponentPoints, Improvement, Letter, NutriScore, NutriScoreCategory, NutriScoreInput,
    nutri_score, nutri_score_category,
};
pub use plausibility::{Doubt, DoubtKind, doubts_of};
pub use product::{Contribution, ProductScore, ScoreColumns, Scored};

use crate::Nutrients;

/// What is known of a product that is scored.
#[derive(Clone, Copy, Debug)]
pub struct ScoreInput<'product> {
    /// What 100 g hold; of a drink 100 ml.
    pub per_100g: &'product Nutrients,
    /// Which table of Nutri-Score applies; [`nutri_score_category`] tells it from a name.
    pub category: NutriScoreCategory,
    /// Fruit, vegetables and legumes in percent of the mass, where it is known.
    pub fruit_percent: Option<f64>,
    /// Whether a drink holds sweeteners that do not nourish, where it is known.
    pub has_sweetener: Option<bool>,
}

/// A number that lies between two; equal where it is known.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Range {
    /// Not less than this.
    pub low: f64,
    /// Not more than this.
    pub high: f64,
}

impl Range {
    pub(crate) fn exactly(value: f64) -> Self {
        Self { low: value, high: value }
    }

    /// The number, where it is known.
    #[must_use]
    pub fn exact(&self) -> Option<f64> {
        (self.low >= self.high).then_some(self.low)
    }
}

/// An amount as it was written: 3.4 kept as `f32` is 3.4 again, so that it does not exceed a
/// threshold it equals. Negative amounts are no amounts.
pub(crate) fn as_written(amount: f32) -> Option<f64> {
    let written = (f64::from(amount) * 1e6).round() / 1e6;
    (written.is_finite() && written >= 0.0).then_some(written)
}
