//! Matching a whole catalogue, and which of its matches somebody should look at.

use super::matcher::{FoodMatch, FoodMatcher};

/// A product as its catalogue names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductName {
    /// The caller's id of it.
    pub product_id: String,
    /// Its name.
    pub name: String,
    /// The shelf it stands on, department first; empty when not known.
    pub category: String,
}

/// A product with the foods that may stand for it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewedMatch {
    /// Which product.
    pub product_id: String,
    /// The closest foods, the best first; empty when nothing is close.
    pub matches: Vec<FoodMatch>,
}

/// The matches of a catalogue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CatalogueReview {
    /// Sure enough to estimate with, in the order of the catalogue.
    pub estimated: Vec<ReviewedMatch>,
    /// To be looked at, the least doubtful first.
    pub doubtful: Vec<ReviewedMatch>,
    /// Products that are probably no food or that no food of the table resembles.
    pub unmatched: Vec<ReviewedMatch>,
}

/// Matches a catalogue. A product whose best food has at least `sure` confidence is estimated,
/// one with less than `hopeless` is unmatched, and the rest are to be reviewed.
#[must_use]
pub fn review_catalogue(
    matcher: &FoodMatcher,
    products: &[ProductName],
    sure: f32,
    hopeless: f32,
) -> CatalogueReview {
    let mut review = CatalogueReview::default();
    for product in products {
        let matches = matcher.find(&product.name, &product.category);
        let confidence = matches.first().map_or(0.0, |first| first.confidence);
        let reviewed = ReviewedMatch { product_id: product.product_id.clone(), matches };
        if confidence >= sure {
            review.estimated.push(reviewed);
        } else if confidence >= hopeless {
            review.doubtful.push(reviewed);
        } else {
            review.unmatched.push(reviewed);
        }
    }
    let confidence =
        |reviewed: &ReviewedMatch| reviewed.matches.first().map_or(0.0, |first| first.confidence);
    review.doubtful.sort_by(|one, two| confidence(two).total_cmp(&confidence(one)));
    review
}
