//! Transactions that see one tenant. Row-level security compares `tenant_id` with the setting
//! `larder.tenant_id`, which is set here for the transaction and forgotten when it ends.

use larder_identity::TenantId;
use sqlx::postgres::{PgPool, Postgres};
use sqlx::{AssertSqlSafe, Transaction};

use crate::error::{is_unavailable, sql_state};

/// Begins a transaction in which only the rows of `tenant` exist.
pub async fn begin_tenant(
    pool: &PgPool,
    tenant: &TenantId,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    begin(pool, "BEGIN", tenant).await
}

/// The same for reading: one snapshot for all its statements, and a write is refused.
pub async fn begin_tenant_read_only(
    pool: &PgPool,
    tenant: &TenantId,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    begin(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", tenant).await
}

/// After a restart of the server the pool still holds its dead connections. Nothing has been sent
/// yet, so each one that fails here is thrown away and the next is tried.
async fn begin(
    pool: &PgPool,
    begin: &str,
    tenant: &TenantId,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut stale_left = pool.size();
    loop {
        // A tenant id has neither quote nor backslash, so both statements can go in one round trip.
        let statement = format!("{begin}; SET LOCAL larder.tenant_id = '{}'", tenant.as_str());
        match pool.begin_with(AssertSqlSafe(statement)).await {
            Err(error) if stale_left > 0 && was_stale(&error) => stale_left -= 1,
            begun => return begun,
        }
    }
}

fn was_stale(error: &sqlx::Error) -> bool {
    let starting_or_full = matches!(sql_state(error).as_deref(), Some("57P03" | "53300"));
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Database(_))
        && is_unavailable(error)
        && !starting_or_full
}
