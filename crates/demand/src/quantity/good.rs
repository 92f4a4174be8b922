//! One product made ready for the search: what each amount of it is worth, and what room, load and
//! money it takes. The worth of an amount is what it is better, on average, than bringing nothing.

use super::ladder::Ladder;
use super::request::{Keeps, PlannedProduct};
use super::sales::ExpectedSales;
use super::terms::{Terms, money};

/// Room in litres, load in kg, spending in the currency.
pub(super) type Resources = [f64; 3];

/// A run of units that are alike: a lot of earlier days, or what is fresh.
pub(super) struct Part {
    /// The amount at which it ends.
    until: f64,
    /// What a unit is still worth when it is not sold, in the currency.
    left_value: f64,
    /// What is given up by bringing a unit: its cost, or what it is worth at home.
    given_up: f64,
}

/// One product, ready for the search.
pub(super) struct Good<'request> {
    pub(super) product: &'request PlannedProduct,
    pub(super) sales: ExpectedSales,
    pub(super) ladder: Ladder,
    /// Stock that may be sold on the day,
    pub(super) stock: f64,
    /// and stock that is past its shelf life.
    pub(super) too_old: f64,
    /// What a sale is worth: price and goodwill.
    sale: f64,
    unit_cost: f64,
    /// Oldest first, what is fresh last.
    parts: Vec<Part>,
}

impl<'request> Good<'request> {
    pub(super) fn of(product: &'request PlannedProduct, days_until_next: Option<u32>) -> Self {
        let terms = &product.terms;
        let unit_cost = money(terms.unit_cost_micros);
        let fresh = left_value(terms, product.shelf_life, product.shelf_life, days_until_next);
        let is_past = |keeps: Keeps| matches!(keeps, Keeps::Days(days) if days < 0);
        let mut lots: Vec<(f64, f64)> = product
            .stock
            .iter()
            .filter(|lot| !is_past(lot.keeps))
            .map(|lot| {
                (left_value(terms, lot.keeps, product.shelf_life, days_until_next).min(fresh), lot.quantity)
            })
            .collect();
        lots.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut parts = Vec::with_capacity(lots.len() + 1);
        let mut stock = 0.0;
        for (left_value, quantity) in lots {
            stock += quantity;
            parts.push(Part { until: stock, left_value, given_up: left_value });
        }
        parts.push(Part { until: f64::INFINITY, left_value: fresh, given_up: unit_cost });
        Self {
            product,
            sales: ExpectedSales::of(&product.demand),
            ladder: Ladder::of(product, stock),
            stock,
            too_old: product.stock.iter().filter(|lot| is_past(lot.keeps)).map(|lot| lot.quantity).sum(),
            sale: money(terms.price_micros) + money(terms.goodwill_micros),
            unit_cost,
            parts,
        }
    }

    /// What a fresh unit too few and a fresh unit too many cost, in the currency.
    pub(super) fn missing_and_left_over(&self) -> (f64, f64) {
        let fresh = &self.parts[self.parts.len() - 1];
        (self.sale - self.unit_cost, self.unit_cost - fresh.left_value)
    }

    /// The share of days, 0 to 1, the best fresh quantity suffices on: 1 where leftovers lose nothing.
    pub(super) fn critical_fractile(&self) -> f64 {
        let (missing, left_over) = self.missing_and_left_over();
        if missing <= 0.0 { 0.0 } else { missing / (missing + left_over) }
    }

    /// Whether a fresh unit that is left over may still be sold so many days later.
    pub(super) fn keeps_for(&self, days: u32) -> bool {
        match self.product.shelf_life {
            Keeps::Always => true,
            Keeps::Days(life) => i64::from(life) >= i64::from(days),
        }
    }

    /// What bringing an amount is worth, goodwill kept included.
    pub(super) fn worth(&self, amount: f64) -> f64 {
        self.over_parts(amount, |part, brought, sold| {
            (self.sale - part.left_value) * sold - (part.given_up - part.left_value) * brought
        })
    }

