//! What tenants used. Gateways add to it as the role `Worker`; a tenant reads its own.

use larder_identity::TenantId;
use sqlx::{PgConnection, PgPool};

use crate::usage::{Amounts, Month};

/// What one gateway counted for a tenant since it last wrote.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    pub(crate) tenant: TenantId,
    pub(crate) month: Month,
    pub(crate) amounts: Amounts,
}

/// What all gateways counted for a tenant, and the tenant's plan.
#[derive(Debug, Clone)]
pub(crate) struct Total {
    pub(crate) tenant_id: String,
    pub(crate) month: Month,
    pub(crate) amounts: Amounts,
    pub(crate) plan: Option<String>,
}

struct TotalRow {
    tenant_id: String,
    month: String,
    requests: i64,
    received_bytes: i64,
    sent_bytes: i64,
    plan: Option<String>,
}

impl From<TotalRow> for Total {
    fn from(row: TotalRow) -> Self {
        let whole = |number: i64| u64::try_from(number).unwrap_or_default();
        Self {
            tenant_id: row.tenant_id,
            month: Month::parse(&row.month).unwrap_or(Month::of(0)),
            amounts: Amounts {
                requests: whole(row.requests),
                received_bytes: whole(row.received_bytes),
                sent_bytes: whole(row.sent_bytes),
            },
            plan: row.plan,
        }
    }
}

/// Adds what was counted, and tells what there is in all.
pub(crate) async fn add(pool: &PgPool, counted: &[Counted]) -> Result<Vec<Total>, sqlx::Error> {
    // In one order everywhere, so that gateways do not wait for each other in a circle.
    let mut counted: Vec<&Counted> = counted.iter().collect();
    counted.sort_by(|one, other| one.tenant.as_str().cmp(other.tenant.as_str()));
    let column = |read: fn(&Amounts) -> u64| -> Vec<i64> {
        counted.iter().map(|one| i64::try_from(read(&one.amounts)).unwrap_or(i64::MAX)).collect()
    };
    let tenants: Vec<String> = counted.iter().map(|one| one.tenant.as_str().to_owned()).collect();
    let months: Vec<String> = counted.iter().map(|one| one.month.first_day()).collect();
    let rows = sqlx::query_as!(
        TotalRow,
        r#"WITH written AS (
               INSERT INTO identity.usage AS u (tenant_id, month, requests, received_bytes, sent_bytes)
               SELECT * FROM (
                   SELECT t.tenant_id, t.month::date, t.requests, t.received_bytes, t.sent_bytes
                     FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
                          AS t (tenant_id, month, requests, received_bytes, sent_bytes)) AS told
               ON CONFLICT ON CONSTRAINT usage_pkey DO UPDATE
                   SET requests = u.requests + excluded.requests,
                       received_bytes = u.received_bytes + excluded.received_bytes,
                       sent_bytes = u.sent_bytes + excluded.sent_bytes, written_at = now()
               RETURNING u.tenant_id, u.month, u.requests, u.received_bytes, u.sent_bytes)
           SELECT w.tenant_id AS "tenant_id!", to_char(w.month, 'YYYY-MM') AS "month!", w.requests AS "requests!",
                  w.received_bytes AS "received_bytes!", w.sent_bytes AS "sent_bytes!", t.plan
             FROM written w LEFT JOIN identity.tenants t USING (tenant_id)"#,
        &tenants,
        &months,
        &column(|amounts| amounts.requests),
        &column(|amounts| amounts.received_bytes),
        &column(|amounts| amounts.sent_bytes)
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Total::from).collect())
}

/// What the tenant of the transaction used, by month, from one to another with both.
pub(crate) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    from: Month,
    until: Month,
) -> Result<Vec<Total>, sqlx::Error> {
    let rows = sqlx::query_as!(
        TotalRow,
        r#"SELECT u.tenant_id, to_char(u.month, 'YYYY-MM') AS "month!", u.requests, u.received_bytes, u.sent_bytes,
                  t.plan
             FROM identity.usage u LEFT JOIN identity.tenants t USING (tenant_id)
            WHERE u.tenant_id = $1 AND u.month BETWEEN $2::text::date AND $3::text::date ORDER BY u.month"#,
        tenant.as_str(),
        from.first_day(),
        until.first_day()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Total::from).collect())
}

/// The plan that the tenant of the transaction was given.
pub(crate) async fn plan_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
) -> Result<Option<String>, sqlx::Error> {
    let row = sqlx::query_scalar!("SELECT plan FROM identity.tenants WHERE tenant_id = $1", tenant.as_str());
    Ok(row.fetch_optional(connection).await?.flatten())
}

/// What every tenant used in a month, by the tenant's id, those after `after`.
pub(crate) async fn list_of_all(
    pool: &PgPool,
    month: Month,
    after: &str,
    limit: i64,
) -> Result<Vec<Total>, sqlx::Error> {
    let rows = sqlx::query_as!(
        TotalRow,
        r#"SELECT u.tenant_id, to_char(u.month, 'YYYY-MM') AS "month!", u.requests, u.received_bytes, u.sent_bytes,
                  t.plan
             FROM identity.usage u LEFT JOIN identity.tenants t USING (tenant_id)
            WHERE u.month = $1::text::date AND u.tenant_id COLLATE "C" > $2
            ORDER BY u.tenant_id COLLATE "C" LIMIT $3"#,
        month.first_day(),
        after,
        limit
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Total::from).collect())
}

/// Gives a tenant a plan, or the default again. `false` when there is no such tenant.
pub(crate) async fn set_plan(
    pool: &PgPool,
    tenant: &TenantId,
    plan: Option<&str>,
) -> Result<bool, sqlx::Error> {
    let updated =
        sqlx::query!("UPDATE identity.tenants SET plan = $2 WHERE tenant_id = $1", tenant.as_str(), plan);
    Ok(updated.execute(pool).await?.rows_affected() == 1)
}
