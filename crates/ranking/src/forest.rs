//! A small gradient-boosted ranker: at most 150 trees of at most 31 leaves, learnt and applied here.
//!
//! [`Forest::train`] grows it from [`TrainingRows`] (LambdaRank or pointwise logistic loss on
//! quantile histograms), [`Forest::score`] applies it to a [`FeatureBlock`] of candidates, and
//! [`Forest::contributions`] says which feature gave how much of one score. Everything is
//! deterministic: the same rows and seed give the same bits on any number of threads.

mod bins;
mod block;
mod calibration;
mod contributions;
mod format;
mod grow;
mod histogram;
mod lambdarank;
mod objective;
mod promising;
mod sample;
mod score;
mod settings;
mod split;
#[cfg(test)]
mod tests;
mod train;
mod training_rows;
mod tree;
mod validation;

pub use block::{FeatureBlock, LANES};
pub use calibration::Calibration;
pub use promising::Promising;
pub use settings::{ForestSettings, Objective};
pub use train::Training;
pub use training_rows::TrainingRows;

use score::Compiled;
use tree::Tree;

/// No forest has more trees: scoring a few hundred candidates has to stay within 100 µs.
pub const MOST_TREES: usize = 150;

/// No tree has more leaves: a leaf is a bit of a 32-bit word while scoring.
pub const MOST_LEAVES: usize = 31;

/// No forest looks at more features.
pub const MOST_FEATURES: usize = 256;

/// A trained ranker. Its scores are margins: any real number, higher is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    features: usize,
    /// The margin before any tree.
    bias: f32,
    trees: Vec<Tree>,
    compiled: Compiled,
}

impl Forest {
    fn new(features: usize, bias: f32, trees: Vec<Tree>) -> Self {
        let compiled = Compiled::of(&trees);
        Self { features, bias, trees, compiled }
    }

    /// How many features a row must have.
    pub fn features(&self) -> usize {
        self.features
    }

    /// How many trees there are; 0 when there was nothing to learn from.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }
}