    /// What the leftovers of an amount lose against their unit cost.
    pub(super) fn waste_cost(&self, amount: f64) -> f64 {
        self.over_parts(amount, |part, brought, sold| (self.unit_cost - part.left_value) * (brought - sold))
    }

    /// Sums over the parts of an amount; the older part is sold first.
    fn over_parts(&self, amount: f64, of: impl Fn(&Part, f64, f64) -> f64) -> f64 {
        let (mut total, mut from, mut sold_before) = (0.0, 0.0, 0.0);
        for part in &self.parts {
            let until = part.until.min(amount);
            if until <= from {
                continue;
            }
            let sold = self.sales.of_amount(until);
            total += of(part, until - from, sold - sold_before);
            (from, sold_before) = (until, sold);
        }
        total
    }

    /// What an amount takes of room, load and money.
    pub(super) fn takes(&self, amount: f64) -> Resources {
        let packing = &self.product.packing;
        [
            amount * packing.volume_litres.unwrap_or(0.0),
            amount * packing.weight_kg.unwrap_or(0.0),
            self.unit_cost * (amount - self.stock).max(0.0),
        ]
    }

    /// The best amount, whole packs or not, where room, load and money have a price: the newsvendor's
    /// quantile at `(cu - price of what a unit takes) / (cu + co)` (Arrow, Harris and Marschak, 1951;
    /// with prices, Hadley and Whitin, 1963).
    pub(super) fn best_amount(&self, prices: &Resources) -> f64 {
        let packing = &self.product.packing;
        let carried =
            prices[0] * packing.volume_litres.unwrap_or(0.0) + prices[1] * packing.weight_kg.unwrap_or(0.0);
        let mut from = 0.0;
        for part in &self.parts {
            let is_fresh = part.until.is_infinite();
            let priced = carried + if is_fresh { prices[2] * self.unit_cost } else { 0.0 };
            let gain = self.sale - part.left_value;
            let fractile =
                if gain > 0.0 { 1.0 - (part.given_up - part.left_value + priced) / gain } else { 0.0 };
            let amount = if fractile > 0.0 { self.product.demand.quantile(fractile.min(1.0)) } else { 0.0 };
            if amount < part.until {
                return amount.max(from);
            }
            from = part.until;
        }
        from
    }

    /// The worth of a rung less the price of what it takes.
    pub(super) fn priced_worth(&self, rung: u64, prices: &Resources) -> f64 {
        let amount = self.ladder.amount(rung);
        let takes = self.takes(amount);
        self.worth(amount) - takes.iter().zip(prices).map(|(take, price)| take * price).sum::<f64>()
    }

    /// The best rung at given prices; of two that are as good, the lower one.
    pub(super) fn best_rung(&self, prices: &Resources) -> u64 {
        let below = self.ladder.chosen_at_most(self.best_amount(prices));
        match self.ladder.above(below) {
            Some(above) if self.priced_worth(above, prices) > self.priced_worth(below, prices) + 1e-12 => {
                above
            }
            _ => below,
        }
    }
}

/// What a unit that is not sold is worth afterwards, in the currency: its salvage, or, when it keeps
/// until the next market day, its cost in equal parts over the days of its life, less the keeping.
fn left_value(terms: &Terms, keeps: Keeps, shelf_life: Keeps, days_until_next: Option<u32>) -> f64 {
    let lost = terms.lost_value();
    let life_left = match (keeps, days_until_next) {
        (_, None) => return lost,
        (Keeps::Always, Some(_)) => 1.0,
        (Keeps::Days(days), Some(until_next)) => {
            let days_left = i64::from(days) - i64::from(until_next);
            if days_left < 0 {
                return lost;
            }
            match shelf_life {
                Keeps::Days(life) => ((days_left + 1) as f64 / f64::from(life.max(0) + 1)).min(1.0),
                Keeps::Always => 1.0,
            }
        }
    };
    lost.max(money(terms.unit_cost_micros) * life_left - money(terms.holding_micros))
}
