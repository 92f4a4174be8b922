//! Tenants. A tenant sees itself; making, listing and suspending them is the worker's.

use larder_identity::TenantId;
use sqlx::{PgConnection, PgPool};

/// A tenant as stored; instants in microseconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct TenantRow {
    pub(crate) tenant_id: String,
    pub(crate) display_name: String,
    pub(crate) created_at_us: i64,
    pub(crate) suspended_at_us: Option<i64>,
    pub(crate) suspend_reason: String,
    pub(crate) plan: Option<String>,
}

/// Makes the tenant of the transaction, unless it is there.
pub(crate) async fn ensure(connection: &mut PgConnection, tenant: &TenantId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO identity.tenants (tenant_id) VALUES ($1) ON CONFLICT (tenant_id) DO NOTHING",
        tenant.as_str()
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Makes a tenant. `false` when there is one of that id. `pool` is of the role `Worker`, as below.
pub(crate) async fn insert(
    pool: &PgPool,
    tenant: &TenantId,
    display_name: &str,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        "INSERT INTO identity.tenants (tenant_id, display_name) VALUES ($1, $2)
         ON CONFLICT (tenant_id) DO NOTHING",
        tenant.as_str(),
        display_name
    );
    Ok(inserted.execute(pool).await?.rows_affected() == 1)
}

/// One tenant.
pub(crate) async fn get(pool: &PgPool, tenant: &TenantId) -> Result<Option<TenantRow>, sqlx::Error> {
    sqlx::query_as!(
        TenantRow,
        r#"SELECT tenant_id, display_name, suspend_reason, plan,
                  (extract(epoch FROM created_at) * 1000000)::bigint AS "created_at_us!",
                  (extract(epoch FROM suspended_at) * 1000000)::bigint AS suspended_at_us
             FROM identity.tenants WHERE tenant_id = $1"#,
        tenant.as_str()
    )
    .fetch_optional(pool)
    .await
}

/// Tenants by their id, those after `after`.
pub(crate) async fn list(pool: &PgPool, after: &str, limit: i64) -> Result<Vec<TenantRow>, sqlx::Error> {
    sqlx::query_as!(
        TenantRow,
        r#"SELECT tenant_id, display_name, suspend_reason, plan,
                  (extract(epoch FROM created_at) * 1000000)::bigint AS "created_at_us!",
                  (extract(epoch FROM suspended_at) * 1000000)::bigint AS suspended_at_us
             FROM identity.tenants WHERE tenant_id COLLATE "C" > $1 ORDER BY tenant_id COLLATE "C" LIMIT $2"#,
        after,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Suspends a tenant since this instant, or resumes it. `false` when there is none.
pub(crate) async fn set_suspended(
    pool: &PgPool,
    tenant: &TenantId,
    suspended_at_us: Option<i64>,
    reason: &str,
) -> Result<bool, sqlx::Error> {
    let updated = sqlx::query!(
        "UPDATE identity.tenants SET suspend_reason = $3,
                suspended_at = CASE WHEN $2::bigint IS NULL THEN NULL
                    ELSE coalesce(suspended_at, to_timestamp($2::bigint / 1000000.0)) END
          WHERE tenant_id = $1",
        tenant.as_str(),
        suspended_at_us,
        reason
    );
    Ok(updated.execute(pool).await?.rows_affected() == 1)
}

/// Whether a tenant is suspended; one that is not known is not.
pub(crate) async fn is_suspended(pool: &PgPool, tenant: &TenantId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM identity.tenants
                           WHERE tenant_id = $1 AND suspended_at IS NOT NULL) AS "suspended!""#,
        tenant.as_str()
    )
    .fetch_one(pool)
    .await
}
