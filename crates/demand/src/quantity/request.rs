//! What is asked: the products with their demand, terms and packing, what is left of earlier
//! days, and what the van and the purse hold.

use super::terms::{Currency, Terms};
use crate::{Distribution, Factor};

/// How much of each product to bring to one market day.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantityRequest {
    /// The currency of every amount.
    pub currency: Currency,
    /// The products, each once.
    pub products: Vec<PlannedProduct>,
    /// What the van holds.
    pub van: Van,
    /// Most that may be spent on what is made or bought for the day, in micros.
    pub budget_micros: Option<i64>,
    /// Days until the next market day, 1 or more; none when no next one is known, and leftovers
    /// are lost.
    pub days_until_next: Option<u32>,
}

/// What the van holds; what is absent does not limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Van {
    /// Room, litres.
    pub volume_litres: Option<f64>,
    /// Load, kg.
    pub weight_kg: Option<f64>,
}

/// One product of the day.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedProduct {
    /// Whose.
    pub product_id: String,
    /// What may be asked for, in the product's unit.
    pub demand: Distribution,
    /// What moved the demand, to be told as reasons.
    pub factors: Vec<Factor>,
    /// What a unit brings in and costs.
    pub terms: Terms,
    /// How it is packed.
    pub packing: Packing,
    /// How long a fresh unit may be sold after the market day.
    pub shelf_life: Keeps,
    /// What is left of earlier days.
    pub stock: Vec<StockLot>,
    /// The vendor's own word on how much to bring; nothing overrides it.
    pub set_quantity: Option<f64>,
}

impl PlannedProduct {
    /// A product that is sold by the piece, on the day only, with nothing left of earlier days.
    #[must_use]
    pub fn new(product_id: impl Into<String>, demand: Distribution, terms: Terms) -> Self {
        Self {
            product_id: product_id.into(),
            demand,
            factors: Vec::new(),
            terms,
            packing: Packing::default(),
            shelf_life: Keeps::Days(0),
            stock: Vec::new(),
            set_quantity: None,
        }
    }
}

/// How a product is packed and how much of it may be brought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Packing {
    /// Units of a pack, above 0: what is made or bought for the day comes in whole packs. None
    /// for weighed goods, which are rounded to three digits.
    pub pack_size: Option<f64>,
    /// At least this is brought.
    pub minimum: f64,
    /// If any is made or bought for the day, then at least this.
    pub minimum_batch: f64,
    /// At most this is brought.
    pub maximum: Option<f64>,
    /// Room a unit takes, litres, if it is known.
    pub volume_litres: Option<f64>,
    /// Weight of a unit, kg, if it is known.
    pub weight_kg: Option<f64>,
}

impl Default for Packing {
    /// By the piece, any number of them, taking no room.
    fn default() -> Self {
        Self {
            pack_size: Some(1.0),
            minimum: 0.0,
            minimum_batch: 0.0,
            maximum: None,
            volume_litres: None,
            weight_kg: None,
        }
    }
}

/// How long something may be sold after the market day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// So many days; 0 is the market day only, below 0 is past it already.
    Days(i32),
    /// It does not spoil.
    Always,
}

/// What is left of an earlier day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StockLot {
    /// How much, in the product's unit.
    pub quantity: f64,
    /// How long it may still be sold, from the market day on.
    pub keeps: Keeps,
}
