//! API keys: made, listed and revoked for one tenant, found by prefix for all. The secret is
//! shown once, when it is made; only its hash is kept.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use larder_identity::{Caller, IdentityError, Scopes, TenantId, api_key};
use secrecy::SecretString;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::tenants;

/// What a new key shall be.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What it is for, 1 to 128 characters.
    pub name: String,
    /// What its holder may do.
    pub scopes: Scopes,
    /// When it ends by itself.
    pub expires_at: Option<SystemTime>,
}

/// A key that was made.
#[derive(Debug)]
pub struct CreatedKey {
    /// Its id, to revoke it by.
    pub key_id: Uuid,
    /// The key itself: shown now and never again.
    pub secret: SecretString,
}

/// A key as it can be shown.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its id, to revoke it by.
    pub key_id: Uuid,
    /// The beginning of the key after `lrd_`, to tell keys apart.
    pub prefix: String,
    /// What it is for.
    pub name: String,
    /// What its holder may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: SystemTime,
    /// When it ends by itself.
    pub expires_at: Option<SystemTime>,
    /// When it was revoked.
    pub revoked_at: Option<SystemTime>,
    /// When it was last seen, give or take a minute.
    pub last_used_at: Option<SystemTime>,
    /// The key that takes its place.
    pub successor_key_id: Option<Uuid>,
}

/// Why a key could not be made, listed or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The name does not fit.
    #[error("the name of a key is 1 to 128 characters")]
    Name,
    /// The tenant has no such key.
    #[error("there is no key {0}")]
    NotFound(Uuid),
    /// A secret cannot be made, or what is stored cannot be read.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The database refused or is away.
    #[error("the database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
}

/// A key as the gateway checks it.
#[derive(Debug, Clone)]
pub(crate) struct KeyRecord {
    pub(crate) hash: Vec<u8>,
    pub(crate) caller: Caller,
    pub(crate) revoked: bool,
    /// Whether the tenant is suspended.
    pub(crate) suspended: bool,
    pub(crate) expires_at: Option<SystemTime>,
}

/// Makes a key for `tenant`, and the tenant itself when it is new. `pool` is of the role `App`.
///
/// # Errors
/// [`KeyError::Name`] for a name that is empty or over 128 characters, and the database's own.
pub async fn create_key(pool: &PgPool, tenant: &TenantId, new: &NewKey) -> Result<CreatedKey, KeyError> {
    if !(1..=128).contains(&new.name.chars().count()) {
        return Err(KeyError::Name);
    }
    let mut transaction = larder_database::begin_tenant(pool, tenant).await?;
    tenants::ensure(&mut transaction, tenant).await?;
    let created = insert(&mut transaction, tenant, new).await?;
    transaction.commit().await?;
    Ok(created)
}

async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    new: &NewKey,
) -> Result<CreatedKey, KeyError> {
    let generated = api_key::generate()?;
    let key_id = Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO identity.api_keys (tenant_id, key_id, prefix, hash, scopes, name, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::bigint / 1000000.0))",
        tenant.as_str(),
        key_id,
        generated.prefix,
        generated.hash.as_slice(),
        new.scopes.to_string(),
        new.name,
        new.expires_at.map(to_micros),
    )
    .execute(connection)
    .await?;
    Ok(CreatedKey { key_id, secret: generated.secret })
}

/// Makes a key with the name, scopes and end of another one, which from then on ends at `old_ends_at` at the
/// latest. `may_take` judges the scopes first.
///
/// # Errors
/// [`KeyError::NotFound`] when the tenant has no such key or it has ended; what `may_take` refuses.
pub async fn rotate_key<E: From<KeyError>>(
    pool: &PgPool,
    tenant: &TenantId,
    key_id: Uuid,
    (now, old_ends_at): (SystemTime, SystemTime),
    may_take: impl FnOnce(&Scopes) -> Result<(), E>,
) -> Result<CreatedKey, E> {
    let database = |error: sqlx::Error| KeyError::from(error);
    let mut transaction = larder_database::begin_tenant(pool, tenant).await.map_err(database)?;
    let row = sqlx::query!(
        r#"SELECT name, scopes, (extract(epoch FROM expires_at) * 1000000)::bigint AS expires_at_micros
             FROM identity.api_keys
            WHERE tenant_id = $1 AND key_id = $2 AND revoked_at IS NULL AND successor_key_id IS NULL
              AND (expires_at IS NULL OR expires_at > to_timestamp($3::bigint / 1000000.0)) FOR UPDATE"#,
        tenant.as_str(),
        key_id,
        to_micros(now)
    );
    let row = row.fetch_optional(&mut *transaction).await.map_err(database)?;
    let row = row.ok_or(KeyError::NotFound(key_id))?;
    let scopes = Scopes::parse(&row.scopes).map_err(KeyError::from)?;
    may_take(&scopes)?;
    let new = NewKey { name: row.name, scopes, expires_at: row.expires_at_micros.map(from_micros) };
    let created = insert(&mut transaction, tenant, &new).await?;
    sqlx::query!(
        "UPDATE identity.api_keys SET successor_key_id = $3,
                expires_at = least(expires_at, to_timestamp($4::bigint / 1000000.0))
          WHERE tenant_id = $1 AND key_id = $2",
        tenant.as_str(),
        key_id,
        created.key_id,
        to_micros(old_ends_at)
    )
    .execute(&mut *transaction)
    .await
    .map_err(database)?;
    transaction.commit().await.map_err(database)?;
    Ok(created)
}

