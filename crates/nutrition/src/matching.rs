//! Finding nutrition for a product that has only a name.
//!
//! A grocery catalogue says "FRZN GARLIC BREAD/TOAST/STICKS"; the food tables of the USDA say
//! "Garlic bread, frozen". The closest foods of the table are found by their words, each with a
//! confidence and the words that matched, and stay an estimate until somebody confirms them.

mod catalogue_review;
mod confidence;
mod food_table;
mod index;
mod judgement;
mod lexicon;
mod matcher;
mod shelf;
mod words;

pub use catalogue_review::{CatalogueReview, ProductName, ReviewedMatch, review_catalogue};
pub use food_table::{FoodTable, FoodTableError, TableFood};
pub use judgement::{JudgedName, JudgedNameError, Judgement, judge};
pub use lexicon::{Lexicon, LexiconError};
pub use matcher::{FoodMatch, FoodMatcher};

/// The words of a text as stems, in order.
pub(crate) fn stems_of(text: &str) -> Vec<String> {
    words::stems(text).collect()
}

#[cfg(test)]
mod tests;
