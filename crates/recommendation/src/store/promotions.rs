//! The shelf of promotions.

use std::collections::HashMap;

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Error;
use crate::profile::Promotion;
use crate::store::LogPosition;

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

/// Inserts or replaces promotions in one statement; their ids must differ. Returns the place
/// of each in the order of changes.
pub(crate) async fn upsert(
    db: &mut PgConnection,
    tenant: &TenantId,
    promotions: &[NewPromotion],
) -> sqlx::Result<HashMap<String, LogPosition>> {
    let rows =
        sqlx::query_file!("src/store/sql/upsert_promotions.sql", tenant.as_str(), Json(promotions) as _)
            .fetch_all(db)
            .await?;
    let place = |xid, sequence| LogPosition { xid, sequence };
    Ok(rows.into_iter().map(|row| (row.promotion_id, place(row.changed_xid, row.changed_sequence))).collect())
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

/// Hides a promotion and returns its place in the order of changes.
pub(crate) async fn hide(
    db: &mut PgConnection,
    tenant: &TenantId,
    promotion_id: &str,
) -> Result<LogPosition, Error> {
    let place = sqlx::query_as!(
        LogPosition,
        "update recommendation.promotions
         set deleted_at = now(), changed_xid = pg_current_xact_id()::text::bigint,
             changed_sequence = nextval('recommendation.change_sequence')
         where tenant_id = $1 and promotion_id = $2 and deleted_at is null
         returning changed_xid as xid, changed_sequence as sequence",
        tenant.as_str(),
        promotion_id
    )
    .fetch_optional(db)
    .await?;
    place.ok_or(Error::NotFound { noun: "promotion" })
}

/// A promotion in the log of changes, as the follower reads it.
pub(crate) struct ChangedPromotion {
    pub(crate) tenant_id: String,
    pub(crate) promotion_id: String,
    pub(crate) position: LogPosition,
    /// `None` when the promotion is hidden.
    pub(crate) promotion: Option<Promotion>,
}

/// The next changes of promotions of all tenants after `after`; for the worker role alone.
pub(crate) async fn changes(
    db: &mut PgConnection,
    after: LogPosition,
    most: i64,
) -> sqlx::Result<Vec<ChangedPromotion>> {
    let rows = sqlx::query!(
        r#"select tenant_id, promotion_id, product_ids, categories,
                  recommendation.to_micros(starts_at) as "starts_at_us!",
                  recommendation.to_micros(ends_at) as "ends_at_us!",
                  deleted_at is not null as "hidden!", changed_xid, changed_sequence
           from recommendation.promotions
           where (changed_xid, changed_sequence) > ($1, $2)
           order by changed_xid, changed_sequence
           limit $3"#,
        after.xid,
        after.sequence,
        most
    )
    .fetch_all(db)
    .await?;
    let changed = rows.into_iter().map(|row| ChangedPromotion {
        tenant_id: row.tenant_id,
        promotion_id: row.promotion_id,
        position: LogPosition { xid: row.changed_xid, sequence: row.changed_sequence },
        promotion: (!row.hidden).then_some(Promotion {
            product_ids: row.product_ids,
            categories: row.categories,
            starts_at_us: row.starts_at_us,
            ends_at_us: row.ends_at_us,
        }),
    });
    Ok(changed.collect())
}
