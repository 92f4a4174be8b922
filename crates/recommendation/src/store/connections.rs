//! The shelf of connections: the tenants' shops, their sealed tokens, and how far their sales are known.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// The connector that there is.
pub(crate) const SQUARE: &str = "square";

/// Tokens of a shop as they lie in the table.
#[derive(Clone, Debug)]
pub(crate) struct SealedTokens {
    pub(crate) sealed: String,
    /// The key that sealed them.
    pub(crate) key_id: String,
    pub(crate) expires_at_us: i64,
}

/// A shop as it lies in the table.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionRow {
    pub(crate) account_id: String,
    pub(crate) sealed_tokens: String,
    pub(crate) token_expires_at_us: i64,
    pub(crate) connected_at_us: i64,
    pub(crate) is_revoked: bool,
    pub(crate) answered_from_us: Option<i64>,
    pub(crate) answered_until_us: Option<i64>,
    /// The locations that those answers are of.
    pub(crate) answered_locations: Vec<String>,
    pub(crate) synced_at_us: Option<i64>,
    /// Empty before the first synchronisation.
    pub(crate) rung: String,
    pub(crate) last_error: String,
}

/// How a synchronisation ended.
#[derive(Clone, Debug)]
pub(crate) struct EndOfSync<'a> {
    pub(crate) rung: &'a str,
    /// Empty when it did not fail.
    pub(crate) error: &'a str,
    pub(crate) synced_at_us: i64,
    /// Not sooner than then.
    pub(crate) not_before_us: Option<i64>,
    pub(crate) is_revoked: bool,
}

