//! Feedback as it is judged: what was foretold, planned, brought and sold of each product on each day,
//! with the days between of which only sales are known.

use std::collections::HashSet;

use larder_demand::feedback::{FeedbackRecord, GivenForecast};
use larder_demand::quantity::{Currency, Terms};
use larder_demand::{Distribution, SalesCurve};
use larder_identity::TenantId;
use sqlx::PgConnection;

use super::hours::Hours;
use crate::days::date_of;
use crate::error::Error;
use crate::store::market_feedback::{self, FeedbackFilter, FeedbackRow};
use crate::store::sales;

const ALL: i64 = 1_000_000;
/// Far enough back for any rule of last days.
const DAYS_BEFORE: i32 = 400;
const LAST_DAY: i32 = 2_932_896;

/// Records with which of them somebody gave feedback on.
pub(crate) struct Records {
    pub(crate) records: Vec<FeedbackRecord>,
    pub(crate) given: HashSet<(String, String, jiff::civil::Date)>,
}

/// Reads the feedback of a filter, and the sales of the days before and between.
pub(crate) async fn read(
    db: &mut PgConnection,
    tenant: &TenantId,
    filter: &FeedbackFilter,
    curve: &SalesCurve,
) -> Result<Records, Error> {
    let before = filter.from_day.map(|day| day.saturating_sub(DAYS_BEFORE));
    let wide = FeedbackFilter { from_day: before, ..filter.clone() };
    let rows = market_feedback::list(db, tenant, &wide, None, ALL).await?;
    let first = rows.iter().map(|row| row.held_on_day).min().unwrap_or(LAST_DAY);
    let days = (first.saturating_sub(DAYS_BEFORE), filter.until_day.map_or(LAST_DAY, |day| day + 1));
    let sums = sales::day_sums(db, tenant, days, filter.market_id.as_deref()).await?;
    let known: HashSet<_> =
        rows.iter().map(|row| (row.product_id.clone(), row.market_id.clone(), row.held_on_day)).collect();
    let wanted = |product_id: &str| filter.product_id.as_deref().is_none_or(|only| only == product_id);
    let sold_only = sums.into_iter().filter(|sum| {
        wanted(&sum.product_id)
            && !known.contains(&(sum.product_id.clone(), sum.market_id.clone(), sum.sold_on_day))
    });
    let mut records: Vec<_> = sold_only
        .map(|sum| FeedbackRecord {
            sold: Some(sum.quantity.max(0.0)),
            whole_units: false,
            ..FeedbackRecord::new(sum.product_id, sum.market_id, date_of(sum.sold_on_day))
        })
        .collect();
    let in_period = |row: &&FeedbackRow| filter.from_day.is_none_or(|from_day| row.held_on_day >= from_day);
    let given = rows
        .iter()
        .filter(in_period)
        .map(|row| (row.product_id.clone(), row.market_id.clone(), date_of(row.held_on_day)));
    let given = given.collect();
    records.extend(rows.iter().map(|row| record(row, curve)));
    Ok(Records { records, given })
}

/// One row as it is judged.
pub(crate) fn record(row: &FeedbackRow, curve: &SalesCurve) -> FeedbackRecord {
    let hours = Hours { opens_at: row.opens_at_minute, closes_at: row.closes_at_minute };
    let sold = row.sold.or(row.sales_quantity.map(|quantity| quantity.max(0.0)));
    let sold_all = sold.is_some_and(|sold| row.brought > 0.0 && sold >= row.brought - 1e-9);
    let last_minute = row.last_minute.filter(|_| sold_all);
    let sold_out_at = row.sold_out_at_minute.or(last_minute).map(|minute| hours.share(minute));
    let demand_estimate = sold.zip(sold_out_at).map(|(sold, at)| sold / curve.share_by(at).max(0.5));
    FeedbackRecord {
        whole_units: !row.is_fractional,
        recommended: row.recommended,
        planned: row.own_plan,
        brought: Some(row.brought),
        sold,
        left_over: row.left_over,
        sold_out_at,
        demand_estimate,
        terms: terms(row),
        left_over_cost_micros: None,
        forecast: forecast(row),
        ..FeedbackRecord::new(row.product_id.clone(), row.market_id.clone(), date_of(row.held_on_day))
    }
}

fn terms(row: &FeedbackRow) -> Option<Terms> {
    let currency = Currency::parse("currency", &row.currency).ok()?;
    Some(Terms {
        salvage_micros: row.salvage_micros.unwrap_or(0),
        goodwill_micros: row.goodwill_micros.unwrap_or(0),
        disposal_micros: row.disposal_micros.unwrap_or(0),
        ..Terms::new(currency, row.price_micros?, row.unit_cost_micros?)
    })
}

/// The forecast of the day, out of the quantiles that were kept of it.
fn forecast(row: &FeedbackRow) -> Option<GivenForecast> {
    let kept = &row.quantiles;
    let last = kept.len().checked_sub(1)?;
    let demand = Distribution::from_fn(|level| {
        let place = (level * (kept.len() + 1) as f64 - 1.0).clamp(0.0, last as f64);
        let below = place.floor() as usize;
        let above = (below + 1).min(last);
        kept[below] + (place - below as f64) * (kept[above] - kept[below])
    });
    Some(GivenForecast { demand: demand.ok()?, model_version: row.model_version.clone() })
}
