//! The plan: each product's quantity with what is expected of it, the totals, and what is short.

use super::good::Good;
use super::limits::{Limit, Limits, used};
use super::reason::Reason;
use super::reasons::reasons_of;
use super::request::QuantityRequest;
use super::search::Chosen;
use super::terms::{Currency, micros, money};

/// How much of each product to bring, and what to expect.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantityPlan {
    /// Of every amount.
    pub currency: Currency,
    /// In the order of the request.
    pub products: Vec<ProductPlan>,
    /// Of all products.
    pub totals: PlanTotals,
    /// What the van and the purse hold, those that were told.
    pub limits: Vec<LimitUse>,
    /// The plan is worth at most so much less than the best one of whole packs, micros; 0 where it is
    /// proved the best.
    pub missed_at_most_micros: i64,
}

/// How much of one product to bring, and what to expect. Quantities are in the product's unit.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductPlan {
    /// Which.
    pub product_id: String,
    /// To bring.
    pub quantity: f64,
    /// Of it left of earlier days,
    pub from_stock: f64,
    /// and to be made or bought.
    pub fresh: f64,
    /// The fresh part in packs; none for weighed goods, and for quantities set by hand that are not whole.
    pub packs: Option<u64>,
    /// What would be best without packs, minimums and limits.
    pub ideal: f64,
    /// The share of days, 0 to 1, on which the best quantity suffices: the newsvendor's critical fractile.
    pub critical_fractile: f64,
    /// What a fresh unit too few costs: price, less unit cost, and goodwill; below 0 where the price is
    /// below the cost.
    pub missing_cost_micros: i64,
    /// What a fresh unit too many costs: unit cost, less what it is still worth.
    pub left_over_cost_micros: i64,
    /// Less than this is asked for on one day of ten,
    pub demand_p10: f64,
    /// on every second day,
    pub demand_p50: f64,
    /// and on nine days of ten.
    pub demand_p90: f64,
    /// The chance, 0 to 1, that nothing is left of it.
    pub chance_of_selling_out: f64,
    /// On average sold,
    pub expected_sold: f64,
    /// left over,
    pub expected_left_over: f64,
    /// and asked for in vain.
    pub expected_missed: f64,
    /// What the day earns with it over bringing none, on average.
    pub expected_profit_micros: i64,
    /// What its leftovers lose, on average.
    pub expected_waste_cost_micros: i64,
    /// What making or buying it costs.
    pub spend_micros: i64,
    /// Why so much.
    pub reasons: Vec<Reason>,
}

/// What is expected of all products together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlanTotals {
    /// What the day earns over staying at home, on average.
    pub expected_profit_micros: i64,
    /// What is paid for goods, on average.
    pub expected_revenue_micros: i64,
    /// What leftovers lose, on average.
    pub expected_waste_cost_micros: i64,
    /// What buyers who go away without cost beyond the sale, on average.
    pub expected_goodwill_cost_micros: i64,
    /// What making or buying costs.
    pub spend_micros: i64,
    /// Room taken, of the products whose room is known.
    pub volume_litres: f64,
    /// Load, of the products whose weight is known.
    pub weight_kg: f64,
}

impl PlanTotals {
    /// What the plan is chosen by: the profit less the goodwill that is lost.
    #[must_use]
    pub fn worth_micros(&self) -> i64 {
        self.expected_profit_micros.saturating_sub(self.expected_goodwill_cost_micros)
    }
}

/// How much of a limit a plan takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitUse {
    /// Which.
    pub limit: Limit,
    /// What there is: litres, kg, or units of the currency.
    pub holds: f64,
    /// What the plan takes; more than there is only by minimums and quantities set by hand.
    pub used: f64,
    /// What one more litre, kg or unit of the currency would earn, micros; 0 where it is not short.
    pub worth_of_one_more_micros: i64,
}

impl LimitUse {
    /// Whether minimums and quantities set by hand take more than there is.
    #[must_use]
    pub fn is_exceeded(&self) -> bool {
        self.used > self.holds * (1.0 + 1e-9) + 1e-9
    }
}

