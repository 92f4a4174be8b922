//! Links that were used: each acts once.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// Uses a link; `false` when it was used before.
pub(crate) async fn use_once(
    db: &mut PgConnection,
    tenant: &TenantId,
    nonce: &str,
    now_us: i64,
) -> sqlx::Result<bool> {
    let used = sqlx::query!(
        "insert into alerting.used_links (tenant_id, nonce, used_at)
         values ($1, $2, alerting.from_micros($3)) on conflict do nothing",
        tenant.as_str(),
        nonce,
        now_us
    )
    .execute(db)
    .await?;
    Ok(used.rows_affected() > 0)
}

/// Forgets links that were used before `before_us`, and have run out long since; for the worker role alone.
pub(crate) async fn remove_old(db: &mut PgConnection, before_us: i64) -> sqlx::Result<u64> {
    let removed =
        sqlx::query!("delete from alerting.used_links where used_at < alerting.from_micros($1)", before_us)
            .execute(db)
            .await?;
    Ok(removed.rows_affected())
}
