//! Plans of market days in and out.

use std::collections::HashMap;

use larder_demand::quantity::{Limit, PlanDifference, Reason};
use larder_demand::{FactorKind, HeuristicReason, Method, Weather};
use larder_proto::larder::market::v1::*;

use crate::convert::{money, timestamp};
use crate::market::outlook::{KnownDay, Source, ToldOfDay};
use crate::market::planning::{Instead, PlannedDay, PlannedLine};
use crate::validate::Fields;

const MOST_PRODUCTS: usize = 1_000;
const MOST_UNITS: f64 = 1_000_000.0;
const MOST_PEOPLE: f64 = 10_000_000.0;
/// Quantiles of a line: .05, .10, … .95.
const QUANTILES: usize = 19;

/// What a request tells of the day.
pub(crate) fn told_of_day(fields: &mut Fields, request: &PlanMarketDayRequest) -> ToldOfDay {
    let weather = request.weather.as_ref().map(|weather| {
        fields.optional_number("weather.high_celsius", weather.high_celsius, -60.0, 60.0);
        fields.optional_number("weather.rain_mm", weather.rain_mm, 0.0, 2_000.0);
        fields.optional_number("weather.wind_kmh", weather.wind_kmh, 0.0, 500.0);
        Weather { high_celsius: weather.high_celsius, rain_mm: weather.rain_mm, wind_kmh: weather.wind_kmh }
    });
    fields.optional_number("event_attendance", request.event_attendance, 0.0, MOST_PEOPLE);
    ToldOfDay { weather, event_attendance: request.event_attendance }
}

/// What a request says of single products instead of their kept terms, in the market's currency.
pub(crate) fn instead(
    fields: &mut Fields,
    products: &[WhatIfProduct],
    currency: &str,
) -> HashMap<String, Instead> {
    if products.len() > MOST_PRODUCTS {
        fields.refuse("products", format!("must have at most {MOST_PRODUCTS} entries"));
        return HashMap::new();
    }
    let mut of = HashMap::with_capacity(products.len());
    for (index, product) in products.iter().enumerate() {
        let at = |name: &str| format!("products[{index}].{name}");
        fields.id(&at("product_id"), &product.product_id);
        let mut amount = |name: &str, told: Option<&larder_proto::google::r#type::Money>| {
            let amount = fields.amount(&at(name), told?)?;
            if amount.currency != currency {
                let accepted = format!("must be {currency}, the currency of the market");
                fields.refuse(&format!("{}.currency_code", at(name)), accepted);
            }
            Some(amount.micros)
        };
        let price_micros = amount("price", product.price.as_ref());
        let unit_cost_micros = amount("unit_cost", product.unit_cost.as_ref());
        if price_micros == Some(0) {
            fields.refuse(&at("price"), "must be above 0");
        }
        fields.optional_number(&at("quantity"), product.quantity, 0.0, MOST_UNITS);
        fields.optional_number(&at("left_over_units"), product.left_over_units, 0.0, MOST_UNITS);
        let instead = Instead {
            price_micros,
            unit_cost_micros,
            quantity: product.quantity,
            promoted: product.promoted,
            left_over_units: product.left_over_units,
        };
        if of.insert(product.product_id.clone(), instead).is_some() {
            fields.refuse(&at("product_id"), "must be an id that no other entry has");
        }
    }
    of
}

/// The lines of a plan in the order they are told, and what they add up to.
pub(crate) fn lines(planned: &PlannedDay, names: &HashMap<String, String>) -> Vec<PlanLine> {
    planned.lines.iter().map(|line| self::line(line, planned.plan.currency.code(), names)).collect()
}

fn line(line: &PlannedLine, currency: &str, names: &HashMap<String, String>) -> PlanLine {
    let PlannedLine { forecast, plan, .. } = line;
    let demand = &forecast.distribution;
    let (method, method_reason) = method(forecast.method);
    let amount = |micros: i64| Some(money(micros, currency));
    let held = |reason: &Reason| match reason {
        Reason::HeldBy(limit) => Some(limit_name(*limit).to_owned()),
        Reason::AtLeast { .. } | Reason::MinimumNotMet { .. } => Some("minimum".to_owned()),
        Reason::AtMost { .. } => Some("maximum".to_owned()),
        Reason::WholeBatch { .. } | Reason::BatchTooLarge { .. } => Some("batch".to_owned()),
        Reason::SetByVendor { .. } => Some("quantity".to_owned()),
        _ => None,
    };
    PlanLine {
        product_id: plan.product_id.clone(),
        name: names.get(&plan.product_id).cloned().unwrap_or_default(),
        quantity: plan.quantity,
        packs: plan.packs.map_or(0, |packs| i32::try_from(packs).unwrap_or(i32::MAX)),
        from_left_over: plan.from_stock,
        demand_p10: plan.demand_p10,
        demand_p50: plan.demand_p50,
        demand_p90: plan.demand_p90,
        demand_quantiles: (1..=QUANTILES).map(|at| demand.quantile(at as f64 / 20.0)).collect(),
        sell_out_probability: plan.chance_of_selling_out,
        expected_sold: plan.expected_sold,
        expected_left_over: plan.expected_left_over,
        expected_profit: amount(plan.expected_profit_micros),
        expected_waste_cost: amount(plan.expected_waste_cost_micros),
        critical_fractile: plan.critical_fractile,
        method: method.into(),
        method_reason: method_reason.to_owned(),
        factors: factors(line),
        reasons: plan.reasons.iter().map(ToString::to_string).collect(),
        binding_constraints: plan.reasons.iter().filter_map(held).collect(),
        day_count: i32::try_from(forecast.past_days).unwrap_or(i32::MAX),
        pooled_share: forecast.pooled_share,
        last_four_mean: line.last_four_mean,
    }
}

