//! The shelf of stock counts: what was left of a product at a market when the vendor's shop counted it last on a day.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

/// A count; the day counts from 1970, the minute by the market's clock.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct StockCountRow {
    pub(crate) market_id: String,
    pub(crate) product_id: String,
    pub(crate) counted_on_day: i32,
    pub(crate) counted_at_us: i64,
    pub(crate) counted_at_minute: i16,
    pub(crate) quantity: f64,
}

/// Keeps counts, each in the place of an earlier one of the same day.
pub(crate) async fn keep(
    db: &mut PgConnection,
    tenant: &TenantId,
    rows: &[StockCountRow],
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into recommendation.stock_counts as known
               (tenant_id, market_id, product_id, counted_on, counted_at, counted_at_minute, quantity)
           select $1, market_id, product_id, date '1970-01-01' + counted_on_day,
                  recommendation.from_micros(counted_at_us), counted_at_minute, quantity
           from jsonb_to_recordset($2) as row (
               market_id text, product_id text, counted_on_day integer, counted_at_us bigint,
               counted_at_minute smallint, quantity double precision
           )
           on conflict (tenant_id, market_id, product_id, counted_on) do update set
               counted_at = excluded.counted_at,
               counted_at_minute = excluded.counted_at_minute,
               quantity = excluded.quantity
           where known.counted_at <= excluded.counted_at"#,
        tenant.as_str(),
        Json(rows) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The counts of the days from one on.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    from_day: i32,
) -> sqlx::Result<Vec<StockCountRow>> {
    sqlx::query_as!(
        StockCountRow,
        r#"select market_id, product_id, counted_on - date '1970-01-01' as "counted_on_day!",
                  recommendation.to_micros(counted_at) as "counted_at_us!", counted_at_minute, quantity
           from recommendation.stock_counts
           where tenant_id = $1 and counted_on >= date '1970-01-01' + $2::integer
           order by market_id, product_id, counted_on"#,
        tenant.as_str(),
        from_day
    )
    .fetch_all(db)
    .await
}
