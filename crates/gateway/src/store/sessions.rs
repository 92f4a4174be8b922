//! Sessions of users: made, listed and ended for one tenant, found by the hash of their token for all.

use larder_identity::TenantId;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// A session as it is listed; instants in microseconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct SessionRow {
    pub(crate) session_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) address: String,
    pub(crate) created_at_us: i64,
    pub(crate) last_used_at_us: i64,
    pub(crate) expires_at_us: i64,
}

/// A session as the gateway checks it.
#[derive(Debug, Clone)]
pub(crate) struct FoundSession {
    pub(crate) tenant_id: String,
    pub(crate) session_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) roles: Vec<String>,
    /// The scopes of those roles that are the tenant's own, with spaces between them.
    pub(crate) own_scopes: String,
    pub(crate) last_used_at_us: i64,
    pub(crate) expires_at_us: i64,
    pub(crate) disabled: bool,
    pub(crate) suspended: bool,
}

/// Keeps a new session.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    session: &SessionRow,
    token_hash: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO identity.sessions
                (tenant_id, session_id, user_id, token_hash, address, created_at, last_used_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, to_timestamp($6::bigint / 1000000.0), to_timestamp($7::bigint / 1000000.0),
                 to_timestamp($8::bigint / 1000000.0))",
        tenant.as_str(),
        session.session_id,
        session.user_id,
        token_hash,
        session.address,
        session.created_at_us,
        session.last_used_at_us,
        session.expires_at_us
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Sessions of a user that have not ended, the newest first: those begun before the session `before`, `limit` at most.
pub(crate) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user_id: Uuid,
    (idle_since_us, now_us): (i64, i64),
    (before, limit): (Uuid, i64),
) -> Result<Vec<SessionRow>, sqlx::Error> {
    sqlx::query_as!(
        SessionRow,
        r#"SELECT session_id, user_id, address,
                  (extract(epoch FROM created_at) * 1000000)::bigint AS "created_at_us!",
                  (extract(epoch FROM last_used_at) * 1000000)::bigint AS "last_used_at_us!",
                  (extract(epoch FROM expires_at) * 1000000)::bigint AS "expires_at_us!"
             FROM identity.sessions
            WHERE tenant_id = $1 AND user_id = $2 AND expires_at > to_timestamp($3::bigint / 1000000.0)
              AND last_used_at > to_timestamp($4::bigint / 1000000.0) AND session_id < $5
            ORDER BY session_id DESC LIMIT $6"#,
        tenant.as_str(),
        user_id,
        now_us,
        idle_since_us,
        before,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Whose session this is.
pub(crate) async fn user_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    session_id: Uuid,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT user_id FROM identity.sessions WHERE tenant_id = $1 AND session_id = $2",
        tenant.as_str(),
        session_id
    )
    .fetch_optional(connection)
    .await
}

/// Gives a session a new token.
pub(crate) async fn replace_token(
    connection: &mut PgConnection,
    tenant: &TenantId,
    session_id: Uuid,
    token_hash: &[u8],
    now_us: i64,
) -> Result<Option<SessionRow>, sqlx::Error> {
    sqlx::query_as!(
        SessionRow,
        r#"UPDATE identity.sessions SET token_hash = $3, last_used_at = to_timestamp($4::bigint / 1000000.0)
            WHERE tenant_id = $1 AND session_id = $2
        RETURNING session_id, user_id, address,
                  (extract(epoch FROM created_at) * 1000000)::bigint AS "created_at_us!",
                  (extract(epoch FROM last_used_at) * 1000000)::bigint AS "last_used_at_us!",
                  (extract(epoch FROM expires_at) * 1000000)::bigint AS "expires_at_us!""#,
        tenant.as_str(),
        session_id,
        token_hash,
        now_us
    )
    .fetch_optional(connection)
    .await
}

/// Ends one session.
pub(crate) async fn delete(
    connection: &mut PgConnection,
    tenant: &TenantId,
    session_id: Uuid,
) -> Result<(), sqlx::Error> {
    let tenant = tenant.as_str();
    sqlx::query!("DELETE FROM identity.sessions WHERE tenant_id = $1 AND session_id = $2", tenant, session_id)
        .execute(connection)
        .await
        .map(drop)
}

/// Ends all sessions of a user but, where it is given, the one that is kept.
pub(crate) async fn delete_of_user(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user_id: Uuid,
    kept: Option<Uuid>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM identity.sessions
          WHERE tenant_id = $1 AND user_id = $2 AND ($3::uuid IS NULL OR session_id <> $3)",
        tenant.as_str(),
        user_id,
        kept
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Removes sessions of a user that have ended.
pub(crate) async fn delete_ended(
    connection: &mut PgConnection,
    tenant: &TenantId,
    user_id: Uuid,
    (idle_since_us, now_us): (i64, i64),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM identity.sessions
          WHERE tenant_id = $1 AND user_id = $2 AND (expires_at <= to_timestamp($3::bigint / 1000000.0)
             OR last_used_at <= to_timestamp($4::bigint / 1000000.0))",
        tenant.as_str(),
        user_id,
        now_us,
        idle_since_us
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Finds a session by the hash of its token, whatever its tenant. `pool` is of the role `Worker`.
pub(crate) async fn find_session(
    pool: &PgPool,
    token_hash: &[u8],
) -> Result<Option<FoundSession>, sqlx::Error> {
    sqlx::query_as!(
        FoundSession,
        r#"SELECT session.tenant_id, session.session_id, session.user_id, holder.roles,
                  (SELECT coalesce(string_agg(role.scopes, ' '), '') FROM identity.roles AS role
                    WHERE role.tenant_id = session.tenant_id
                      AND role.role_id = ANY(holder.roles)) AS "own_scopes!",
                  (extract(epoch FROM session.last_used_at) * 1000000)::bigint AS "last_used_at_us!",
                  (extract(epoch FROM session.expires_at) * 1000000)::bigint AS "expires_at_us!",
                  holder.disabled_at IS NOT NULL AS "disabled!",
                  tenant.suspended_at IS NOT NULL AS "suspended!"
             FROM identity.sessions AS session
             JOIN identity.users AS holder USING (tenant_id, user_id)
             JOIN identity.tenants AS tenant USING (tenant_id)
            WHERE session.token_hash = $1"#,
        token_hash
    )
    .fetch_optional(pool)
    .await
}

/// Notes that a session is in use. `pool` is of the role `Worker`.
pub(crate) async fn note_session_use(
    pool: &PgPool,
    found: &FoundSession,
    now_us: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE identity.sessions SET last_used_at = to_timestamp($3::bigint / 1000000.0)
          WHERE tenant_id = $1 AND session_id = $2",
        found.tenant_id,
        found.session_id,
        now_us
    )
    .execute(pool)
    .await
    .map(drop)
}
