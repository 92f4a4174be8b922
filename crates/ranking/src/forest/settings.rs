//! What a forest is grown with. Values out of range are brought into it rather than refused.

use super::{MOST_LEAVES, MOST_TREES};

/// What the trees are grown to improve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// The order of each group's rows, by nDCG (Burges, "From RankNet to LambdaRank to LambdaMART",
    /// MSR-TR-2010-82). Pairs count of which at least one stands among the first `truncation`.
    LambdaRank {
        /// Ranks below this are not improved for their own sake.
        truncation: usize,
    },
    /// The chance that a row's grade is above 0, each row for itself.
    Logistic,
}

/// How a forest is grown.
#[derive(Clone, Debug, PartialEq)]
pub struct ForestSettings {
    /// What the trees improve.
    pub objective: Objective,
    /// At most so many trees, 150 at most.
    pub trees: usize,
    /// At most so many leaves in a tree, 2 to 31.
    pub leaves: usize,
    /// How much of each tree's correction is taken, above 0 up to 1.
    pub learning_rate: f64,
    /// About so many rows at least are in each leaf.
    pub min_rows_in_leaf: usize,
    /// L2 penalty on a leaf's value, in units of summed second derivatives.
    pub l2: f64,
    /// Each tree sees this share of the groups, above 0 up to 1.
    pub group_fraction: f64,
    /// Each tree sees this share of the features, above 0 up to 1.
    pub feature_fraction: f64,
    /// With validation rows: end when so many trees in a row made the nDCG no better, and keep the
    /// best so far. `None` grows all trees.
    pub patience: Option<usize>,
    /// Validation looks at the nDCG of so many first ranks.
    pub ndcg_at: usize,
    /// Decides which groups and features a tree sees.
    pub seed: u64,
}

impl Default for ForestSettings {
    fn default() -> Self {
        Self {
            objective: Objective::LambdaRank { truncation: 30 },
            trees: MOST_TREES,
            leaves: MOST_LEAVES,
            learning_rate: 0.1,
            min_rows_in_leaf: 50,
            l2: 1.0,
            group_fraction: 1.0,
            feature_fraction: 1.0,
            patience: None,
            ndcg_at: 20,
            seed: 0,
        }
    }
}

impl ForestSettings {
    /// The same, every value within its range.
    pub(super) fn bounded(&self) -> Self {
        let share = |value: f64| if value > 0.0 && value <= 1.0 { value } else { 1.0 };
        Self {
            objective: self.objective,
            trees: self.trees.min(MOST_TREES),
            leaves: self.leaves.clamp(2, MOST_LEAVES),
            learning_rate: share(self.learning_rate),
            min_rows_in_leaf: self.min_rows_in_leaf.max(1),
            l2: if self.l2.is_finite() { self.l2.max(0.0) } else { 1.0 },
            group_fraction: share(self.group_fraction),
            feature_fraction: share(self.feature_fraction),
            patience: self.patience.map(|trees| trees.max(1)),
            ndcg_at: self.ndcg_at.max(1),
            seed: self.seed,
        }
    }
}
