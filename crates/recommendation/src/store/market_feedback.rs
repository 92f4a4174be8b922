//! The shelf of feedback: how each product did on a day, with what was foretold at the time.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

/// Feedback on one product on one day, on its way in; the day counts from 1970.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewFeedback {
    pub(crate) market_id: String,
    pub(crate) held_on_day: i32,
    pub(crate) product_id: String,
    pub(crate) recommended: Option<f64>,
    pub(crate) own_plan: Option<f64>,
    pub(crate) brought: f64,
    /// Absent takes what was recorded as sales.
    pub(crate) sold: Option<f64>,
    pub(crate) left_over: Option<f64>,
    pub(crate) sold_out_at_minute: Option<i16>,
    /// 19 quantiles, .05 to .95; empty when nothing was foretold.
    pub(crate) quantiles: Vec<f64>,
    pub(crate) currency: String,
    pub(crate) price_micros: Option<i64>,
    pub(crate) unit_cost_micros: Option<i64>,
    pub(crate) salvage_micros: Option<i64>,
    pub(crate) goodwill_micros: Option<i64>,
    pub(crate) disposal_micros: Option<i64>,
    pub(crate) is_fractional: bool,
    pub(crate) model_version: String,
    pub(crate) submitted_at_us: i64,
}

/// Feedback with what was recorded as sales, and the hours of the market.
#[derive(Clone, Debug)]
pub(crate) struct FeedbackRow {
    pub(crate) market_id: String,
    pub(crate) held_on_day: i32,
    pub(crate) product_id: String,
    pub(crate) product_name: String,
    pub(crate) recommended: Option<f64>,
    pub(crate) own_plan: Option<f64>,
    pub(crate) brought: f64,
    pub(crate) sold: Option<f64>,
    /// By the sales; absent when there are none.
    pub(crate) sales_quantity: Option<f64>,
    /// Of the last sale.
    pub(crate) last_minute: Option<i16>,
    pub(crate) left_over: Option<f64>,
    pub(crate) sold_out_at_minute: Option<i16>,
    pub(crate) quantiles: Vec<f64>,
    pub(crate) currency: String,
    pub(crate) price_micros: Option<i64>,
    pub(crate) unit_cost_micros: Option<i64>,
    pub(crate) salvage_micros: Option<i64>,
    pub(crate) goodwill_micros: Option<i64>,
    pub(crate) disposal_micros: Option<i64>,
    pub(crate) is_fractional: bool,
    pub(crate) model_version: String,
    pub(crate) submitted_at_us: i64,
    pub(crate) opens_at_minute: i16,
    pub(crate) closes_at_minute: i16,
}

/// Which feedback is wanted; days count from 1970.
#[derive(Clone, Debug, Default)]
pub(crate) struct FeedbackFilter {
    pub(crate) market_id: Option<String>,
    pub(crate) product_id: Option<String>,
    pub(crate) from_day: Option<i32>,
    pub(crate) until_day: Option<i32>,
}

/// A place in the list: feedback behind this day, market and product.
#[derive(Clone, Debug)]
pub(crate) struct FeedbackPlace {
    pub(crate) held_on_day: i32,
    pub(crate) market_id: String,
    pub(crate) product_id: String,
}

/// Inserts or replaces feedback; no two rows may be of one product on one day at one market.
pub(crate) async fn upsert(
    db: &mut PgConnection,
    tenant: &TenantId,
    rows: &[NewFeedback],
) -> sqlx::Result<()> {
    sqlx::query_file!("src/store/sql/upsert_market_feedback.sql", tenant.as_str(), Json(rows) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// A page of feedback, the latest day first, then by market and product.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    filter: &FeedbackFilter,
    after: Option<&FeedbackPlace>,
    size: i64,
) -> sqlx::Result<Vec<FeedbackRow>> {
    sqlx::query_file_as!(
        FeedbackRow,
        "src/store/sql/list_market_feedback.sql",
        tenant.as_str(),
        filter.market_id,
        filter.product_id,
        filter.from_day,
        filter.until_day,
        after.map(|place| place.held_on_day),
        after.map(|place| place.market_id.as_str()),
        after.map(|place| place.product_id.as_str()),
        size
    )
    .fetch_all(db)
    .await
}