/// All keys of `tenant`, the newest first, revoked ones too.
///
/// # Errors
/// The database's own.
pub async fn list_keys(pool: &PgPool, tenant: &TenantId) -> Result<Vec<ApiKey>, KeyError> {
    list_keys_before(pool, tenant, Uuid::max(), i64::MAX).await
}

/// Those made before the key `before`, `limit` at most.
pub(crate) async fn list_keys_before(
    pool: &PgPool,
    tenant: &TenantId,
    before: Uuid,
    limit: i64,
) -> Result<Vec<ApiKey>, KeyError> {
    let mut transaction = larder_database::begin_tenant_read_only(pool, tenant).await?;
    let rows = sqlx::query!(
        r#"SELECT key_id, prefix, name, scopes, successor_key_id,
                  (extract(epoch FROM created_at) * 1000000)::bigint AS "created_at_micros!",
                  (extract(epoch FROM expires_at) * 1000000)::bigint AS expires_at_micros,
                  (extract(epoch FROM revoked_at) * 1000000)::bigint AS revoked_at_micros,
                  (extract(epoch FROM last_used_at) * 1000000)::bigint AS last_used_at_micros
             FROM identity.api_keys WHERE tenant_id = $1 AND key_id < $2 ORDER BY key_id DESC LIMIT $3"#,
        tenant.as_str(),
        before,
        limit
    )
    .fetch_all(&mut *transaction)
    .await?;
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        keys.push(ApiKey {
            key_id: row.key_id,
            prefix: row.prefix,
            name: row.name,
            scopes: Scopes::parse(&row.scopes)?,
            created_at: from_micros(row.created_at_micros),
            expires_at: row.expires_at_micros.map(from_micros),
            revoked_at: row.revoked_at_micros.map(from_micros),
            last_used_at: row.last_used_at_micros.map(from_micros),
            successor_key_id: row.successor_key_id,
        });
    }
    Ok(keys)
}

/// Revokes a key. A gateway that has just seen it may take it for half a minute more.
///
/// # Errors
/// [`KeyError::NotFound`] when the tenant has no such key; revoking twice is not an error.
pub async fn revoke_key(pool: &PgPool, tenant: &TenantId, key_id: Uuid) -> Result<(), KeyError> {
    let mut transaction = larder_database::begin_tenant(pool, tenant).await?;
    let revoked = sqlx::query!(
        "UPDATE identity.api_keys SET revoked_at = coalesce(revoked_at, now())
          WHERE tenant_id = $1 AND key_id = $2",
        tenant.as_str(),
        key_id
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    if revoked.rows_affected() == 0 { Err(KeyError::NotFound(key_id)) } else { Ok(()) }
}

/// Finds a key by its prefix, whatever its tenant, and notes that it is in use. `pool` is of
/// the role `Worker`: the one look into the database before a tenant is known.
pub(crate) async fn find_key(pool: &PgPool, prefix: &str) -> Result<Option<KeyRecord>, KeyError> {
    let row = sqlx::query!(
        r#"SELECT tenant_id, key_id, prefix, hash, scopes, revoked_at IS NOT NULL AS "revoked!",
                  (extract(epoch FROM expires_at) * 1000000)::bigint AS expires_at_micros,
                  coalesce(last_used_at < now() - interval '1 minute', true) AS "note_use!",
                  suspended_at IS NOT NULL AS "suspended!"
             FROM identity.api_keys JOIN identity.tenants USING (tenant_id) WHERE prefix = $1"#,
        prefix
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.note_use && !row.revoked {
        sqlx::query!(
            "UPDATE identity.api_keys SET last_used_at = now() WHERE tenant_id = $1 AND key_id = $2",
            row.tenant_id,
            row.key_id
        )
        .execute(pool)
        .await?;
    }
    let caller = Caller {
        tenant: TenantId::parse(&row.tenant_id)?,
        subject: format!("key:{}", row.prefix),
        scopes: Scopes::parse(&row.scopes)?,
    };
    let expires_at = row.expires_at_micros.map(from_micros);
    let suspended = row.suspended;
    Ok(Some(KeyRecord { hash: row.hash, caller, revoked: row.revoked, suspended, expires_at }))
}

/// Whether the database answers.
pub(crate) async fn is_reachable(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"SELECT 1 AS "one!""#).fetch_one(pool).await.map(|_| ())
}

fn to_micros(at: SystemTime) -> i64 {
    let since_1970 = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX)
}

fn from_micros(micros: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}
