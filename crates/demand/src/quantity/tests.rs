//! Quantities: worked examples, every small case against trying all amounts, laws, refusals.

mod brute_force;
mod from_forecast;
mod laws;
mod refusals;
mod what_if;
mod worked;

use super::{Currency, PlannedProduct, QuantityRequest, Terms, Van};
use crate::Distribution;

const CENT: i64 = 10_000;

fn euro() -> Currency {
    Currency::parse("currency", "EUR").expect("three letters")
}

/// Demand that is uniform between two amounts.
fn uniform(low: f64, high: f64) -> Distribution {
    Distribution::from_fn(|level| low + (high - low) * level).expect("finite")
}

/// The loaf: 6.00, costs 2.00, 0.50 the day after.
fn loaf() -> Terms {
    Terms { salvage_micros: 50 * CENT, ..Terms::new(euro(), 600 * CENT, 200 * CENT) }
}

fn request(products: Vec<PlannedProduct>) -> QuantityRequest {
    QuantityRequest {
        currency: euro(),
        products,
        van: Van::default(),
        budget_micros: None,
        days_until_next: None,
    }
}
