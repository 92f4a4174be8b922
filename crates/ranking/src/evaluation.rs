//! How good lists of recommendations are, measured on what customers did afterwards.
//!
//! Always by full ranking: a list is what the method puts first among **all** products it may show,
//! never among a wanted product and a sample of others, which can turn an ordering round (Krichene
//! and Rendle, "On sampled metrics for item recommendation", KDD 2020). Values are kept customer by
//! customer, so that two methods are compared on the same customers.

mod bootstrap;
mod customer;
mod lists;
#[cfg(test)]
mod tests;

pub use bootstrap::{Bootstrap, Comparison, Estimate, Interval, RESAMPLES, compare, estimate};
pub use customer::{CustomerScores, score_list};
pub use lists::{coverage, intra_list_similarity, novelty_bits};

/// What is measured for each customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// See [`CustomerScores::recall`].
    Recall,
    /// See [`CustomerScores::ndcg`].
    Ndcg,
    /// See [`CustomerScores::precision`].
    Precision,
    /// See [`CustomerScores::hit`]; its mean is the personal hit ratio (PHR) of next-basket papers.
    HitRate,
    /// See [`CustomerScores::repeat_recall`].
    RepeatRecall,
    /// See [`CustomerScores::explore_recall`].
    ExploreRecall,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 6] =
        [Self::Recall, Self::Ndcg, Self::Precision, Self::HitRate, Self::RepeatRecall, Self::ExploreRecall];

    /// The name in tables and model cards.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recall => "recall",
            Self::Ndcg => "ndcg",
            Self::Precision => "precision",
            Self::HitRate => "hit_rate",
            Self::RepeatRecall => "repeat_recall",
            Self::ExploreRecall => "explore_recall",
        }
    }
}

/// The scores of one method, a customer after the other.
///
/// Add the same customers in the same order for every method that is to be compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    scores: Vec<CustomerScores>,
}

impl Evaluation {
    /// Adds the next customer; customers who wanted nothing have no scores and are left out
    /// for every method alike.
    pub fn add(&mut self, scores: Option<CustomerScores>) {
        self.scores.extend(scores);
    }

    /// The customers that count.
    pub fn customers(&self) -> &[CustomerScores] {
        &self.scores
    }

    /// The metric's value for each customer that has one. Which customers have one does not depend
    /// on the method: so the values of two methods are pairs, ready for [`compare`].
    pub fn values(&self, metric: Metric) -> Vec<f64> {
        self.scores.iter().filter_map(|scores| scores.value(metric)).collect()
    }

    /// The mean over customers with its 95 % interval.
    pub fn estimate(&self, metric: Metric, seed: u64) -> Estimate {
        estimate(&self.values(metric), seed)
    }
}

impl FromIterator<Option<CustomerScores>> for Evaluation {
    fn from_iter<I: IntoIterator<Item = Option<CustomerScores>>>(scores: I) -> Self {
        Self { scores: scores.into_iter().flatten().collect() }
    }
}
