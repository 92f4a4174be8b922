//! The model card: what a model was made of and how good it was measured to be. It is kept with
//! the model as JSON, so fields may be added and none may change its meaning.

use std::collections::BTreeMap;

use larder_ranking::evaluation::{Comparison, Estimate};
use serde::{Deserialize, Serialize};

/// What a model was made of and how good it was measured to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ModelCard {
    /// Empty when nothing was written.
    pub(crate) model_version: String,
    /// The first and the last event that was looked at, in microseconds since 1970.
    pub(crate) data_from_us: i64,
    pub(crate) data_until_us: i64,
    /// Events before it were learnt from, those after it were to be foretold.
    pub(crate) split_at_us: i64,
    pub(crate) horizon_days: i32,
    pub(crate) list_length: i32,
    /// Customers with something to foretell.
    pub(crate) evaluated_customer_count: i64,
    pub(crate) methods: Vec<MethodCard>,
    pub(crate) ndcg_gain_over_promoted: Option<Measured>,
    /// All of it, evaluation included.
    pub(crate) training_seconds: f64,
    /// Of the process that trained; 0 when it was not one of its own.
    pub(crate) peak_memory_bytes: i64,
    /// What the model holds and how it was made, by name.
    pub(crate) parts: BTreeMap<String, String>,
}

/// How one way of recommending did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MethodCard {
    pub(crate) method: String,
    pub(crate) ndcg: Measured,
    pub(crate) recall: Measured,
    /// Absent when no customer wanted a product again.
    pub(crate) repeat_recall: Option<Measured>,
    /// Absent when no customer wanted a product that was new to them.
    pub(crate) explore_recall: Option<Measured>,
    pub(crate) coverage: f64,
    pub(crate) novelty_bits: f64,
}

/// A value and the interval that holds the true one 95 times out of 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl ModelCard {
    /// nDCG of the model itself.
    pub(crate) fn ndcg(&self) -> Option<f64> {
        self.methods.iter().find(|method| method.method == "model").map(|method| method.ndcg.value)
    }
}

impl Measured {
    /// The mean of `estimate`; `None` when there were no customers, so JSON never has to say NaN.
    pub(crate) fn mean(estimate: &Estimate) -> Option<Self> {
        let Estimate { mean, interval, customers } = *estimate;
        (customers > 0).then_some(Self { value: mean, low: interval.lower, high: interval.upper })
    }

    /// The difference of `comparison`, with the same care.
    pub(crate) fn difference(comparison: &Comparison) -> Option<Self> {
        let Comparison { difference, interval, customers, .. } = *comparison;
        (customers > 0).then_some(Self { value: difference, low: interval.lower, high: interval.upper })
    }
}
