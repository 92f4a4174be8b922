//! Which tenants have written anything here.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// Remembers that the tenant exists.
pub(crate) async fn remember(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.tenants (tenant_id) values ($1) on conflict do nothing",
        tenant.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Every tenant; for the worker role alone.
pub(crate) async fn all(db: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select tenant_id from recommendation.tenants order by tenant_id").fetch_all(db).await
}
