//! The answer to what a customer buys next, and when.

use crate::{RankedItem, Shortfall};

/// What the customer is expected to buy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NextBasket {
    /// The most wanted first; nothing that is due only after the horizon.
    pub items: Vec<BasketItem>,
    /// When the customer is expected to shop again, in microseconds since 1970; `None` when there
    /// were not two baskets.
    pub next_basket_at_us: Option<i64>,
    /// Why there are fewer items than asked for.
    pub shortfall: Option<Shortfall>,
}

/// One product that is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct BasketItem {
    /// As it is ranked.
    pub item: RankedItem,
    /// The chance that it is bought within the horizon, 0 to 1.
    pub probability: f64,
    /// Pieces at a time; 1 for a product that was never bought.
    pub expected_quantity: f64,
    /// When it is due, in microseconds since 1970; in the past when overdue.
    pub due_at_us: Option<i64>,
    /// The usual days between two purchases; 0 when nothing tells.
    pub interval_days: f64,
    /// The day it was bought last, in microseconds since 1970.
    pub last_purchased_at_us: Option<i64>,
}