fn factors(line: &PlannedLine) -> Vec<DemandFactor> {
    let factor = |factor: &larder_demand::Factor| DemandFactor {
        kind: factor_name(factor.kind).to_owned(),
        effect: factor.effect,
        sentence: factor.to_string(),
    };
    line.forecast.factors.iter().map(factor).collect()
}

fn factor_name(kind: FactorKind) -> &'static str {
    match kind {
        FactorKind::Rain => "rain",
        FactorKind::Heat => "heat",
        FactorKind::Cold => "cold",
        FactorKind::Wind => "wind",
        FactorKind::Event => "event",
        FactorKind::Holiday => "holiday",
        FactorKind::BeforeHoliday => "before_holiday",
        FactorKind::SchoolHoliday => "school_holiday",
        FactorKind::Promotion => "promotion",
        FactorKind::Price => "price",
        FactorKind::Weekday => "weekday",
        FactorKind::Season => "season",
        FactorKind::Trend => "trend",
        FactorKind::SoldOut { .. } => "sell_outs",
        FactorKind::Pooling { .. } => "pooling",
    }
}

fn method(method: Method) -> (ForecastMethod, &'static str) {
    match method {
        Method::Model => (ForecastMethod::Model, ""),
        Method::Heuristic(HeuristicReason::FewDays) => (
            ForecastMethod::Pooled,
            "sold here on fewer than three days: other products and markets speak for it",
        ),
        Method::Heuristic(HeuristicReason::NoHistory) => {
            (ForecastMethod::Prior, "nothing was sold yet: a share of the visitors is assumed")
        }
        Method::Heuristic(HeuristicReason::NothingKnown) => (
            ForecastMethod::Prior,
            "nothing was sold yet and nobody counted visitors: tell usual_visitors, or how much you would bring",
        ),
        Method::Heuristic(HeuristicReason::ModelFailed) => {
            (ForecastMethod::Fallback, "the model had no answer: the last days were taken")
        }
    }
}

/// The name of a limit as the contract has it.
pub(crate) fn limit_name(limit: Limit) -> &'static str {
    match limit {
        Limit::Volume => "van_volume",
        Limit::Weight => "van_weight",
        Limit::Budget => "budget",
    }
}

fn source(source: Source) -> OutlookSource {
    match source {
        Source::Told => OutlookSource::Told,
        Source::Primary => OutlookSource::Primary,
        Source::Secondary => OutlookSource::Secondary,
        Source::Kept => OutlookSource::Kept,
        Source::Normals => OutlookSource::Normals,
        Source::Nobody => OutlookSource::None,
    }
}

/// What is known of the weather.
pub(crate) fn weather_to_wire(known: &KnownDay) -> WeatherOutlook {
    let known = &known.weather;
    WeatherOutlook {
        high_celsius: known.weather.high_celsius,
        rain_mm: known.weather.rain_mm,
        wind_kmh: known.weather.wind_kmh,
        source: source(known.source).into(),
        known_at: known.known_at_us.map(timestamp),
        rung: known.rung.to_owned(),
    }
}

/// What is known of the events.
pub(crate) fn events_to_wire(known: &KnownDay) -> EventOutlook {
    let known = &known.events;
    EventOutlook {
        names: known.names.iter().take(20).cloned().collect(),
        attendance: known.attendance.unwrap_or(0.0),
        source: source(known.source).into(),
        known_at: known.known_at_us.map(timestamp),
        rung: known.rung.to_owned(),
    }
}

/// What a plan's own wishes change, in the market's currency.
pub(crate) fn difference(difference: &PlanDifference, currency: &str) -> WhatIfDifference {
    let amount = |micros: i64| Some(money(micros, currency));
    let totals = &difference.totals;
    let products = difference.products.iter().map(|product| WhatIfProductDifference {
        product_id: product.product_id.clone(),
        quantity: product.quantity,
        expected_sold: product.expected_sold,
        expected_left_over: product.expected_left_over,
        expected_profit: amount(product.expected_profit_micros),
        sell_out_probability: product.chance_of_selling_out,
    });
    WhatIfDifference {
        expected_profit: amount(totals.expected_profit_micros),
        expected_revenue: amount(totals.expected_revenue_micros),
        expected_waste_cost: amount(totals.expected_waste_cost_micros),
        cost: amount(totals.spend_micros),
        products: products.collect(),
    }
}
