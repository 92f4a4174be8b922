//! The shelf of turns: of which tenant what is past its period is let go next, and who is at it.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// Of every tenant: those whose turn it is, the longest waiting first; for the worker role alone.
pub(crate) async fn due(db: &mut PgConnection, now_us: i64, most: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select tenants.tenant_id as "tenant_id!"
           from recommendation.tenants
           left join recommendation.retention_runs as runs on runs.tenant_id = tenants.tenant_id
           where (runs.next_at is null or runs.next_at <= recommendation.from_micros($1))
                 and (runs.leased_until is null or runs.leased_until <= recommendation.from_micros($1))
           order by runs.next_at nulls first, tenants.tenant_id
           limit $2"#,
        now_us,
        most
    )
    .fetch_all(db)
    .await
}

/// Takes the turn of a tenant until the lease ends, unless somebody else has it or it was taken meanwhile.
pub(crate) async fn lease(
    db: &mut PgConnection,
    tenant: &TenantId,
    (now_us, leased_until_us): (i64, i64),
) -> sqlx::Result<bool> {
    let leased = sqlx::query!(
        "insert into recommendation.retention_runs (tenant_id, next_at, leased_until)
         values ($1, recommendation.from_micros($2), recommendation.from_micros($3))
         on conflict (tenant_id) do update set leased_until = excluded.leased_until
         where retention_runs.next_at <= recommendation.from_micros($2)
               and (retention_runs.leased_until is null
                    or retention_runs.leased_until <= recommendation.from_micros($2))",
        tenant.as_str(),
        now_us,
        leased_until_us
    )
    .execute(db)
    .await?;
    Ok(leased.rows_affected() > 0)
}

/// Gives the turn back; the next one comes at `next_us`. `applied_us` is when all of it was done.
pub(crate) async fn end(
    db: &mut PgConnection,
    tenant: &TenantId,
    next_us: i64,
    applied_us: Option<i64>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.retention_runs
         set leased_until = null, next_at = recommendation.from_micros($2),
             applied_at = coalesce(recommendation.from_micros($3), applied_at)
         where tenant_id = $1",
        tenant.as_str(),
        next_us,
        applied_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// When it was done last by itself.
pub(crate) async fn applied_at(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<Option<i64>> {
    let applied = sqlx::query_scalar!(
        "select recommendation.to_micros(applied_at) from recommendation.retention_runs where tenant_id = $1",
        tenant.as_str()
    )
    .fetch_optional(db)
    .await?;
    Ok(applied.flatten())
}
