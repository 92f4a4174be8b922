//! From terms and forecasts to quantities: what each product is planned with, and what came of it.

use std::collections::HashMap;

use larder_demand::quantity::{
    Currency, Keeps, Packing, PlannedProduct, ProductPlan, QuantityPlan, QuantityRequest, StockLot, Terms,
    Van, plan_quantities,
};
use larder_demand::{DayOutlook, Distribution, Forecast, ForecastQuery};

use super::models::LearntModel;
use crate::days::date_of;
use crate::error::{Error, Violation};
use crate::store::market_products::MarketProductRow;

/// How fast a level is followed, of a day; markets' levels are followed at this rate as well.
const SMOOTHING: f64 = 0.3;

/// What a request says of one product instead of its kept terms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instead {
    pub(crate) price_micros: Option<i64>,
    pub(crate) unit_cost_micros: Option<i64>,
    pub(crate) quantity: Option<f64>,
    pub(crate) promoted: Option<bool>,
    pub(crate) left_over_units: Option<f64>,
}

/// Limits of the whole plan.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PlanLimits {
    pub(crate) budget_micros: Option<i64>,
    pub(crate) van_volume_l: Option<f64>,
    pub(crate) van_weight_kg: Option<f64>,
    /// Days until the next market day of this market.
    pub(crate) days_until_next: Option<u32>,
}

/// What is planned: products at a market on a day.
pub(crate) struct Planned<'a> {
    pub(crate) market_id: &'a str,
    /// Counts from 1970.
    pub(crate) day: i32,
    pub(crate) currency: &'a str,
    /// What is known of the day, but for what belongs to single products.
    pub(crate) outlook: DayOutlook,
    /// What to call the events, where they have a name.
    pub(crate) event_name: Option<String>,
    pub(crate) terms: Vec<MarketProductRow>,
    /// Products that are promoted that day.
    pub(crate) promoted: Vec<bool>,
    pub(crate) instead: HashMap<String, Instead>,
    pub(crate) limits: PlanLimits,
    /// Market days of which the shop could not be asked: nobody knows what was sold on them.
    pub(crate) missed_days: u32,
}

/// One product of a plan with what it was decided from.
pub(crate) struct PlannedLine {
    pub(crate) forecast: Forecast,
    pub(crate) plan: ProductPlan,
    pub(crate) last_four_mean: f64,
}

/// A plan of quantities with its lines.
pub(crate) struct PlannedDay {
    pub(crate) lines: Vec<PlannedLine>,
    pub(crate) plan: QuantityPlan,
}

/// Decides how much of each product to bring.
///
/// # Errors
/// [`Error::Invalid`] for terms that nothing can be planned with.
pub(crate) fn plan(learnt: &LearntModel, planned: Planned<'_>) -> Result<PlannedDay, Error> {
    let currency = Currency::parse("currency_code", planned.currency).map_err(|refused| {
        Error::invalid(refused.field, format!("{} is refused; accepted: {}", refused.value, refused.accepted))
    })?;
    let (mut forecasts, mut products) = (Vec::new(), Vec::new());
    for (mut terms, promoted) in planned.terms.into_iter().zip(planned.promoted) {
        let instead = planned.instead.get(&terms.product_id).cloned().unwrap_or_default();
        terms.price_micros = instead.price_micros.unwrap_or(terms.price_micros);
        terms.unit_cost_micros = instead.unit_cost_micros.unwrap_or(terms.unit_cost_micros);
        terms.left_over_units = instead.left_over_units.unwrap_or(terms.left_over_units);
        let outlook = DayOutlook {
            promoted: instead.promoted.unwrap_or(promoted),
            price: Some(terms.price_micros as f64 / 1e6),
            ..planned.outlook.clone()
        };
        let query = ForecastQuery {
            product: &terms.product_id,
            market: planned.market_id,
            date: date_of(planned.day),
            outlook: &outlook,
        };
        let mut forecast = learnt.model.forecast(&query);
        name_events(&mut forecast, planned.event_name.as_deref());
        forecast.distribution = widened(&forecast.distribution, planned.missed_days);
        products.push(product(&terms, &forecast, currency, instead.quantity));
        forecasts.push(forecast);
    }
    let request = QuantityRequest {
        currency,
        products,
        van: Van { volume_litres: planned.limits.van_volume_l, weight_kg: planned.limits.van_weight_kg },
        budget_micros: planned.limits.budget_micros,
        days_until_next: planned.limits.days_until_next,
    };
    let decided = plan_quantities(&request).map_err(refused)?;
    let lines = forecasts.into_iter().zip(&decided.products).map(|(forecast, plan)| {
        let key = (plan.product_id.clone(), planned.market_id.to_owned());
        let sold = learnt.last_sold.get(&key).map(Vec::as_slice).unwrap_or_default();
        PlannedLine { last_four_mean: last_four_mean(sold), forecast, plan: plan.clone() }
    });
    Ok(PlannedDay { lines: lines.collect(), plan: decided })
}

