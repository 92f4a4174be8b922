//! What is asked for, and what may be in an answer at all.

use std::{collections::HashSet, sync::Arc};

use crate::{Arrangement, Expression, Impression};

/// Which products may be recommended: hard constraints, which nothing overrides. The default lets
/// every product through.
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
    /// No product that contains one of these, whatever the case of the letters. A product whose
    /// allergens are not all known does not pass.
    pub exclude_allergens: Vec<String>,
    /// Products pass whose allergens are not all known, if none of the known ones is excluded.
    pub allow_unknown_allergens: bool,
    /// Only products known to suit all of these diets, whatever the case of the letters.
    pub diets: Vec<String>,
    /// Only products that match.
    pub expression: Option<Arc<Expression>>,
    /// As `exclude_allergens`, out of the customer's profile.
    pub profile_allergens: Vec<String>,
    /// As `diets`, out of the customer's profile.
    pub profile_diets: Vec<String>,
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
    /// How they are arranged once they are scored.
    pub arrangement: &'a Arrangement,
    /// What the customer says of themselves ([`crate::CustomerProfile::traits`]).
    pub traits: &'a [String],
    /// What the customer was shown and ignored; rotation lets it fade.
    pub impressions: &'a [Impression],
}
