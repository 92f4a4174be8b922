//! The shelf of answers to writes that carried an idempotency key, kept for a day.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// An answer that was given before.
pub(crate) struct KeptAnswer {
    pub(crate) request_sha256: Vec<u8>,
    pub(crate) response: Vec<u8>,
}

/// The answer kept under a key, if there is one younger than a day. A call with the same
/// key that is still under way is waited for.
pub(crate) async fn find(
    db: &mut PgConnection,
    tenant: &TenantId,
    method: &str,
    key: &str,
) -> sqlx::Result<Option<KeptAnswer>> {
    let lock = format!("{}/{method}/{key}", tenant.as_str());
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", lock).execute(&mut *db).await?;
    sqlx::query_as!(
        KeptAnswer,
        "select request_sha256, response from recommendation.idempotency_keys
         where tenant_id = $1 and method = $2 and idempotency_key = $3
               and created_at > now() - interval '24 hours'",
        tenant.as_str(),
        method,
        key
    )
    .fetch_optional(db)
    .await
}

/// Keeps the answer to a write in the transaction of the write.
pub(crate) async fn keep(
    db: &mut PgConnection,
    tenant: &TenantId,
    method: &str,
    key: &str,
    answer: &KeptAnswer,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.idempotency_keys
             (tenant_id, method, idempotency_key, request_sha256, response)
         values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, method, idempotency_key) do update
         set request_sha256 = excluded.request_sha256, response = excluded.response,
             created_at = now()",
        tenant.as_str(),
        method,
        key,
        answer.request_sha256,
        answer.response
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes what is older than a day; for the worker role alone.
pub(crate) async fn remove_old(db: &mut PgConnection) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "delete from recommendation.idempotency_keys where created_at <= now() - interval '24 hours'"
    )
    .execute(db)
    .await?;
    Ok(removed.rows_affected())
}
