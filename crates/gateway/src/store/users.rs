//! Users of one tenant, their roles, and the one-use tokens with which they set a password.

use larder_identity::TenantId;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// A user as stored; instants in microseconds since 1970.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// The id.
    pub user_id: Uuid,
    /// The address, in lower case.
    pub email: String,
    /// How people call them.
    pub display_name: String,
    /// The PHC string, once there is a password.
    pub(crate) password_hash: Option<String>,
    /// Names of roles.
    pub roles: Vec<String>,
    /// When they were added.
    pub created_at_us: i64,
    /// When sign-in was forbidden.
    pub disabled_at_us: Option<i64>,
    /// When the password was set last.
    pub password_changed_at_us: Option<i64>,
    /// When they signed in last.
    pub last_signed_in_at_us: Option<i64>,
}

/// Reads users by one condition; the columns are the same everywhere.
macro_rules! users {
    ($condition:literal, $($argument:expr),*) => {
        sqlx::query_as!(
            UserRow,
            r#"SELECT user_id, email, display_name, password_hash, roles,
                      (extract(epoch FROM created_at) * 1000000)::bigint AS "created_at_us!",
                      (extract(epoch FROM disabled_at) * 1000000)::bigint AS disabled_at_us,
                      (extract(epoch FROM password_changed_at) * 1000000)::bigint AS password_changed_at_us,
                      (extract(epoch FROM last_signed_in_at) * 1000000)::bigint AS last_signed_in_at_us
                 FROM identity.users WHERE tenant_id = $1 AND "# + $condition,
            $($argument),*
        )
    };
}

/// Adds a user without a password. `false` when the address is taken.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user: (Uuid, &str, &str),
    roles: &[String],
) -> Result<bool, sqlx::Error> {
    let (user_id, email, display_name) = user;
    let inserted = sqlx::query!(
        "INSERT INTO identity.users (tenant_id, user_id, email, display_name, roles)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT ON CONSTRAINT users_email_is_unique DO NOTHING",
        tenant.as_str(),
        user_id,
        email,
        display_name,
        roles
    );
    Ok(inserted.execute(connection).await?.rows_affected() == 1)
}

/// The user with this id.
pub(crate) async fn get(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user_id: Uuid,
) -> Result<Option<UserRow>, sqlx::Error> {
    users!("user_id = $2", tenant.as_str(), user_id).fetch_optional(connection).await
}

/// The user with this address.
pub(crate) async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    email: &str,
) -> Result<Option<UserRow>, sqlx::Error> {
    users!("email = $2", tenant.as_str(), email).fetch_optional(connection).await
}

/// Users by their address, those after `after`.
pub(crate) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: &str,
    limit: i64,
) -> Result<Vec<UserRow>, sqlx::Error> {
    users!("email > $2 ORDER BY email LIMIT $3", tenant.as_str(), after, limit).fetch_all(connection).await
}

/// Replaces the roles.
pub(crate) async fn set_roles(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user_id: Uuid,
    roles: &[String],
) -> Result<(), sqlx::Error> {
    let tenant = tenant.as_str();
    sqlx::query!(
        "UPDATE identity.users SET roles = $3 WHERE tenant_id = $1 AND user_id = $2",
        tenant,
        user_id,
        roles
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Forbids sign-in since this instant, or allows it again.
pub(crate) async fn set_disabled(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user_id: Uuid,
    disabled_at_us: Option<i64>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE identity.users
            SET disabled_at = CASE WHEN $3::bigint IS NULL THEN NULL
                ELSE coalesce(disabled_at, to_timestamp($3::bigint / 1000000.0)) END
          WHERE tenant_id = $1 AND user_id = $2",
        tenant.as_str(),
        user_id,
        disabled_at_us
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Keeps the hash of a password that the user set, and drops every token that could set another.
pub(crate) async fn set_password(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user_id: Uuid,
    hash: &str,
    at_us: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE identity.users
            SET password_hash = $3, password_changed_at = to_timestamp($4::bigint / 1000000.0)
          WHERE tenant_id = $1 AND user_id = $2",
        tenant.as_str(),
        user_id,
        hash,
        at_us
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM identity.password_tokens WHERE tenant_id = $1 AND user_id = $2",
        tenant.as_str(),
        user_id
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Notes a sign-in, and keeps the hash of the same password by newer parameters, when there is one.
pub(crate) async fn note_sign_in(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user_id: Uuid,
    rehashed: Option<&str>,
    at_us: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE identity.users SET last_signed_in_at = to_timestamp($4::bigint / 1000000.0),
                password_hash = coalesce($3, password_hash)
          WHERE tenant_id = $1 AND user_id = $2",
        tenant.as_str(),
        user_id,
        rehashed,
        at_us
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Keeps a token with which the user may set a password; earlier ones end.
pub(crate) async fn put_password_token(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user_id: Uuid,
    token_hash: &[u8],
    expires_at_us: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM identity.password_tokens WHERE tenant_id = $1 AND user_id = $2",
        tenant.as_str(),
        user_id
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO identity.password_tokens (token_hash, tenant_id, user_id, expires_at)
         VALUES ($1, $2, $3, to_timestamp($4::bigint / 1000000.0))",
        token_hash,
        tenant.as_str(),
        user_id,
        expires_at_us
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Whose token this is, unless it has ended. `pool` is of the role `Worker`.
pub(crate) async fn find_password_token(
    pool: &PgPool,
    token_hash: &[u8],
    now_us: i64,
) -> Result<Option<(String, Uuid)>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT tenant_id, user_id FROM identity.password_tokens
          WHERE token_hash = $1 AND expires_at > to_timestamp($2::bigint / 1000000.0)",
        token_hash,
        now_us
    );
    Ok(row.fetch_optional(pool).await?.map(|row| (row.tenant_id, row.user_id)))
}

/// Uses a token up. `false` when somebody else was quicker.
pub(crate) async fn take_password_token(
    connection: &mut PgConnection,
    tenant: &TenantId,
    token_hash: &[u8],
) -> Result<bool, sqlx::Error> {
    let taken = sqlx::query!(
        "DELETE FROM identity.password_tokens WHERE tenant_id = $1 AND token_hash = $2",
        tenant.as_str(),
        token_hash
    );
    Ok(taken.execute(connection).await?.rows_affected() == 1)
}