pub(super) fn answer(
    request: &QuantityRequest,
    goods: &[Good<'_>],
    limits: &Limits,
    chosen: &Chosen,
) -> QuantityPlan {
    let mut totals = PlanTotals::default();
    let taken = used(goods, &chosen.rungs);
    let products = (0..goods.len())
        .map(|number| {
            let mut plan = product_plan(&goods[number], chosen.rungs[number], &mut totals);
            plan.reasons =
                reasons_of(request, &goods[number], &plan, &held_by(goods, limits, chosen, number));
            plan
        })
        .collect();
    [totals.volume_litres, totals.weight_kg, _] = taken;
    let limits = (0..taken.len())
        .filter(|&each| limits.told[each].is_finite())
        .map(|each| LimitUse {
            limit: Limit::ALL[each],
            holds: limits.told[each],
            used: taken[each],
            worth_of_one_more_micros: micros(chosen.prices[each]),
        })
        .collect();
    let missed_at_most_micros = micros(chosen.missed_at_most);
    QuantityPlan { currency: request.currency, products, totals, limits, missed_at_most_micros }
}

fn product_plan(good: &Good<'_>, rung: u64, totals: &mut PlanTotals) -> ProductPlan {
    let product = good.product;
    let quantity = good.ladder.amount(rung);
    let sold = good.sales.of_amount(quantity);
    let missed = (product.demand.mean() - sold).max(0.0);
    let goodwill = money(product.terms.goodwill_micros);
    let fresh = (quantity - good.stock).max(0.0);
    let (missing_cost, left_over_cost) = good.missing_and_left_over();
    let packs = product.packing.pack_size.and_then(|_| good.ladder.packs(fresh));
    let plan = ProductPlan {
        product_id: product.product_id.clone(),
        quantity,
        from_stock: quantity.min(good.stock),
        fresh,
        packs,
        ideal: good.best_amount(&[0.0; 3]),
        critical_fractile: good.critical_fractile(),
        missing_cost_micros: micros(missing_cost),
        left_over_cost_micros: micros(left_over_cost),
        demand_p10: product.demand.quantile(0.1),
        demand_p50: product.demand.quantile(0.5),
        demand_p90: product.demand.quantile(0.9),
        chance_of_selling_out: good.sales.chance_of_selling_out(quantity),
        expected_sold: sold,
        expected_left_over: (quantity - sold).max(0.0),
        expected_missed: missed,
        expected_profit_micros: micros(good.worth(quantity) - goodwill * sold),
        expected_waste_cost_micros: micros(good.waste_cost(quantity)),
        spend_micros: micros(good.takes(quantity)[2]),
        reasons: Vec::new(),
    };
    totals.add(&plan, micros(money(product.terms.price_micros) * sold), micros(goodwill * missed));
    plan
}

impl PlanTotals {
    fn add(&mut self, plan: &ProductPlan, revenue_micros: i64, goodwill_micros: i64) {
        let add = |total: &mut i64, part: i64| *total = total.saturating_add(part);
        add(&mut self.expected_profit_micros, plan.expected_profit_micros);
        add(&mut self.expected_waste_cost_micros, plan.expected_waste_cost_micros);
        add(&mut self.spend_micros, plan.spend_micros);
        add(&mut self.expected_revenue_micros, revenue_micros);
        add(&mut self.expected_goodwill_cost_micros, goodwill_micros);
    }
}

/// What keeps a product below its best rung: the limits that have a price for it, or those that one
/// more pack would break.
fn held_by(goods: &[Good<'_>], limits: &Limits, chosen: &Chosen, number: usize) -> Vec<Limit> {
    let good = &goods[number];
    let rung = chosen.rungs[number];
    if rung >= chosen.unlimited[number] {
        return Vec::new();
    }
    let Some(next) = good.ladder.above(rung) else { return Vec::new() };
    let now = good.takes(good.ladder.amount(rung));
    let then = good.takes(good.ladder.amount(next));
    let taken = used(goods, &chosen.rungs);
    let breaks = |each: usize| taken[each] + then[each] - now[each] > limits.holds[each] * (1.0 + 1e-9);
    let priced = |each: usize| chosen.prices[each] > 0.0 && then[each] > now[each];
    (0..taken.len()).filter(|&each| breaks(each) || priced(each)).map(|each| Limit::ALL[each]).collect()
}
