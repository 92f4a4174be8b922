//! The shelf of tenants: which there are, and how many incidents they had.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// Remembers that the tenant exists.
pub(crate) async fn remember(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alerting.tenants (tenant_id) values ($1) on conflict do nothing",
        tenant.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Every tenant; for the worker role alone.
pub(crate) async fn all(db: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select tenant_id from alerting.tenants order by tenant_id").fetch_all(db).await
}

/// Takes `count` numbers for incidents and tells the first of them.
pub(crate) async fn take_numbers(db: &mut PgConnection, tenant: &TenantId, count: i64) -> sqlx::Result<i64> {
    let last = sqlx::query_scalar!(
        "insert into alerting.tenants as known (tenant_id, last_incident_number) values ($1, $2)
         on conflict (tenant_id) do update set last_incident_number = known.last_incident_number + $2
         returning last_incident_number",
        tenant.as_str(),
        count
    )
    .fetch_one(db)
    .await?;
    Ok(last - count + 1)
}

/// Lets one replica at a time work on the incidents of a tenant, to the end of the transaction.
pub(crate) async fn try_lock(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<bool> {
    let key = format!("larder/alerting/{}", tenant.as_str());
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "locked!""#, key)
        .fetch_one(db)
        .await
}
