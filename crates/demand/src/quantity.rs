//! How much of each product to bring: the newsvendor's quantity of each demand, from the vendor's own
//! price, cost, salvage and goodwill, then whole packs, minimums, what is left of earlier days, and
//! what the van and the purse hold. Every quantity tells what to expect of it and why it is so.

mod answer;
mod check;
mod good;
mod ladder;
mod limits;
mod reason;
mod reasons;
mod request;
mod sales;
mod search;
mod terms;
mod what_if;

#[cfg(test)]
mod tests;

pub use answer::{LimitUse, PlanTotals, ProductPlan, QuantityPlan};
pub use limits::Limit;
pub use reason::{Reason, in_words};
pub use request::{Keeps, Packing, PlannedProduct, QuantityRequest, StockLot, Van};
pub use terms::{Currency, Terms};
pub(crate) use terms::{micros, money};
pub use what_if::{PlanDifference, ProductDifference};

use good::Good;
use limits::Limits;

use crate::InvalidFields;

/// Decides how much of each product to bring.
///
/// Quantities maximise the expected profit less the goodwill lost, over whole packs, within what the
/// van and the purse hold. Minimums and quantities set by hand hold even where they exceed that; the
/// answer says so.
///
/// # Errors
/// Every field that cannot be planned with: which, what it held, and what would be accepted.
pub fn plan_quantities(request: &QuantityRequest) -> Result<QuantityPlan, InvalidFields> {
    check::check(request)?;
    let goods: Vec<Good<'_>> =
        request.products.iter().map(|product| Good::of(product, request.days_until_next)).collect();
    let told = [
        request.van.volume_litres.unwrap_or(f64::INFINITY),
        request.van.weight_kg.unwrap_or(f64::INFINITY),
        request.budget_micros.map_or(f64::INFINITY, money),
    ];
    let limits = Limits::of(told, &goods);
    let chosen = search::choose(&goods, &limits);
    Ok(answer::answer(request, &goods, &limits, &chosen))
}
