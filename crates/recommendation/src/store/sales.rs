//! The shelf of sales, with their sums by hour: the sums are made anew of everything in the same
//! transaction that writes, so they never drift from the sales.

use larder_identity::TenantId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::markets;

/// A checked sale on its way in; the day counts from 1970 and is the market's own.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewSale {
    pub(crate) sale_id: String,
    pub(crate) market_id: String,
    pub(crate) product_id: String,
    pub(crate) sold_at_us: i64,
    pub(crate) sold_on_day: i32,
    pub(crate) sold_at_minute: i16,
    pub(crate) quantity: f64,
    pub(crate) amount_micros: Option<i64>,
    pub(crate) returned_sale_id: String,
    pub(crate) promotion_id: String,
    pub(crate) source: String,
}

/// A product at a market on a day.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SaleDay {
    pub(crate) market_id: String,
    pub(crate) product_id: String,
    pub(crate) sold_on_day: i32,
}

/// The sales of a product at a market on a day.
#[derive(Clone, Debug)]
pub(crate) struct DaySum {
    pub(crate) market_id: String,
    pub(crate) product_id: String,
    pub(crate) sold_on_day: i32,
    /// Less what was given back.
    pub(crate) quantity: f64,
    pub(crate) amount_micros: i64,
    pub(crate) last_minute: Option<i16>,
    pub(crate) promoted_quantity: f64,
}

/// Units of a product that were sold in one minute of the day.
#[derive(Clone, Debug)]
pub(crate) struct MinuteSum {
    pub(crate) market_id: String,
    pub(crate) product_id: String,
    pub(crate) sold_on_day: i32,
    pub(crate) minute: i16,
    pub(crate) quantity: f64,
}

/// Inserts or replaces sales, whose ids must differ, and sums up the hours they touch, also those
/// that replaced sales were of.
pub(crate) async fn upsert(db: &mut PgConnection, tenant: &TenantId, sales: &[NewSale]) -> sqlx::Result<()> {
    let mut market_ids: Vec<_> = sales.iter().map(|sale| sale.market_id.clone()).collect();
    market_ids.sort_unstable();
    market_ids.dedup();
    markets::lock(db, tenant, &market_ids).await?;
    let sale_ids: Vec<_> = sales.iter().map(|sale| sale.sale_id.clone()).collect();
    let mut touched = days_of(db, tenant, &sale_ids).await?;
    sqlx::query_file!("src/store/sql/upsert_sales.sql", tenant.as_str(), Json(sales) as _)
        .execute(&mut *db)
        .await?;
    touched.extend(sales.iter().map(|sale| SaleDay {
        market_id: sale.market_id.clone(),
        product_id: sale.product_id.clone(),
        sold_on_day: sale.sold_on_day,
    }));
    touched.sort_unstable();
    touched.dedup();
    sum_up(db, tenant, &touched).await?;
    markets::count_change(db, tenant).await
}

async fn days_of(
    db: &mut PgConnection,
    tenant: &TenantId,
    sale_ids: &[String],
) -> sqlx::Result<Vec<SaleDay>> {
    sqlx::query_as!(
        SaleDay,
        r#"select distinct market_id, product_id, sold_on - date '1970-01-01' as "sold_on_day!"
           from recommendation.sales where tenant_id = $1 and sale_id = any($2)"#,
        tenant.as_str(),
        sale_ids
    )
    .fetch_all(db)
    .await
}

async fn sum_up(db: &mut PgConnection, tenant: &TenantId, days: &[SaleDay]) -> sqlx::Result<()> {
    sqlx::query_file!("src/store/sql/clear_sale_hours.sql", tenant.as_str(), Json(days) as _)
        .execute(&mut *db)
        .await?;
    sqlx::query_file!("src/store/sql/sum_sale_hours.sql", tenant.as_str(), Json(days) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// What was sold on each day from `from_day` on: everything forecasts learn from.
pub(crate) async fn day_sums(
    db: &mut PgConnection,
    tenant: &TenantId,
    (from_day, before_day): (i32, i32),
    market_id: Option<&str>,
) -> sqlx::Result<Vec<DaySum>> {
    sqlx::query_file_as!(
        DaySum,
        "src/store/sql/sum_sale_days.sql",
        tenant.as_str(),
        from_day,
        before_day,
        market_id
    )
    .fetch_all(db)
    .await
}

/// When in the day things were sold, on the latest days: at most `most` rows.
pub(crate) async fn minute_sums(
    db: &mut PgConnection,
    tenant: &TenantId,
    from_day: i32,
    most: i64,
) -> sqlx::Result<Vec<MinuteSum>> {
    sqlx::query_as!(
        MinuteSum,
        r#"select market_id, product_id, sold_on - date '1970-01-01' as "sold_on_day!",
                  sold_at_minute as minute, sum(quantity) as "quantity!"
           from recommendation.sales
           where tenant_id = $1 and sold_on >= date '1970-01-01' + $2::integer and quantity > 0
           group by market_id, product_id, sold_on, sold_at_minute
           order by sold_on desc, market_id, product_id, sold_at_minute
           limit $3"#,
        tenant.as_str(),
        from_day,
        most
    )
    .fetch_all(db)
    .await
}
