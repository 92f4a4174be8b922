//! What would be different: the same plan with a changed price, cost, van, budget, outlook, or a
//! quantity set by hand, and the difference of every product and of the totals.

use super::answer::{PlanTotals, ProductPlan, QuantityPlan};
use super::plan_quantities;
use super::request::{PlannedProduct, QuantityRequest};
use crate::{Distribution, Factor, InvalidField, InvalidFields};

/// One change to a plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Another price. The demand stays what it was: how buyers answer a price is for an
    /// [`Change::Outlook`] to say.
    Price {
        /// Of which product.
        product_id: String,
        /// The new price.
        price_micros: i64,
    },
    /// Another cost of making or buying a unit.
    UnitCost {
        /// Of which product.
        product_id: String,
        /// The new cost.
        unit_cost_micros: i64,
    },
    /// Another value of leftovers.
    Salvage {
        /// Of which product.
        product_id: String,
        /// The new salvage.
        salvage_micros: i64,
    },
    /// A quantity set by hand, or, with none, left to the plan again.
    Quantity {
        /// Of which product.
        product_id: String,
        /// The new quantity.
        quantity: Option<f64>,
    },
    /// Another day: other weather, an event, other buyers.
    Outlook {
        /// Of which product.
        product_id: String,
        /// What may be asked for then,
        demand: Box<Distribution>,
        /// and what moved it.
        factors: Vec<Factor>,
    },
    /// Other room in the van, litres; none for no limit.
    VanVolume(Option<f64>),
    /// Another load of the van, kg; none for no limit.
    VanWeight(Option<f64>),
    /// Another budget, micros; none for no limit.
    Budget(Option<i64>),
}

/// A plan before and after changes.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatIf {
    /// Without the changes.
    pub before: QuantityPlan,
    /// With them.
    pub after: QuantityPlan,
    /// Products whose quantity or worth is another, in the order of the request.
    pub differences: Vec<ProductDifference>,
    /// After less before.
    pub totals: PlanTotals,
}

/// What is different for one product: after less before.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductDifference {
    /// Which.
    pub product_id: String,
    /// In the product's unit.
    pub quantity: f64,
    /// In the product's unit.
    pub expected_sold: f64,
    /// In the product's unit.
    pub expected_left_over: f64,
    /// Of the expected profit.
    pub expected_profit_micros: i64,
    /// Of the chance, 0 to 1, of selling out.
    pub chance_of_selling_out: f64,
}

/// Plans without and with changes, which are made in their order.
///
/// # Errors
/// A product that the plan does not have, and every field that cannot be planned with after the changes.
pub fn what_if(request: &QuantityRequest, changes: &[Change]) -> Result<WhatIf, InvalidFields> {
    let before = plan_quantities(request)?;
    let mut changed = request.clone();
    for (number, change) in changes.iter().enumerate() {
        apply(&mut changed, number, change)?;
    }
    let after = plan_quantities(&changed)?;
    let differences = before
        .products
        .iter()
        .zip(&after.products)
        .filter(|(before, after)| is_another(before, after))
        .map(|(before, after)| difference(before, after))
        .collect();
    let totals = after.totals.less(&before.totals);
    Ok(WhatIf { before, after, differences, totals })
}

fn apply(request: &mut QuantityRequest, number: usize, change: &Change) -> Result<(), InvalidFields> {
    match change {
        Change::VanVolume(volume_litres) => request.van.volume_litres = *volume_litres,
        Change::VanWeight(weight_kg) => request.van.weight_kg = *weight_kg,
        Change::Budget(budget_micros) => request.budget_micros = *budget_micros,
        Change::Price { product_id, price_micros } => {
            product_of(request, number, product_id)?.terms.price_micros = *price_micros;
        }
        Change::UnitCost { product_id, unit_cost_micros } => {
            product_of(request, number, product_id)?.terms.unit_cost_micros = *unit_cost_micros;
        }
        Change::Salvage { product_id, salvage_micros } => {
            product_of(request, number, product_id)?.terms.salvage_micros = *salvage_micros;
        }
        Change::Quantity { product_id, quantity } => {
            product_of(request, number, product_id)?.set_quantity = *quantity;
        }
        Change::Outlook { product_id, demand, factors } => {
            let product = product_of(request, number, product_id)?;
            product.demand = Distribution::clone(demand);
            product.factors.clone_from(factors);
        }
    }
    Ok(())
}

fn product_of<'request>(
    request: &'request mut QuantityRequest,
    number: usize,
    product_id: &str,
) -> Result<&'request mut PlannedProduct, InvalidFields> {
    request.products.iter_mut().find(|product| product.product_id == product_id).ok_or_else(|| {
        InvalidFields(vec![InvalidField {
            field: format!("changes[{number}].product_id"),
            value: product_id.to_owned(),
            accepted: "the id of a product of the plan".to_owned(),
        }])
    })
}

fn is_another(before: &ProductPlan, after: &ProductPlan) -> bool {
    before.quantity != after.quantity
        || before.expected_profit_micros != after.expected_profit_micros
        || before.chance_of_selling_out != after.chance_of_selling_out
}

fn difference(before: &ProductPlan, after: &ProductPlan) -> ProductDifference {
    ProductDifference {
        product_id: before.product_id.clone(),
        quantity: after.quantity - before.quantity,
        expected_sold: after.expected_sold - before.expected_sold,
        expected_left_over: after.expected_left_over - before.expected_left_over,
        expected_profit_micros: after.expected_profit_micros - before.expected_profit_micros,
        chance_of_selling_out: after.chance_of_selling_out - before.chance_of_selling_out,
    }
}

impl PlanTotals {
    /// Each figure less that of another plan.
    fn less(&self, other: &Self) -> Self {
        let less = |one: i64, two: i64| one.saturating_sub(two);
        Self {
            expected_profit_micros: less(self.expected_profit_micros, other.expected_profit_micros),
            expected_revenue_micros: less(self.expected_revenue_micros, other.expected_revenue_micros),
            expected_waste_cost_micros: less(
                self.expected_waste_cost_micros,
                other.expected_waste_cost_micros,
            ),
            expected_goodwill_cost_micros: less(
                self.expected_goodwill_cost_micros,
                other.expected_goodwill_cost_micros,
            ),
            spend_micros: less(self.spend_micros, other.spend_micros),
            volume_litres: self.volume_litres - other.volume_litres,
            weight_kg: self.weight_kg - other.weight_kg,
        }
    }
}
