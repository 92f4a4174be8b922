//! Refuses what cannot be meant, every field by name. What can still be decided (a price below the
//! cost, minimums that do not fit the van) is decided, and told among the reasons.

use std::collections::HashSet;

use super::request::{Keeps, PlannedProduct, QuantityRequest};
use crate::invalid::{InvalidFields, Refused};

/// Most of one product: a slip of the pen rather than a market day.
const MOST_UNITS: f64 = 10_000_000.0;
/// A gram of what is sold by the kilogram.
const SMALLEST_PACK: f64 = 0.001;
/// Most money of one amount, micros: 10^9 of the currency.
const MOST_MICROS: i64 = 1_000_000_000_000_000;
/// Most products of one plan.
const MOST_PRODUCTS: usize = 10_000;

/// # Errors
/// Every field that holds what cannot be planned with.
pub(super) fn check(request: &QuantityRequest) -> Result<(), InvalidFields> {
    let mut refused = Refused::default();
    let count = request.products.len();
    refused.unless((1..=MOST_PRODUCTS).contains(&count), "products", count, "1 to 10000 products");
    for (name, holds) in [("volume_litres", request.van.volume_litres), ("weight_kg", request.van.weight_kg)]
    {
        if let Some(holds) = holds {
            refused.unless(is_amount(holds), format!("van.{name}"), holds, "0 or more, or none for no limit");
        }
    }
    if let Some(budget) = request.budget_micros {
        refused.unless(budget >= 0, "budget_micros", budget, "0 or more, or none for no limit");
    }
    refused.unless(
        request.days_until_next != Some(0),
        "days_until_next",
        0,
        "1 or more, or none when no next market day is known",
    );
    let mut ids = HashSet::new();
    for (number, product) in request.products.iter().enumerate() {
        let path = format!("products[{number}]");
        let id = product.product_id.as_str();
        refused.unless(!id.is_empty(), format!("{path}.product_id"), "\"\"", "an id");
        let once = ids.insert(id);
        refused.unless(once, format!("{path}.product_id"), id, "an id that no other product of the plan has");
        check_terms(&path, product, request, &mut refused);
        check_packing(&path, product, &mut refused);
        check_demand(&path, product, &mut refused);
    }
    refused.into_result()
}

fn check_terms(path: &str, product: &PlannedProduct, request: &QuantityRequest, refused: &mut Refused) {
    let terms = &product.terms;
    refused.unless(
        terms.currency == request.currency,
        format!("{path}.terms.currency"),
        terms.currency,
        format!("{}, the currency of the plan", request.currency),
    );
    let amounts = [
        ("price_micros", terms.price_micros),
        ("unit_cost_micros", terms.unit_cost_micros),
        ("goodwill_micros", terms.goodwill_micros),
        ("disposal_micros", terms.disposal_micros),
        ("holding_micros", terms.holding_micros),
    ];
    for (name, amount) in amounts {
        let good = (0..=MOST_MICROS).contains(&amount);
        refused.unless(good, format!("{path}.terms.{name}"), amount, format!("0 to {MOST_MICROS}"));
    }
    let most = terms.unit_cost_micros.max(0);
    refused.unless(
        (0..=most).contains(&terms.salvage_micros),
        format!("{path}.terms.salvage_micros"),
        terms.salvage_micros,
        format!("0 to {most}, the unit cost"),
    );
}

fn check_packing(path: &str, product: &PlannedProduct, refused: &mut Refused) {
    let packing = &product.packing;
    let field = |name: &str| format!("{path}.packing.{name}");
    if let Some(size) = packing.pack_size {
        let good = (SMALLEST_PACK..=MOST_UNITS).contains(&size);
        refused.unless(good, field("pack_size"), size, "0.001 or more, or none for weighed goods");
    }
    for (name, amount) in [("minimum", packing.minimum), ("minimum_batch", packing.minimum_batch)] {
        refused.unless(is_amount(amount), field(name), amount, format!("0 to {MOST_UNITS}"));
    }
    if let Some(maximum) = packing.maximum {
        // Not a number is at least nothing.
        let good = is_amount(maximum) && (maximum >= packing.minimum || packing.minimum.is_nan());
        let accepted = format!("{} (the minimum) to {MOST_UNITS}, or none", packing.minimum);
        refused.unless(good, field("maximum"), maximum, accepted);
    }
    for (name, size) in [("volume_litres", packing.volume_litres), ("weight_kg", packing.weight_kg)] {
        if let Some(size) = size {
            refused.unless(is_amount(size), field(name), size, "0 or more, or none when it is not known");
        }
    }
    if let Keeps::Days(days) = product.shelf_life {
        refused.unless(days >= 0, format!("{path}.shelf_life"), days, "0 (the market day only) or more days");
    }
}

fn check_demand(path: &str, product: &PlannedProduct, refused: &mut Refused) {
    let most = product.demand.quantile(1.0);
    refused.unless(is_amount(most), format!("{path}.demand"), most, format!("at most {MOST_UNITS} units"));
    for (number, factor) in product.factors.iter().enumerate() {
        let good = factor.effect.is_finite() && factor.effect >= 0.0;
        let field = format!("{path}.factors[{number}].effect");
        refused.unless(good, field, factor.effect, "a finite number of 0 or above");
    }
    for (number, lot) in product.stock.iter().enumerate() {
        let field = format!("{path}.stock[{number}].quantity");
        refused.unless(is_amount(lot.quantity), field, lot.quantity, format!("0 to {MOST_UNITS}"));
    }
    if let Some(quantity) = product.set_quantity {
        let field = format!("{path}.set_quantity");
        refused.unless(is_amount(quantity), field, quantity, format!("0 to {MOST_UNITS}, or none"));
    }
}

/// Not a number is none.
fn is_amount(amount: f64) -> bool {
    (0.0..=MOST_UNITS).contains(&amount)
}
