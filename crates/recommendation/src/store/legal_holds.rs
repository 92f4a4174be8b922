//! The shelf of legal holds: on whom, why, since when and by whom, and how each ended. That nothing is deleted under one is
//! seen to by a trigger of every table in the inventory.

use larder_identity::TenantId;
use sqlx::PgConnection;

use crate::error::Error;

/// A hold as it lies in the table.
pub(crate) struct HoldRow {
    pub(crate) hold_id: String,
    pub(crate) customer_id: String,
    pub(crate) reason: String,
    pub(crate) set_by: String,
    pub(crate) set_at_us: i64,
    pub(crate) released_by: Option<String>,
    pub(crate) release_reason: Option<String>,
    pub(crate) released_at_us: Option<i64>,
}

/// A hold that is to be put on a customer, or the end of one.
pub(crate) struct Told<'a> {
    pub(crate) hold_id: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) by: &'a str,
    pub(crate) at_us: i64,
}

/// Waits for every deletion of the tenant that is under way; those that come wait until the hold is there.
pub(crate) async fn wait_for_deletions(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('legal holds of ' || $1, 0))",
        tenant.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps holds from being put on anybody until the transaction ends.
pub(crate) async fn keep_away(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock_shared(hashtextextended('legal holds of ' || $1, 0))",
        tenant.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts a hold on a customer.
pub(crate) async fn set(
    db: &mut PgConnection,
    tenant: &TenantId,
    customer_id: &str,
    told: &Told<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.legal_holds (tenant_id, hold_id, customer_id, reason, set_by, set_at)
         values ($1, $2, $3, $4, $5, recommendation.from_micros($6))",
        tenant.as_str(),
        told.hold_id,
        customer_id,
        told.reason,
        told.by,
        told.at_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a hold that is in force and tells whether it did.
pub(crate) async fn release(db: &mut PgConnection, tenant: &TenantId, told: &Told<'_>) -> sqlx::Result<bool> {
    let released = sqlx::query!(
        "update recommendation.legal_holds
         set released_by = $3, release_reason = $4, released_at = recommendation.from_micros($5)
         where tenant_id = $1 and hold_id = $2 and released_at is null",
        tenant.as_str(),
        told.hold_id,
        told.by,
        told.reason,
        told.at_us
    )
    .execute(db)
    .await?;
    Ok(released.rows_affected() > 0)
}

/// Holds, the newest first: one by its id, those of a customer, or all.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    (hold_id, customer_id): (Option<&str>, Option<&str>),
    with_released: bool,
    most: i64,
) -> sqlx::Result<Vec<HoldRow>> {
    sqlx::query_as!(
        HoldRow,
        r#"select hold_id, customer_id, reason, set_by, recommendation.to_micros(set_at) as "set_at_us!",
                  released_by, release_reason, recommendation.to_micros(released_at) as released_at_us
           from recommendation.legal_holds
           where tenant_id = $1
                 and ($2::text is null or hold_id = $2)
                 and ($3::text is null or customer_id = $3)
                 and ($4 or released_at is null)
           order by set_at desc, hold_id desc
           limit $5"#,
        tenant.as_str(),
        hold_id,
        customer_id,
        with_released,
        most
    )
    .fetch_all(db)
    .await
}

/// Refuses what would take something of a customer away who is under a hold.
pub(crate) async fn refuse_held(
    db: &mut PgConnection,
    tenant: &TenantId,
    customer_id: &str,
) -> Result<(), Error> {
    let holds = list(db, tenant, (None, Some(customer_id)), false, 1).await?;
    if holds.is_empty() { Ok(()) } else { Err(Error::UnderLegalHold) }
}