/// A forecast from further back than the day before: its spread grows as that of exponential smoothing does, by
/// the root of 1 + missed days x smoothing^2 (Hyndman and Athanasopoulos, Forecasting: principles and practice,
/// ETS(A,N,N)).
fn widened(forecast: &Distribution, missed_days: u32) -> Distribution {
    if missed_days == 0 {
        return forecast.clone();
    }
    let (middle, factor) =
        (forecast.quantile(0.5), (1.0 + f64::from(missed_days) * SMOOTHING * SMOOTHING).sqrt());
    let wider = |level: f64| (middle + (forecast.quantile(level) - middle) * factor).max(0.0);
    Distribution::from_fn(wider).unwrap_or_else(|_| forecast.clone())
}

/// What the vendor's own rule would bring: the mean of the last four days.
pub(crate) fn last_four_mean(sold: &[f64]) -> f64 {
    let last = &sold[sold.len().saturating_sub(4)..];
    if last.is_empty() { 0.0 } else { last.iter().sum::<f64>() / last.len() as f64 }
}

fn name_events(forecast: &mut Forecast, name: Option<&str>) {
    let Some(name) = name else { return };
    for factor in &mut forecast.factors {
        if factor.kind == larder_demand::FactorKind::Event && factor.name.is_none() {
            factor.name = Some(format!("{name} nearby"));
        }
    }
}

fn product(
    row: &MarketProductRow,
    forecast: &Forecast,
    currency: Currency,
    set_quantity: Option<f64>,
) -> PlannedProduct {
    let terms = Terms {
        salvage_micros: row.salvage_micros.min(row.unit_cost_micros),
        goodwill_micros: row.goodwill_micros,
        disposal_micros: row.disposal_micros,
        ..Terms::new(currency, row.price_micros, row.unit_cost_micros)
    };
    let packing = Packing {
        // Weighed goods come in any amount, unless they come in packs.
        pack_size: (!row.is_fractional || row.pack_units != 1.0).then_some(row.pack_units),
        minimum: 0.0,
        minimum_batch: row.min_units,
        maximum: (row.max_units > 0.0).then_some(row.max_units),
        volume_litres: row.volume_l,
        weight_kg: row.weight_kg,
    };
    // The day it was made counts as the first of its shelf life.
    let shelf_life = Keeps::Days(row.shelf_life_days - 1);
    let stock = StockLot { quantity: row.left_over_units, keeps: Keeps::Days(0) };
    PlannedProduct {
        factors: forecast.factors.clone(),
        packing,
        shelf_life,
        stock: if row.left_over_units > 0.0 { vec![stock] } else { Vec::new() },
        set_quantity,
        ..PlannedProduct::new(row.product_id.clone(), forecast.distribution.clone(), terms)
    }
}

fn refused(refused: larder_demand::InvalidFields) -> Error {
    let violation = |one: larder_demand::InvalidField| Violation {
        field: one.field,
        description: format!("{} is refused; accepted: {}", one.value, one.accepted),
    };
    Error::Invalid(refused.0.into_iter().take(40).map(violation).collect())
}

#[cfg(test)]
mod tests {
    use larder_demand::Distribution;

    use super::{last_four_mean, widened};

    #[test]
    fn what_is_not_known_widens_and_moves_nothing() {
        let forecast = Distribution::from_fn(|level| 50.0 + 40.0 * level).unwrap();
        let spread = |of: &Distribution| of.quantile(0.9) - of.quantile(0.1);
        assert_eq!(widened(&forecast, 0), forecast);
        let (one, eight) = (widened(&forecast, 1), widened(&forecast, 8));
        assert!((one.quantile(0.5) - 70.0).abs() < 1e-6);
        assert!((spread(&one) / spread(&forecast) - 1.09_f64.sqrt()).abs() < 1e-3);
        assert!((spread(&eight) / spread(&forecast) - 1.72_f64.sqrt()).abs() < 1e-3);
        assert!(widened(&Distribution::from_fn(|level| 2.0 * level).unwrap(), 60).quantile(0.05) >= 0.0);
    }

    #[test]
    fn the_rule_takes_the_last_four_days_or_what_there_is() {
        assert_eq!(last_four_mean(&[100.0, 1.0, 2.0, 3.0, 4.0]), 2.5);
        assert_eq!(last_four_mean(&[3.0]), 3.0);
        assert_eq!(last_four_mean(&[]), 0.0);
    }
}
