//! What a day cost, and what another quantity would have cost on the same day. Where a product ran out
//! nobody knows how much more was asked for: then a saving is an estimate between what is certain at
//! the least and at the most.

use super::judged::{DemandSeen, JudgedRecord};
use crate::accuracy::UnitCosts;
use crate::quantity::{micros, money};

/// Money saved by one quantity over another, micros; below 0 when it cost more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Saving {
    /// Product days it is reckoned over.
    pub days: usize,
    /// By the best guess of what was asked for on the days that ran out.
    pub estimate_micros: i64,
    /// No less, whatever was asked for on those days.
    pub at_least_micros: i64,
    /// No more, whatever was asked for on those days.
    pub at_most_micros: i64,
}

impl Saving {
    fn add(&mut self, other: Self) {
        self.days += other.days;
        self.estimate_micros = self.estimate_micros.saturating_add(other.estimate_micros);
        self.at_least_micros = self.at_least_micros.saturating_add(other.at_least_micros);
        self.at_most_micros = self.at_most_micros.saturating_add(other.at_most_micros);
    }

    /// What bringing `chosen` saved over bringing `other`. The difference of their costs only rises or
    /// only falls with the demand, so its ends lie at the least demand and beyond both quantities.
    #[must_use]
    pub fn between(costs: &UnitCosts, demand: &DemandSeen, chosen: f64, other: f64) -> Self {
        let saved =
            |demand: f64| costs.newsvendor_cost(other, demand) - costs.newsvendor_cost(chosen, demand);
        let estimate = saved(demand.estimate);
        let (first, last) = if demand.ran_out() {
            (saved(demand.at_least), saved(chosen.max(other).max(demand.estimate)))
        } else {
            (estimate, estimate)
        };
        Self {
            days: 1,
            estimate_micros: micros(estimate),
            at_least_micros: micros(first.min(last)),
            at_most_micros: micros(first.max(last)),
        }
    }
}

/// What days brought in and cost, micros of one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct MoneyTotals {
    /// Product days with terms and sales.
    pub days: usize,
    /// What was paid.
    pub revenue_micros: i64,
    /// What was lost by what was brought and not sold.
    pub waste_cost_micros: i64,
    /// What was lost by sales missed on days that ran out: an estimate.
    pub missed_cost_micros: i64,
    /// What the plan saved over what the vendor meant to bring.
    pub saved_over_own_plan: Saving,
    /// What the plan saved over the rule of thumb.
    pub saved_over_last_days_rule: Saving,
    /// What the plan would have saved over what was in fact brought.
    pub saved_over_brought: Saving,
}

impl MoneyTotals {
    /// What was lost by wrong quantities: the realised newsvendor cost.
    #[must_use]
    pub fn newsvendor_cost_micros(&self) -> i64 {
        self.waste_cost_micros.saturating_add(self.missed_cost_micros)
    }

    /// Adds one product day; nothing without terms and sales.
    pub(super) fn add(&mut self, judged: &JudgedRecord<'_>) {
        let (Some(costs), Some(sold), Some(demand)) = (unit_costs(judged), judged.sold, judged.demand) else {
            return;
        };
        let price = judged.record.terms.map_or(0, |terms| terms.price_micros);
        self.days += 1;
        self.revenue_micros = self.revenue_micros.saturating_add(micros(money(price) * sold));
        let waste = costs.left_over * judged.not_sold().unwrap_or(0.0);
        self.waste_cost_micros = self.waste_cost_micros.saturating_add(micros(waste));
        let missed = costs.missing * (demand.estimate - sold).max(0.0);
        self.missed_cost_micros = self.missed_cost_micros.saturating_add(micros(missed));
        let Some(recommended) = judged.recommended else { return };
        let over =
            |other: Option<f64>| other.map(|other| Saving::between(&costs, &demand, recommended, other));
        for (total, saving) in [
            (&mut self.saved_over_own_plan, over(judged.planned)),
            (&mut self.saved_over_last_days_rule, over(judged.last_days_rule)),
            (&mut self.saved_over_brought, over(judged.brought)),
        ] {
            total.add(saving.unwrap_or_default());
        }
    }
}

/// What a unit too few and a unit too many cost on that day.
fn unit_costs(judged: &JudgedRecord<'_>) -> Option<UnitCosts> {
    let costs = judged.record.terms?.unit_costs();
    let left_over = judged.record.left_over_cost_micros.map_or(costs.left_over, money);
    Some(UnitCosts { left_over, ..costs })
}
