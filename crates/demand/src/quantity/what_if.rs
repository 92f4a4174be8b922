//! What would be different: one plan less another, of every product and of the totals.

use super::answer::{PlanTotals, ProductPlan, QuantityPlan};

/// What is different between two plans: after less before.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanDifference {
    /// Products whose quantity or worth is another, in the order of the plan.
    pub products: Vec<ProductDifference>,
    /// Of the whole plan.
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

impl PlanDifference {
    /// What is different in a plan after its wishes were changed. Both are of the same products in the same order;
    /// a product that only one of them has is left out.
    #[must_use]
    pub fn between(before: &QuantityPlan, after: &QuantityPlan) -> Self {
        let pairs = before.products.iter().zip(&after.products);
        let products = pairs
            .filter(|(before, after)| before.product_id == after.product_id && is_another(before, after))
            .map(|(before, after)| difference(before, after))
            .collect();
        Self { products, totals: after.totals.less(&before.totals) }
    }
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
