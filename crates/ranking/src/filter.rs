//! What may be in an answer at all.

use std::collections::HashSet;

/// Which products may be recommended; the default lets every product through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only these categories, compared exactly; empty means all.
    pub categories: Vec<String>,
    /// Never these products.
    pub exclude_product_ids: HashSet<String>,
    /// Lowest price in millionths; a product without a price does not pass.
    pub min_price_micros: Option<i64>,
    /// Highest price in millionths; a product without a price does not pass.
    pub max_price_micros: Option<i64>,
    /// Only products priced in this currency.
    pub currency: Option<String>,
    /// Only products that can be bought now.
    pub in_stock_only: bool,
}

/// What to do with products the customer has bought before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RepeatPolicy {
    /// They may be recommended: groceries are bought again.
    #[default]
    Allow,
    /// Only products new to the customer.
    Exclude,
    /// Only products the customer has bought before.
    Only,
}

/// What orders the products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ranker {
    /// The learned ranker when the snapshot has one, otherwise the blend.
    #[default]
    Learned,
    /// A fixed blend of the customer's own frequency, similarity and popularity: quicker.
    Linear,
}

/// A request for one customer.
#[derive(Clone, Copy, Debug)]
pub struct RecommendQuery<'a> {
    /// For whom; need not be known.
    pub customer_id: &'a str,
    /// How many products at most.
    pub limit: usize,
    /// Which products may be shown.
    pub filter: &'a Filter,
    /// What to do with products bought before.
    pub repeat_policy: RepeatPolicy,
    /// What orders the products.
    pub ranker: Ranker,
}
