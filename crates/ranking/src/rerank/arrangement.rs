//! How a list is to be arranged, and what was given up of it.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use crate::{Expression, ProductRecord};

/// How products are arranged once they are scored. The default leaves the plain ranking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrangement {
    /// Raise or lower the products an expression selects; they add up.
    pub boosts: Vec<Boost>,
    /// Products with a place of their own.
    pub pins: Vec<Pin>,
    /// 0 is the plain ranking, 1 the most varied list.
    pub diversity: f64,
    /// How many products of a category there may be.
    pub category_caps: Vec<CategoryCap>,
    /// How strongly products fade that were shown to the customer and ignored, 0 to 1.
    pub rotation: f64,
    /// Products less relevant than this are left out, 0 to 1.
    pub min_relevance: f64,
    /// Added to the score of products in a running promotion, in units of the spread of the scores.
    pub promotion_strength: f64,
    /// What is in a promotion that runs now.
    pub promoted: Option<Arc<Promoted>>,
    /// Added to the score of a product that fits the customer's goal best, and taken from one that fits
    /// it worst, in units of the spread of the scores.
    pub fit_strength: f64,
    /// How well products fit the customer's goal; `None` when there is none.
    pub fit: Option<Arc<Fit>>,
    /// So many of the next best products are told behind the list, for an answer that explores.
    pub spare: usize,
}

static PLAIN: Arrangement = Arrangement {
    boosts: Vec::new(),
    pins: Vec::new(),
    diversity: 0.0,
    category_caps: Vec::new(),
    rotation: 0.0,
    min_relevance: 0.0,
    promotion_strength: 0.0,
    promoted: None,
    fit_strength: 0.0,
    fit: None,
    spare: 0,
};

impl Arrangement {
    /// The default: the plain ranking.
    pub fn plain() -> &'static Self {
        &PLAIN
    }

    /// Whether it moves scores.
    pub(crate) fn moves_scores(&self) -> bool {
        let fits = self.fit_strength > 0.0 && self.fit.is_some();
        !self.boosts.is_empty() || self.rotation > 0.0 || self.promotion_strength > 0.0 || fits
    }

    /// Whether it leaves every list as it is ranked.
    pub fn is_plain(&self) -> bool {
        let moves_products = !self.pins.is_empty() || !self.category_caps.is_empty() || self.diversity > 0.0;
        !self.moves_scores() && !moves_products && self.min_relevance <= 0.0 && self.spare == 0
    }
}

/// Raises or lowers the products an expression selects.
#[derive(Clone, Debug, PartialEq)]
pub struct Boost {
    /// Which products.
    pub expression: Arc<Expression>,
    /// What is added to their score, in units of the spread of the scores.
    pub strength: f64,
}

/// A product that is shown at a place of its own, if the constraints let it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Which product.
    pub product_id: String,
    /// The place, 1 being the first.
    pub position: usize,
}

/// At most so many products of a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryCap {
    /// Empty: every category that has no cap of its own; products without a category are in none.
    pub category: String,
    /// How many.
    pub max_count: usize,
}

/// What is in a running promotion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promoted {
    /// These products,
    pub product_ids: HashSet<String>,
    /// and everything in these categories.
    pub categories: HashSet<String>,
}

impl Promoted {
    pub(crate) fn includes(&self, product: &ProductRecord) -> bool {
        self.product_ids.contains(&product.product_id) || self.categories.contains(&product.category)
    }
}

/// How well products fit a goal, by product: 1 the best, -1 the worst. A product that is not told
/// neither rises nor falls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fit(pub HashMap<String, f32>);

impl Fit {
    pub(crate) fn of(&self, product: &ProductRecord) -> f64 {
        let fit = self.0.get(&product.product_id).copied().filter(|fit| !fit.is_nan());
        fit.map_or(0.0, |fit| f64::from(fit.clamp(-1.0, 1.0)))
    }
}

/// A wish about a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wish {
    /// That the list be varied.
    Diversity,
    /// That a category have no more products than this.
    CategoryCap,
    /// That what was shown and ignored fade.
    Rotation,
    /// That a product stand at a place.
    Pin,
}

impl fmt::Display for Wish {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Diversity => "diversity",
            Self::CategoryCap => "category_cap",
            Self::Rotation => "rotation",
            Self::Pin => "pin",
        })
    }
}

/// A wish that was given up, so that the list is not shorter or because it cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relaxation {
    /// What was given up.
    pub wish: Wish,
    /// How and why, in a sentence.
    pub detail: String,
}

impl Relaxation {
    pub(crate) fn of(wish: Wish, detail: String) -> Self {
        Self { wish, detail }
    }
}
