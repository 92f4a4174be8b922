//! The tour's market day: how much of each pizza to bring next Saturday, and why, beside what the
//! vendor's own rule would bring, and what a small van would change.

use jiff::{Timestamp, ToSpan};
use larder_proto::google::r#type::{Date, Money};
use larder_proto::larder::market::v1::{MarketPlan, PlanLine, PlanMarketDayRequest, WhatIfProduct};
use serde_json::{Value, json};

use crate::client::{Client, call_refused};
use crate::clock;
use crate::console::{Align, Columns, fit, heading, price};
use crate::demo_stand::TOUR_MARKET_ID;
use crate::error::CommandError;

const NAME_WIDTH: usize = 32;
const REASON_WIDTH: usize = 70;
/// A pizza box takes 4 litres.
const SMALL_VAN_L: f64 = 160.0;
/// What one pizza would cost to make if things went up, in cents.
const DEARER_CENTS: i64 = 1_200;

/// The plan of the tour and what was asked beside it.
pub(super) struct Saturday {
    plan: MarketPlan,
    /// The same day with a van that holds little.
    in_small_van: MarketPlan,
    /// The same day if one pizza cost much more to make.
    dearer: MarketPlan,
    dearer_product: String,
}

/// Plans the next Saturday.
pub(super) async fn plan(client: &Client) -> Result<Saturday, CommandError> {
    let held_on = next_saturday()?;
    let asked = PlanMarketDayRequest {
        market_id: TOUR_MARKET_ID.into(),
        held_on: Some(held_on),
        ..PlanMarketDayRequest::default()
    };
    let in_small_van =
        PlanMarketDayRequest { van_volume_l: Some(SMALL_VAN_L), what_if: true, ..asked.clone() };
    let plan = ask(client, asked.clone()).await?;
    let dearer_product = plan.lines.first().map(|line| line.product_id.clone()).unwrap_or_default();
    let unit_cost = Money { currency_code: "USD".into(), units: DEARER_CENTS / 100, nanos: 0 };
    let dearer = WhatIfProduct {
        product_id: dearer_product.clone(),
        unit_cost: Some(unit_cost),
        ..WhatIfProduct::default()
    };
    let dearer = PlanMarketDayRequest { products: vec![dearer], what_if: true, ..asked };
    Ok(Saturday {
        plan,
        in_small_van: ask(client, in_small_van).await?,
        dearer: ask(client, dearer).await?,
        dearer_product,
    })
}

async fn ask(client: &Client, request: PlanMarketDayRequest) -> Result<MarketPlan, CommandError> {
    let answer =
        client.market.clone().plan_market_day(request).await.map_err(call_refused("PlanMarketDay"))?;
    answer
        .into_inner()
        .plan
        .ok_or_else(|| CommandError::Refused("PlanMarketDay answered without a plan".into()))
}

/// The Saturday to come by the clock of the market, today if it is one.
fn next_saturday() -> Result<Date, CommandError> {
    let unknown = |error: jiff::Error| CommandError::Refused(format!("the day cannot be told: {error}"));
    let now = Timestamp::try_from(clock::now()).map_err(unknown)?;
    let today = now.in_tz("America/New_York").map_err(unknown)?.date();
    let ahead = (i32::from(jiff::civil::Weekday::Saturday.to_monday_one_offset())
        - i32::from(today.weekday().to_monday_one_offset()))
    .rem_euclid(7);
    let day = today.checked_add(ahead.days()).map_err(unknown)?;
    Ok(Date { year: day.year().into(), month: day.month().into(), day: day.day().into() })
}

impl Saturday {
    /// The plan for a person.
    pub(super) fn lines(&self) -> Vec<String> {
        let plan = &self.plan;
        let day = plan.held_on.as_ref().map(iso).unwrap_or_default();
        let title = format!("What a pizza stand should bring to {} on Saturday, {day}", plan.market_name);
        let mut columns = Columns::new(&[
            ("pizza", Align::Left),
            ("bring", Align::Right),
            ("expected", Align::Right),
            ("9 of 10 days", Align::Right),
            ("last four", Align::Right),
            ("sells out", Align::Right),
            ("why", Align::Left),
        ]);
        for line in &plan.lines {
            columns.push(vec![
                fit(&line.name, NAME_WIDTH),
                format!("{:.0}", line.quantity),
                format!("{:.0}", line.demand_p50),
                format!("{:.0} to {:.0}", line.demand_p10, line.demand_p90),
                format!("{:.0}", line.last_four_mean),
                format!("{:.0} %", line.sell_out_probability * 100.0),
                fit(&line.reasons.join("; "), REASON_WIDTH),
            ]);
        }
        let mut lines = vec![String::new(), heading(&title)];
        lines.extend(columns.lines());
        lines.push(String::new());
        lines.push(format!("  {}", self.sentence()));
        lines
    }

    fn sentence(&self) -> String {
        let total = |plan: &MarketPlan| plan.lines.iter().map(|line| line.quantity).sum::<f64>();
        let of = |plan: &MarketPlan| {
            let line = plan.lines.iter().find(|line| line.product_id == self.dearer_product);
            line.map_or(0.0, |line| line.quantity)
        };
        let profit = self.plan.expected_profit.as_ref().map(price).unwrap_or_default();
        let name = self.plan.lines.first().map(|line| line.name.as_str()).unwrap_or_default();
        format!(
            "{:.0} pizzas, {profit} expected profit. With a van of {SMALL_VAN_L:.0} litres: {:.0}. If a {name} cost 12.00 to make: {:.0} of it instead of {:.0}.",
            total(&self.plan),
            total(&self.in_small_van),
            of(&self.dearer),
            of(&self.plan)
        )
    }

    /// The plan for a program.
    pub(super) fn json(&self) -> Value {
        let line = |line: &PlanLine| {
            json!({
                "productId": line.product_id,
                "name": line.name,
                "quantity": line.quantity,
                "demandP10": line.demand_p10,
                "demandP50": line.demand_p50,
                "demandP90": line.demand_p90,
                "lastFourMean": line.last_four_mean,
                "method": line.method().as_str_name(),
                "reasons": line.reasons,
            })
        };
        json!({
            "marketId": self.plan.market_id,
            "heldOn": self.plan.held_on.as_ref().map(iso),
            "modelVersion": self.plan.model_version,
            "expectedProfit": self.plan.expected_profit.as_ref().map(price),
            "lines": self.plan.lines.iter().map(line).collect::<Vec<_>>(),
            "linesInSmallVan": self.in_small_van.lines.iter().map(line).collect::<Vec<_>>(),
            "degraded": self.plan.degraded,
        })
    }
}

fn iso(day: &Date) -> String {
    format!("{:04}-{:02}-{:02}", day.year, day.month, day.day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_saturday_is_a_saturday_within_a_week() {
        let day = next_saturday().unwrap();
        let date = jiff::civil::Date::new(day.year as i16, day.month as i8, day.day as i8).unwrap();
        assert_eq!(date.weekday(), jiff::civil::Weekday::Saturday, "{}", iso(&day));
    }
}
