//! The answer: products in order, where each came from and why, and why there are not more.

use std::fmt;

use crate::{Delta, Relaxation};

/// Products from the best to the worst.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranked {
    /// No product twice; scores never rise unless diversity, caps or pins were asked for.
    pub items: Vec<RankedItem>,
    /// The next best behind the list, as many as [`Arrangement::spare`](crate::Arrangement::spare)
    /// asks for.
    pub spare: Vec<RankedItem>,
    /// Soft wishes that were given up.
    pub relaxations: Vec<Relaxation>,
    /// Why there are fewer items than asked for; `None` when there are as many.
    pub shortfall: Option<Shortfall>,
}

/// One product of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedItem {
    /// Which product.
    pub product_id: String,
    /// Higher is better; comparable within one answer only. The learned ranker's may be negative.
    pub score: f64,
    /// The chance, 0 to 1, that it is bought within what the ranker foresees; `None` when the
    /// learned ranker did not order the answer.
    pub relevance: Option<f32>,
    /// What an arrangement added to the score, by name; the score includes it.
    pub deltas: Vec<Delta>,
    /// Whether a pin put it where it stands.
    pub pinned: bool,
    /// The rung of the ladder it came from.
    pub source: Source,
    /// Sentences for the shopper, at least one, the strongest first.
    pub reasons: Vec<String>,
}

/// A customer who buys alike.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarCustomer {
    /// Who.
    pub customer_id: String,
    /// The cosine of what both bought, above 0 up to 1.
    pub similarity: f64,
}

/// The rungs of the ladder, from the most to the least personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The customer buys it, or showed interest in it.
    Personal,
    /// Bought by the people who buy what this customer buys.
    Similar,
    /// Popular in a category this customer buys from.
    PopularInCategory,
    /// Popular with everybody.
    Popular,
}

/// Why an answer is shorter than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shortfall {
    /// No product is visible in the catalogue.
    EmptyCatalogue,
    /// There are products, but the filter lets none of them through.
    FilterExcludesAll,
    /// Only products bought before were asked for, and the customer has bought none.
    NoHistoryForRepeat,
    /// Only products bought before were asked for, of a customer nobody has seen.
    UnknownCustomer,
    /// The rest is less relevant than was asked for.
    TooLittleRelevance,
    /// Everything that may be shown is shown.
    FewerThanAsked,
}

impl fmt::Display for Shortfall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::EmptyCatalogue => "the catalogue has no visible products",
            Self::FilterExcludesAll => "the filter excludes every product",
            Self::NoHistoryForRepeat => "the customer has not bought anything that may be shown",
            Self::UnknownCustomer => "the customer is not known, so there is nothing to repeat",
            Self::TooLittleRelevance => "fewer products are as relevant as was asked for",
            Self::FewerThanAsked => "fewer products fit the request than were asked for",
        })
    }
}
