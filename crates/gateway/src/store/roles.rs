//! The roles that a tenant made for itself; built-in ones are in no table.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// A role as stored.
#[derive(Debug, Clone)]
pub(crate) struct RoleRow {
    pub(crate) role_id: String,
    /// With spaces between them.
    pub(crate) scopes: String,
}

/// The tenant's own roles by name.
pub(crate) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
) -> Result<Vec<RoleRow>, sqlx::Error> {
    sqlx::query_as!(
        RoleRow,
        "SELECT role_id, scopes FROM identity.roles WHERE tenant_id = $1 ORDER BY role_id",
        tenant.as_str()
    )
    .fetch_all(connection)
    .await
}

/// Makes a role or replaces its scopes.
pub(crate) async fn upsert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    role_id: &str,
    scopes: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO identity.roles (tenant_id, role_id, scopes) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT roles_pkey DO UPDATE SET scopes = excluded.scopes",
        tenant.as_str(),
        role_id,
        scopes
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Removes a role, also from everybody who has it. `false` when there is none.
pub(crate) async fn delete(
    connection: &mut PgConnection,
    tenant: &TenantId,
    role_id: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query!(
        "UPDATE identity.users SET roles = array_remove(roles, $2) WHERE tenant_id = $1 AND $2 = ANY(roles)",
        tenant.as_str(),
        role_id
    )
    .execute(&mut *connection)
    .await?;
    let deleted = sqlx::query!(
        "DELETE FROM identity.roles WHERE tenant_id = $1 AND role_id = $2",
        tenant.as_str(),
        role_id
    );
    Ok(deleted.execute(connection).await?.rows_affected() == 1)
}
