//! The shelf of markets: where and when a vendor sells.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Error;

/// A checked market on its way in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewMarket {
    pub(crate) market_id: String,
    pub(crate) name: String,
    pub(crate) time_zone: String,
    pub(crate) country: String,
    pub(crate) subdivision: String,
    pub(crate) latitude: Option<f64>,
    pub(crate) longitude: Option<f64>,
    pub(crate) opens_at_minute: i16,
    pub(crate) closes_at_minute: i16,
    /// Monday is 1.
    pub(crate) weekdays: Vec<i16>,
    pub(crate) usual_visitors: Option<i32>,
    pub(crate) van_volume_l: Option<f64>,
    pub(crate) van_weight_kg: Option<f64>,
    pub(crate) currency: String,
    pub(crate) square_location_id: String,
    pub(crate) event_calendar_urls: Vec<String>,
}

/// A market as it lies in the table.
#[derive(Clone, Debug)]
pub(crate) struct MarketRow {
    pub(crate) market_id: String,
    pub(crate) name: String,
    pub(crate) time_zone: String,
    pub(crate) country: String,
    pub(crate) subdivision: String,
    pub(crate) latitude: Option<f64>,
    pub(crate) longitude: Option<f64>,
    pub(crate) opens_at_minute: i16,
    pub(crate) closes_at_minute: i16,
    pub(crate) weekdays: Vec<i16>,
    pub(crate) usual_visitors: Option<i32>,
    pub(crate) van_volume_l: Option<f64>,
    pub(crate) van_weight_kg: Option<f64>,
    pub(crate) currency: String,
    pub(crate) square_location_id: String,
    pub(crate) event_calendar_urls: Vec<String>,
    pub(crate) created_at_us: i64,
    pub(crate) updated_at_us: i64,
}

/// Inserts or replaces markets in one statement; their ids must differ.
pub(crate) async fn upsert(
    db: &mut PgConnection,
    tenant: &TenantId,
    markets: &[NewMarket],
) -> sqlx::Result<()> {
    sqlx::query_file!("src/store/sql/upsert_markets.sql", tenant.as_str(), Json(markets) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// One market that is not hidden.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    market_id: &str,
) -> Result<MarketRow, Error> {
    let found = of_ids(db, tenant, &[market_id.to_owned()]).await?;
    found.into_iter().next().ok_or(Error::NotFound { noun: "market" })
}

/// The markets of these ids that are not hidden.
pub(crate) async fn of_ids(
    db: &mut PgConnection,
    tenant: &TenantId,
    market_ids: &[String],
) -> sqlx::Result<Vec<MarketRow>> {
    select(db, tenant, "", Some(market_ids), i64::MAX).await
}

/// A page of markets by id.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    after: &str,
    size: i64,
) -> sqlx::Result<Vec<MarketRow>> {
    select(db, tenant, after, None, size).await
}

async fn select(
    db: &mut PgConnection,
    tenant: &TenantId,
    after: &str,
    market_ids: Option<&[String]>,
    size: i64,
) -> sqlx::Result<Vec<MarketRow>> {
    sqlx::query_file_as!(
        MarketRow,
        "src/store/sql/list_markets.sql",
        tenant.as_str(),
        after,
        market_ids,
        size
    )
    .fetch_all(db)
    .await
}

/// Hides a market; its sales stay.
pub(crate) async fn hide(db: &mut PgConnection, tenant: &TenantId, market_id: &str) -> Result<(), Error> {
    let hidden = sqlx::query!(
        "update recommendation.markets set deleted_at = now()
         where tenant_id = $1 and market_id = $2 and deleted_at is null",
        tenant.as_str(),
        market_id
    )
    .execute(db)
    .await?;
    if hidden.rows_affected() == 0 { Err(Error::NotFound { noun: "market" }) } else { Ok(()) }
}

/// Lets nobody else write sales of these markets until the transaction ends, so that sums of them
/// are made of everything.
pub(crate) async fn lock(
    db: &mut PgConnection,
    tenant: &TenantId,
    market_ids: &[String],
) -> sqlx::Result<()> {
    sqlx::query!(
        "select market_id from recommendation.markets
         where tenant_id = $1 and market_id = any($2) order by market_id for no key update",
        tenant.as_str(),
        market_ids
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// Notes that forecasts have something new to learn from.
pub(crate) async fn count_change(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.market_changes (tenant_id, changes) values ($1, 1)
         on conflict (tenant_id) do update set changes = recommendation.market_changes.changes + 1",
        tenant.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How often something was written that forecasts learn from.
pub(crate) async fn changes(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<i64> {
    let changes = sqlx::query_scalar!(
        "select changes from recommendation.market_changes where tenant_id = $1",
        tenant.as_str()
    )
    .fetch_optional(db)
    .await?;
    Ok(changes.unwrap_or(0))
}
