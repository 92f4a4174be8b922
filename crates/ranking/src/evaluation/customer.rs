//! One customer's list against the products the customer went on to want.

use std::{collections::HashSet, hash::Hash};

use super::Metric;

/// What one list was worth to one customer; every value is between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CustomerScores {
    /// Hits over wanted products, however many were wanted.
    pub recall: f64,
    /// Normalised discounted cumulative gain with gain 1 for a hit and discount `1 / log2(place + 1)`;
    /// the ideal list holds min(length, wanted products) hits (Järvelin and Kekäläinen, 2002).
    pub ndcg: f64,
    /// Hits over the asked length: a list that is too short is not better for it.
    pub precision: f64,
    /// 1 with at least one hit, otherwise 0.
    pub hit: f64,
    /// Hits among the wanted products that the customer had bought before, over those products;
    /// `None` when none of the wanted products was bought before.
    pub repeat_recall: Option<f64>,
    /// The same for the products that were new to the customer.
    pub explore_recall: Option<f64>,
}

impl CustomerScores {
    /// The value of a metric, where the customer has one.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Recall => Some(self.recall),
            Metric::Ndcg => Some(self.ndcg),
            Metric::Precision => Some(self.precision),
            Metric::HitRate => Some(self.hit),
            Metric::RepeatRecall => self.repeat_recall,
            Metric::ExploreRecall => self.explore_recall,
        }
    }
}

/// Scores the first `length` products of a list. A product that stands twice counts once, at its first
/// place. `bought_before` only tells repeated from new products. `None` when nothing was wanted.
pub fn score_list<P: Eq + Hash>(
    list: &[P],
    wanted: &HashSet<P>,
    bought_before: &HashSet<P>,
    length: usize,
) -> Option<CustomerScores> {
    if wanted.is_empty() || length == 0 {
        return None;
    }
    let mut seen = HashSet::new();
    let (mut gain, mut repeat_hits, mut explore_hits) = (0.0, 0_usize, 0_usize);
    for (place, product) in list.iter().take(length).enumerate() {
        if !wanted.contains(product) || !seen.insert(product) {
            continue;
        }
        gain += discount(place);
        if bought_before.contains(product) {
            repeat_hits += 1;
        } else {
            explore_hits += 1;
        }
    }
    let hits = repeat_hits + explore_hits;
    let repeat_wanted = wanted.iter().filter(|product| bought_before.contains(*product)).count();
    let ideal: f64 = (0..wanted.len().min(length)).map(discount).sum();
    Some(CustomerScores {
        recall: hits as f64 / wanted.len() as f64,
        ndcg: gain / ideal,
        precision: hits as f64 / length as f64,
        hit: f64::from(u8::from(hits > 0)),
        repeat_recall: share(repeat_hits, repeat_wanted),
        explore_recall: share(explore_hits, wanted.len() - repeat_wanted),
    })
}

/// What a hit counts at a place, counted from 0.
fn discount(place: usize) -> f64 {
    1.0 / (place as f64 + 2.0).log2()
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
