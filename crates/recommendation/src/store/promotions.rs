//! The shelf of promotions.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Error;

/// A checked promotion on its way in; instants in microseconds since 1970.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewPromotion {
    pub(crate) promotion_id: String,
    pub(crate) name: String,
    pub(crate) product_ids: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) discount_percent: f64,
    pub(crate) starts_at_us: i64,
    pub(crate) ends_at_us: i64,
}

/// A promotion as it lies in the table.
pub(crate) struct PromotionRow {
    pub(crate) promotion_id: String,
    pub(crate) name: String,
    pub(crate) product_ids: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) discount_percent: f64,
    pub(crate) starts_at_us: i64,
    pub(crate) ends_at_us: i64,
    pub(crate) created_at_us: i64,
    pub(crate) updated_at_us: i64,
}

/// Inserts or replaces promotions in one statement; their ids must differ.
pub(crate) async fn upsert(
    db: &mut PgConnection,
    tenant: &TenantId,
    promotions: &[NewPromotion],
) -> sqlx::Result<()> {
    sqlx::query_file!("src/store/sql/upsert_promotions.sql", tenant.as_str(), Json(promotions) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// One promotion that is not hidden.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    promotion_id: &str,
) -> Result<PromotionRow, Error> {
    let row =
        sqlx::query_file_as!(PromotionRow, "src/store/sql/get_promotion.sql", tenant.as_str(), promotion_id)
            .fetch_optional(db)
            .await?;
    row.ok_or(Error::NotFound { noun: "promotion" })
}

/// A page of promotions by id, of those in force at `active_at_us` when it is given.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    after: &str,
    active_at_us: Option<i64>,
    size: i64,
) -> sqlx::Result<Vec<PromotionRow>> {
    sqlx::query_file_as!(
        PromotionRow,
        "src/store/sql/list_promotions.sql",
        tenant.as_str(),
        after,
        active_at_us,
        size
    )
    .fetch_all(db)
    .await
}

/// Hides a promotion.
pub(crate) async fn hide(db: &mut PgConnection, tenant: &TenantId, promotion_id: &str) -> Result<(), Error> {
    let hidden = sqlx::query!(
        "update recommendation.promotions set deleted_at = now()
         where tenant_id = $1 and promotion_id = $2 and deleted_at is null",
        tenant.as_str(),
        promotion_id
    )
    .execute(db)
    .await?;
    if hidden.rows_affected() == 0 { Err(Error::NotFound { noun: "promotion" }) } else { Ok(()) }
}
