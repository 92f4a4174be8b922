//! Why a product has its score, in parts that add up.

use crate::FeatureGroup;

/// One product's score for one customer, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Which product.
    pub product_id: String,
    /// Its score, as in an answer.
    pub score: f64,
    /// What every product is given before anything is known of it.
    pub base: f64,
    /// What each kind of evidence adds or takes away, the strongest first:
    /// `base + Σ amounts = score` within 1e-4.
    pub contributions: Vec<Contribution>,
}

/// One part of a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// Which kind of evidence.
    pub group: FeatureGroup,
    /// What it adds to the score; negative when it speaks against the product.
    pub amount: f64,
    /// A sentence for the shopper.
    pub sentence: String,
}
