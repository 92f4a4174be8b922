//! Rows of the tables of market days.

use larder_exchange::{Row, Table, Value};
use larder_proto::larder::market::v1::MarketPlan;

use super::{Filled, micros};
use crate::convert::feedback::to_wire;
use crate::store::market_feedback::FeedbackRow;

/// A row of feedback.
pub(crate) fn feedback(table: &Table, row: &FeedbackRow) -> Row {
    let row = to_wire(row);
    let currency = row.price.as_ref().or(row.unit_cost.as_ref()).or(row.realised_cost.as_ref());
    let currency = currency.map(|money| money.currency_code.clone()).unwrap_or_default();
    let minute = row.sold_out_at_minute.map(i64::from);
    Filled::new(table)
        .day("held_on", row.held_on.as_ref())
        .text("market_id", &row.market_id)
        .text("product_id", &row.product_id)
        .text("product_name", &row.product_name)
        .number("recommended", row.recommended)
        .number("own_plan", row.own_plan)
        .number("brought", Some(row.brought))
        .number("sold", row.sold)
        .number("left_over", row.left_over)
        .put("sold_out_at_minute", Value::maybe(minute, Value::Integer))
        .number("variance", row.variance)
        .put("variance_percent", Value::maybe(row.variance_percent.map(|part| part * 100.0), Value::Percent))
        .number("demand_p10", row.demand_p10)
        .number("demand_p50", row.demand_p50)
        .number("demand_p90", row.demand_p90)
        .money("realised_cost", row.realised_cost.as_ref())
        .money("price", row.price.as_ref())
        .money("unit_cost", row.unit_cost.as_ref())
        .text("currency", currency)
        .text("model_version", &row.model_version)
        .put("notices", Value::list(row.notices))
        .row
}

/// The rows of a plan, one a product.
pub(crate) fn plan_lines(table: &Table, plan: &MarketPlan) -> Vec<Row> {
    let planned_at = plan.planned_at.as_ref().map(|at| at.seconds * 1_000_000 + i64::from(at.nanos) / 1_000);
    let of = |line: &larder_proto::larder::market::v1::PlanLine| {
        let currency = line.expected_profit.as_ref().or(line.expected_waste_cost.as_ref());
        let waste = line.expected_waste_cost.as_ref().map(micros);
        Filled::new(table)
            .day("held_on", plan.held_on.as_ref())
            .text("market_id", &plan.market_id)
            .text("market_name", &plan.market_name)
            .text("product_id", &line.product_id)
            .text("product_name", &line.name)
            .number("quantity", Some(line.quantity))
            .put("packs", Value::Integer(line.packs.into()))
            .number("from_left_over", Some(line.from_left_over))
            .number("demand_p10", Some(line.demand_p10))
            .number("demand_p50", Some(line.demand_p50))
            .number("demand_p90", Some(line.demand_p90))
            .put("sell_out_percent", Value::Percent(line.sell_out_probability * 100.0))
            .number("expected_sold", Some(line.expected_sold))
            .number("expected_left_over", Some(line.expected_left_over))
            .money("expected_profit", line.expected_profit.as_ref())
            .put("expected_waste_cost", Value::maybe(waste, Value::Money))
            .text("currency", currency.map(|money| money.currency_code.clone()).unwrap_or_default())
            .put("reasons", Value::list(line.reasons.clone()))
            .text("model_version", &plan.model_version)
            .put("planned_at", Value::maybe(planned_at, Value::Instant))
            .row
    };
    plan.lines.iter().map(of).collect()
}
