//! Feedback and its statistics out.

use std::collections::BTreeSet;

use larder_demand::SalesCurve;
use larder_demand::feedback::{
    Grouping, JudgedRecord, LastDaysRule, MoneyTotals, Period, Statistics, StatisticsSettings, TrainingStand,
    TriggerSettings, judge, retraining_triggers, statistics,
};
use larder_proto::larder::market::v1::*;

use crate::convert::{date, money, timestamp};
use crate::days::day_of;
use crate::market::{records, signs};
use crate::store::demand_models::{DemandModelRow, Sign};
use crate::store::market_feedback::FeedbackRow;

/// One row with what follows from it.
pub(crate) fn to_wire(row: &FeedbackRow) -> Feedback {
    let record = [records::record(row, &SalesCurve::even())];
    let judged = judge(&record, &LastDaysRule::default());
    let one = &judged[0];
    let variance = one.variance_of_brought();
    let amount = |micros: Option<i64>| micros.map(|micros| money(micros, &row.currency));
    let costs = statistics(&judged, Grouping::default(), &StatisticsSettings::default());
    let cost =
        costs.first().and_then(|sum| sum.money.first()).map(|(_, total)| total.newsvendor_cost_micros());
    let demand = record[0].forecast.as_ref().map(|given| &given.demand);
    Feedback {
        market_id: row.market_id.clone(),
        held_on: Some(date(row.held_on_day)),
        product_id: row.product_id.clone(),
        product_name: row.product_name.clone(),
        recommended: row.recommended,
        own_plan: row.own_plan,
        brought: row.brought,
        sold: one.sold,
        left_over: one.not_sold(),
        sold_out_at_minute: row.sold_out_at_minute.map(i32::from),
        variance: variance.map(|variance| variance.absolute),
        variance_percent: variance.and_then(|variance| variance.percent),
        demand_p10: demand.map(|demand| demand.quantile(0.1)),
        demand_p50: demand.map(|demand| demand.quantile(0.5)),
        demand_p90: demand.map(|demand| demand.quantile(0.9)),
        realised_cost: amount(cost),
        price: amount(row.price_micros),
        unit_cost: amount(row.unit_cost_micros),
        model_version: row.model_version.clone(),
        submitted_at: Some(timestamp(row.submitted_at_us)),
        notices: one.flags.iter().map(ToString::to_string).collect(),
    }
}

/// Statistics of judged feedback; `stand` is which model answers and what it has learnt from.
pub(crate) fn stats(
    judged: &[JudgedRecord<'_>],
    group_by: FeedbackGroup,
    stand: TrainingStand,
) -> GetFeedbackStatsResponse {
    let settings = StatisticsSettings::default();
    let grouping = Grouping {
        by_product: group_by == FeedbackGroup::Product,
        by_market: group_by == FeedbackGroup::Market,
        by_period: match group_by {
            FeedbackGroup::Week => Some(Period::Week),
            FeedbackGroup::Month => Some(Period::Month),
            _ => None,
        },
    };
    let total =
        statistics(judged, Grouping::default(), &settings).first().map(|sum| sum_to_wire(sum, judged, None));
    let stats = match group_by {
        FeedbackGroup::Unspecified => Vec::new(),
        _ => statistics(judged, grouping, &settings)
            .iter()
            .map(|sum| sum_to_wire(sum, judged, grouping.by_period))
            .collect(),
    };
    let signs = retraining_triggers(judged, &stand, &TriggerSettings::default());
    let signs = signs.iter().map(|trigger| sign(signs::of(trigger))).collect();
    GetFeedbackStatsResponse { total, stats, signs }
}

fn sum_to_wire(sum: &Statistics, judged: &[JudgedRecord<'_>], period: Option<Period>) -> FeedbackStats {
    let key = &sum.key;
    let of_group = |one: &&JudgedRecord<'_>| {
        key.product_id.as_ref().is_none_or(|id| *id == one.record.product_id)
            && key.market_id.as_ref().is_none_or(|id| *id == one.record.market_id)
            && period.map(|period| period.start(one.record.date)) == key.period_start
    };
    let days: BTreeSet<_> = judged.iter().filter(of_group).map(|one| one.record.date).collect();
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let amount = |of: fn(&MoneyTotals) -> i64| {
        sum.money.first().map(|(currency, total)| money(of(total), currency.code()))
    };
    let p90 = sum.calibration.iter().find(|of| (of.level - 0.9).abs() < 1e-9);
    FeedbackStats {
        product_id: key.product_id.clone().unwrap_or_default(),
        market_id: key.market_id.clone().unwrap_or_default(),
        period_starts_on: key.period_start.map(|day| date(day_of(day))),
        day_count: count(days.len()),
        row_count: count(sum.days),
        mean_variance: sum.variance_of_brought.mean,
        mean_absolute_variance_percent: sum.variance_of_brought.mean_absolute_percent.unwrap_or(0.0),
        accuracy_rate: sum.accuracy.rate().unwrap_or(0.0),
        bias: sum.bias.unwrap_or(0.0),
        service_level: sum.service_level.unwrap_or(0.0),
        fill_rate: sum.fill_rate.unwrap_or(0.0),
        left_over_rate: sum.waste_share.unwrap_or(0.0),
        waste_cost: amount(|total| total.waste_cost_micros),
        saved_against_own_plan: amount(|total| total.saved_over_own_plan.estimate_micros),
        saved_against_last_four: amount(|total| total.saved_over_last_days_rule.estimate_micros),
        coverage_p90: p90.and_then(larder_demand::feedback::Calibration::share).unwrap_or(0.0),
        sold_out_count: count(sum.days_sold_out),
    }
}

fn sign(sign: Sign) -> RetrainingSign {
    let Sign { kind, product_id, value, limit, sentence } = sign;
    RetrainingSign { kind, product_id, value, limit, sentence }
}

/// A model that was written down, out.
pub(crate) fn demand_model(row: DemandModelRow) -> DemandModel {
    let state = match row.state.as_str() {
        "serving" => DemandModelState::Serving,
        "previous" => DemandModelState::Previous,
        "rejected" => DemandModelState::Rejected,
        _ => DemandModelState::Retired,
    };
    DemandModel {
        model_version: row.model_version,
        state: state.into(),
        made_at: Some(timestamp(row.made_at_us)),
        learns_from: row.learns_from_day.map(date),
        compared_day_count: row.compared_days,
        loss: row.loss,
        loss_of_champion: row.loss_of_champion,
        coverage_p90: row.coverage_p90,
        coverage_p90_of_champion: row.coverage_p90_of_champion,
        verdict: row.verdict,
        decided_at: Some(timestamp(row.decided_at_us)),
        signs: row.signs.0.into_iter().map(sign).collect(),
    }
}
