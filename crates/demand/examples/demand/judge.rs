//! Judges all methods by the same code, and prints rows.

use std::collections::BTreeMap;

use larder_demand::accuracy::{
    Judged, UnitCosts, bias, coverage, interval_coverage, pinball, scaled_pinball, wape,
};
use larder_ranking::evaluation::{Comparison, compare, estimate};
use serde_json::{Value, json};

/// The levels every method answers.
pub(crate) const LEVELS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/// Quantiles at [`LEVELS`].
pub(crate) type Answer = [f64; 9];
/// Shares of the two costs that missing a unit has: the grid of margins.
const MARGINS: [f64; 6] = [0.3, 0.5, 0.6, 0.7, 0.8, 0.9];

/// A day to be forecast.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// Resampled as a whole, because its days and products share their luck.
    pub(crate) cluster: usize,
    /// What losses are divided by.
    pub(crate) scale: f64,
    pub(crate) actual: f64,
}

/// What one method reached.
pub(crate) struct Scores {
    pub(crate) pinball: f64,
    pub(crate) wape: f64,
    pub(crate) bias: f64,
    pub(crate) pinball_at_80: f64,
    pub(crate) p90: f64,
    pub(crate) middle_80: f64,
    pub(crate) cost: f64,
    /// Mean pinball and cost of each cluster.
    pub(crate) pinball_of: Vec<f64>,
    pub(crate) cost_of: Vec<f64>,
}

/// Scores a method's answers, one a question.
pub(crate) fn score(questions: &[Question], answers: &[Answer]) -> Scores {
    let at = |place: usize| -> Vec<Judged> {
        let judged = questions.iter().zip(answers);
        judged.map(|(question, answer)| Judged { actual: question.actual, forecast: answer[place] }).collect()
    };
    let triples: Vec<(f64, f64, f64)> = questions
        .iter()
        .zip(answers)
        .map(|(question, answer)| (answer[0], question.actual, answer[8]))
        .collect();
    let losses: Vec<f64> =
        questions.iter().zip(answers).map(|(question, answer)| loss(question, answer)).collect();
    let costs: Vec<f64> =
        questions.iter().zip(answers).map(|(question, answer)| cost(question, answer)).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    Scores {
        pinball: mean(&losses),
        wape: wape(&at(4)).unwrap_or(f64::NAN),
        bias: bias(&at(4)).unwrap_or(f64::NAN),
        pinball_at_80: scaled_pinball(0.8, &at(7)).unwrap_or(f64::NAN),
        p90: coverage(&at(8)).unwrap_or(f64::NAN),
        middle_80: interval_coverage(&triples).unwrap_or(f64::NAN),
        cost: mean(&costs),
        pinball_of: by_cluster(questions, &losses),
        cost_of: by_cluster(questions, &costs),
    }
}

/// The mean pinball at .5, .7 and .9 over the scale.
fn loss(question: &Question, answer: &Answer) -> f64 {
    let at = |(level, place): (f64, usize)| {
        pinball(level, Judged { actual: question.actual, forecast: answer[place] })
    };
    [(0.5, 4), (0.7, 6), (0.9, 8)].into_iter().map(at).sum::<f64>() / 3.0 / question.scale
}

/// The mean newsvendor cost over the margins, with whole units brought, over the scale.
fn cost(question: &Question, answer: &Answer) -> f64 {
    let of_margin = |missing: f64| {
        let costs = UnitCosts { missing, left_over: 1.0 - missing };
        let place =
            LEVELS.iter().position(|level| (level - missing).abs() < 1e-9).expect("margins are levels");
        costs.newsvendor_cost(answer[place].round(), question.actual)
    };
    MARGINS.into_iter().map(of_margin).sum::<f64>() / MARGINS.len() as f64 / question.scale
}

fn by_cluster(questions: &[Question], values: &[f64]) -> Vec<f64> {
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (question, value) in questions.iter().zip(values) {
        let sum = sums.entry(question.cluster).or_default();
        *sum = (sum.0 + value, sum.1 + 1.0);
    }
    sums.into_values().map(|(sum, count)| sum / count).collect()
}

/// One method beside another, by clusters.
pub(crate) fn beside(own: &[f64], peer: &[f64], seed: u64) -> Comparison {
    compare(own, peer, seed)
}

/// The 95 % interval of a mean over clusters.
pub(crate) fn interval(values: &[f64], seed: u64) -> [f64; 2] {
    let found = estimate(values, seed).interval;
    [found.lower, found.upper]
}

/// Prints a row for the report.
pub(crate) fn print(row: Value) {
    println!("{row}");
}

/// A row with a target that the middle of a range is aimed at: two rows, one for either bound.
pub(crate) fn print_range(id: &str, value: f64, range: (f64, f64)) {
    for (end, comparison, limit) in [("low", ">=", range.0), ("high", "<=", range.1)] {
        print(
            json!({"id": format!("{id}.{end}"), "value": value, "unit": "share", "target": format!("{comparison} {limit}")}),
        );
    }
}
