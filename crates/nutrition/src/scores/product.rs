//! The score of a product for a goal, 0 to 100. Each term counts as far as it is known: the
//! score is the mean over what is known, the range is what the unknown could make of it. One
//! product is explained; many are scored from columns that are measured once for all goals.

#[cfg(test)]
mod tests;

use super::model::{Measure, ScoreModel};
use super::{DailyValues, Range, ScoreInput};

/// The score of one product, explained.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ProductScore {
    /// 0 to 100 over what is known; `None` where nothing is.
    pub score: Option<f64>,
    /// The least it could be, were everything known,
    pub low: f64,
    /// and the most.
    pub high: f64,
    /// The share of the weight that is known, 0 to 1.
    pub confidence: f64,
    /// What each term adds; they add up to the score.
    pub contributions: Vec<Contribution>,
    /// What would improve it most, the largest gain first.
    pub improvements: Vec<String>,
}

/// What one term adds to a score.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Contribution {
    /// What is measured.
    pub measure: Measure,
    /// Between which values it lies; `None` is not known at all.
    pub value: Option<Range>,
    /// What it adds.
    pub points: f64,
    /// What it would add at its best.
    pub most_points: f64,
}

/// The score of one of many products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// 0 to 100 over what is known; not a number where nothing is.
    pub score: f32,
    /// The share of the weight that is known, 0 to 1.
    pub confidence: f32,
}

impl ScoreModel {
    /// Scores one product and explains it.
    #[must_use]
    pub fn score(&self, input: &ScoreInput<'_>, daily_values: &DailyValues) -> ProductScore {
        let terms: Vec<_> = self
            .shares()
            .map(|term| {
                let value = term.measure.of(input, daily_values);
                (term, value, term.worth_of(value))
            })
            .collect();
        let confidence: f64 = terms.iter().map(|(term, _, worth)| term.weight * known(*worth)).sum();
        let low = 100.0 * terms.iter().map(|(term, _, worth)| term.weight * worth.low).sum::<f64>();
        let high = 100.0 * terms.iter().map(|(term, _, worth)| term.weight * worth.high).sum::<f64>();
        let is_known = confidence > 1e-9;
        let contributions: Vec<Contribution> = terms
            .iter()
            .map(|(term, value, worth)| {
                let most = if is_known { 100.0 * term.weight * known(*worth) / confidence } else { 0.0 };
                let points = most * f64::midpoint(worth.low, worth.high);
                Contribution { measure: term.measure, value: *value, points, most_points: most }
            })
            .collect();
        let score = is_known.then(|| contributions.iter().map(|one| one.points).sum());
        let improvements = self.improvements(&contributions);
        ProductScore { score, low, high, confidence, contributions, improvements }
    }

    /// The three largest gains in words.
    fn improvements(&self, contributions: &[Contribution]) -> Vec<String> {
        let mut gains: Vec<(f64, String)> = contributions
            .iter()
            .zip(&self.terms)
            .filter_map(|(one, term)| {
                let gain = one.most_points - one.points;
                let side = if term.best > term.worst { "more" } else { "less" };
                (gain >= 1.0)
                    .then(|| (gain, format!("{side} {}: up to {gain:.0} points", one.measure.word())))
            })
            .collect();
        gains.sort_by(|one, two| two.0.total_cmp(&one.0));
        gains.into_iter().take(3).map(|(_, text)| text).collect()
    }
}

/// How much of a term is known: a range that could be worth anything tells nothing.
fn known(worth: Range) -> f64 {
    1.0 - (worth.high - worth.low)
}

/// Every measure of many products, column by column: measured once, scored for every goal.
#[derive(Clone, Debug, Default)]
pub struct ScoreColumns {
    products: usize,
    /// For each measure the lower ends and the upper ends; infinite where nothing bounds them.
    columns: Vec<(Vec<f32>, Vec<f32>)>,
}

impl ScoreColumns {
    /// Measures products; the scores come in their order.
    #[must_use]
    pub fn of<'product>(
        products: impl Iterator<Item = ScoreInput<'product>>,
        daily_values: &DailyValues,
    ) -> Self {
        let mut columns = vec![(Vec::new(), Vec::new()); Measure::ALL.len()];
        let mut count = 0;
        for input in products {
            count += 1;
            for (measure, (lows, highs)) in Measure::ALL.into_iter().zip(&mut columns) {
                let unbounded = Range { low: f64::NEG_INFINITY, high: f64::INFINITY };
                let range = measure.of(&input, daily_values).unwrap_or(unbounded);
                lows.push(range.low as f32);
                highs.push(range.high as f32);
            }
        }
        Self { products: count, columns }
    }

    /// How many products there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.products
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.products == 0
    }

    /// Scores every product by `model`.
    #[must_use]
    pub fn score(&self, model: &ScoreModel) -> Vec<Scored> {
        let mut points = vec![0.0_f32; self.products];
        let mut confidence = vec![0.0_f32; self.products];
        for term in model.shares() {
            let (lows, highs) = &self.columns[term.measure as usize];
            let (slope, weight) = (1.0 / (term.best - term.worst), term.weight as f32);
            let (slope, offset) = (slope as f32, (-term.worst * slope) as f32);
            let ends = lows.iter().zip(highs);
            for ((low, high), (points, confidence)) in ends.zip(points.iter_mut().zip(confidence.iter_mut()))
            {
                // An infinite end is worth nothing or everything, like any other end.
                let one = (low * slope + offset).clamp(0.0, 1.0);
                let two = (high * slope + offset).clamp(0.0, 1.0);
                let known = weight * (1.0 - (one - two).abs());
                *points += known * 0.5 * (one + two);
                *confidence += known;
            }
        }
        let scored = points.into_iter().zip(confidence).map(|(points, confidence)| {
            let score = if confidence > 1e-6 { 100.0 * points / confidence } else { f32::NAN };
            Scored { score, confidence }
        });
        scored.collect()
    }
}