/// Connects a shop, in the place of the one before; what was known of another shop's sales is not kept.
pub(crate) async fn connect(
    db: &mut PgConnection,
    tenant: &TenantId,
    account_id: &str,
    tokens: &SealedTokens,
    now_us: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.connections
             (tenant_id, connector, account_id, sealed_tokens, key_id, token_expires_at, connected_at, next_sync_at)
         values ($1, $2, $3, $4, $5, recommendation.from_micros($6), recommendation.from_micros($7),
                 recommendation.from_micros($7))
         on conflict (tenant_id, connector) do update set
             answered_from = case when connections.account_id = excluded.account_id then connections.answered_from end,
             answered_until = case when connections.account_id = excluded.account_id then connections.answered_until end,
             account_id = excluded.account_id,
             sealed_tokens = excluded.sealed_tokens,
             key_id = excluded.key_id,
             token_expires_at = excluded.token_expires_at,
             connected_at = excluded.connected_at,
             next_sync_at = excluded.next_sync_at,
             is_revoked = false,
             rung = '',
             last_error = ''",
        tenant.as_str(),
        SQUARE,
        account_id,
        tokens.sealed,
        tokens.key_id,
        tokens.expires_at_us,
        now_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The shop of a tenant, if it is connected.
pub(crate) async fn get(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<Option<ConnectionRow>> {
    sqlx::query_as!(
        ConnectionRow,
        r#"select account_id, sealed_tokens, recommendation.to_micros(token_expires_at) as "token_expires_at_us!",
                  recommendation.to_micros(connected_at) as "connected_at_us!", is_revoked,
                  recommendation.to_micros(answered_from) as answered_from_us,
                  recommendation.to_micros(answered_until) as answered_until_us,
                  answered_locations, recommendation.to_micros(synced_at) as synced_at_us, rung, last_error
           from recommendation.connections where tenant_id = $1 and connector = $2"#,
        tenant.as_str(),
        SQUARE
    )
    .fetch_optional(db)
    .await
}

/// Forgets a shop and its tokens.
pub(crate) async fn remove(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from recommendation.connections where tenant_id = $1 and connector = $2",
        tenant.as_str(),
        SQUARE
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the turn until the lease ends, unless somebody else has it; the next turn comes at `next_us`, or
/// sooner when a message asks for it meanwhile. Nothing when the turn is taken or there is no shop.
pub(crate) async fn lease(
    db: &mut PgConnection,
    tenant: &TenantId,
    (now_us, leased_until_us, next_us): (i64, i64, i64),
) -> sqlx::Result<Option<ConnectionRow>> {
    let leased = sqlx::query!(
        "update recommendation.connections
         set leased_until = recommendation.from_micros($4), next_sync_at = recommendation.from_micros($5)
         where tenant_id = $1 and connector = $2
               and (leased_until is null or leased_until <= recommendation.from_micros($3))",
        tenant.as_str(),
        SQUARE,
        now_us,
        leased_until_us,
        next_us
    )
    .execute(&mut *db)
    .await?;
    if leased.rows_affected() == 0 { Ok(None) } else { get(db, tenant).await }
}

/// Keeps that sales of these locations are known of a period, and goes on having the turn.
pub(crate) async fn note_answered(
    db: &mut PgConnection,
    tenant: &TenantId,
    (from_us, until_us): (i64, i64),
    locations: &[String],
    leased_until_us: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.connections set
             answered_from = least(answered_from, recommendation.from_micros($3)),
             answered_until = greatest(answered_until, recommendation.from_micros($4)),
             leased_until = recommendation.from_micros($5),
             answered_locations = $6
         where tenant_id = $1 and connector = $2",
        tenant.as_str(),
        SQUARE,
        from_us,
        until_us,
        leased_until_us,
        locations
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets how far sales are known: the next synchronisation reads them all.
pub(crate) async fn forget_answers(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.connections set answered_from = null, answered_until = null
         where tenant_id = $1 and connector = $2",
        tenant.as_str(),
        SQUARE
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps renewed tokens of the shop that was connected then; another connection since has its own.
pub(crate) async fn keep_tokens(
    db: &mut PgConnection,
    tenant: &TenantId,
    connected_at_us: i64,
    tokens: &SealedTokens,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.connections set
             sealed_tokens = $4, key_id = $5, token_expires_at = recommendation.from_micros($6)
         where tenant_id = $1 and connector = $2 and connected_at = recommendation.from_micros($3)",
        tenant.as_str(),
        SQUARE,
        connected_at_us,
        tokens.sealed,
        tokens.key_id,
        tokens.expires_at_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives the turn back and keeps how it went.
pub(crate) async fn end_sync(
    db: &mut PgConnection,
    tenant: &TenantId,
    connected_at_us: i64,
    end: &EndOfSync<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.connections set
             leased_until = null,
             rung = $4,
             last_error = $5,
             synced_at = recommendation.from_micros($6),
             next_sync_at = greatest(next_sync_at, recommendation.from_micros($7)),
             is_revoked = $8
         where tenant_id = $1 and connector = $2 and connected_at = recommendation.from_micros($3)",
        tenant.as_str(),
        SQUARE,
        connected_at_us,
        end.rung,
        end.error,
        end.synced_at_us,
        end.not_before_us,
        end.is_revoked
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes it the shop's turn.
pub(crate) async fn want_sync(db: &mut PgConnection, tenant: &TenantId, now_us: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.connections
         set next_sync_at = least(next_sync_at, recommendation.from_micros($3))
         where tenant_id = $1 and connector = $2",
        tenant.as_str(),
        SQUARE,
        now_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that the owner took the consent back.
pub(crate) async fn note_revoked(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.connections
         set is_revoked = true, last_error = 'the owner took the consent back'
         where tenant_id = $1 and connector = $2",
        tenant.as_str(),
        SQUARE
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Of every tenant: those whose turn it is, the longest waiting first.
pub(crate) async fn due(db: &mut PgConnection, now_us: i64, most: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select tenant_id from recommendation.connections
         where not is_revoked and next_sync_at <= recommendation.from_micros($1)
               and (leased_until is null or leased_until <= recommendation.from_micros($1))
         order by next_sync_at limit $2",
        now_us,
        most
    )
    .fetch_all(db)
    .await
}

/// Of every tenant: those whose shop it is.
pub(crate) async fn tenants_of(db: &mut PgConnection, account_id: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select tenant_id from recommendation.connections
         where connector = $1 and account_id = $2 order by tenant_id",
        SQUARE,
        account_id
    )
    .fetch_all(db)
    .await
}

/// How all shops do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) connected: i64,
    pub(crate) revoked: i64,
    /// Whose last synchronisation failed.
    pub(crate) failing: i64,
    /// Until when the sales of the shop are known that waits longest.
    pub(crate) oldest_answer_us: Option<i64>,
}

/// Counts the shops of every tenant.
pub(crate) async fn census(db: &mut PgConnection) -> sqlx::Result<Census> {
    sqlx::query_as!(
        Census,
        r#"select count(*) as "connected!",
                  count(*) filter (where is_revoked) as "revoked!",
                  count(*) filter (where not is_revoked and rung not in ('', 'square')) as "failing!",
                  recommendation.to_micros(min(answered_until) filter (where not is_revoked)) as oldest_answer_us
           from recommendation.connections"#
    )
    .fetch_one(db)
    .await
}

/// Tokens of a tenant that another key sealed.
#[derive(Clone, Debug)]
pub(crate) struct SealedByAnother {
    pub(crate) tenant_id: String,
    pub(crate) connector: String,
    pub(crate) sealed_tokens: String,
}

/// Of every tenant: tokens that other keys sealed, behind a place in the list.
pub(crate) async fn sealed_by_others(
    db: &mut PgConnection,
    key_id: &str,
    (after_tenant, after_connector): (&str, &str),
    most: i64,
) -> sqlx::Result<Vec<SealedByAnother>> {
    sqlx::query_as!(
        SealedByAnother,
        "select tenant_id, connector, sealed_tokens from recommendation.connections
         where key_id <> $1 and (tenant_id, connector) > ($2, $3)
         order by tenant_id, connector limit $4",
        key_id,
        after_tenant,
        after_connector,
        most
    )
    .fetch_all(db)
    .await
}

/// Replaces sealed tokens, unless others were kept meanwhile; tells whether it did.
pub(crate) async fn replace_sealed(
    db: &mut PgConnection,
    old: &SealedByAnother,
    sealed: &str,
    key_id: &str,
) -> sqlx::Result<bool> {
    let replaced = sqlx::query!(
        "update recommendation.connections set sealed_tokens = $4, key_id = $5
         where tenant_id = $1 and connector = $2 and sealed_tokens = $3",
        old.tenant_id,
        old.connector,
        old.sealed_tokens,
        sealed,
        key_id
    )
    .execute(db)
    .await?;
    Ok(replaced.rows_affected() > 0)
}
