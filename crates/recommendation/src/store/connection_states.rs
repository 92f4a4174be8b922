//! The shelf of consents that were begun. Only digests lie here: who reads the table cannot end a consent.

use larder_identity::TenantId;
use sqlx::PgConnection;

use super::connections::SQUARE;

/// Keeps the digest of a state until its end.
pub(crate) async fn keep(
    db: &mut PgConnection,
    tenant: &TenantId,
    state_sha256: &[u8],
    expires_at_us: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.connection_states (tenant_id, connector, state_sha256, expires_at)
         values ($1, $2, $3, recommendation.from_micros($4))",
        tenant.as_str(),
        SQUARE,
        state_sha256,
        expires_at_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a state away and tells whether it was there and had not ended.
pub(crate) async fn take(
    db: &mut PgConnection,
    tenant: &TenantId,
    state_sha256: &[u8],
    now_us: i64,
) -> sqlx::Result<bool> {
    let good = sqlx::query_scalar!(
        r#"delete from recommendation.connection_states
           where tenant_id = $1 and connector = $2 and state_sha256 = $3
           returning (expires_at > recommendation.from_micros($4)) as "good!""#,
        tenant.as_str(),
        SQUARE,
        state_sha256,
        now_us
    )
    .fetch_optional(db)
    .await?;
    Ok(good.unwrap_or(false))
}

/// Removes those that ended an hour ago and more.
pub(crate) async fn remove_old(db: &mut PgConnection) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "delete from recommendation.connection_states where expires_at < now() - interval '1 hour'"
    )
    .execute(db)
    .await?;
    Ok(removed.rows_affected())
}
