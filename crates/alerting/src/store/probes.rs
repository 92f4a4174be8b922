//! The shelf of probes: when each is looked at next, and what came of it. Whoever moves the next look on takes it.

use std::collections::BTreeMap;

use larder_identity::TenantId;
use larder_oncall::labels::Labels;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

/// A probe as it lies in the table.
#[derive(Clone, Debug)]
pub(crate) struct ProbeRow {
    pub(crate) name: String,
    pub(crate) labels: Json<Labels>,
    pub(crate) looked_at_us: Option<i64>,
    pub(crate) failures: i32,
    pub(crate) is_told: bool,
    pub(crate) last_error: String,
}

/// A probe that is wanted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WantedProbe {
    pub(crate) name: String,
    pub(crate) labels: Labels,
    pub(crate) every_us: i64,
}

/// Every probe of a tenant.
pub(crate) async fn list(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<Vec<ProbeRow>> {
    sqlx::query_as!(
        ProbeRow,
        r#"select name, labels as "labels: Json<Labels>", alerting.to_micros(looked_at) as looked_at_us, failures,
                  is_told, last_error
           from alerting.probes where tenant_id = $1 order by name"#,
        tenant.as_str()
    )
    .fetch_all(db)
    .await
}

/// Wants these probes and no others.
pub(crate) async fn want(
    db: &mut PgConnection,
    tenant: &TenantId,
    wanted: &[WantedProbe],
    now_us: i64,
) -> sqlx::Result<()> {
    let names: Vec<String> = wanted.iter().map(|probe| probe.name.clone()).collect();
    sqlx::query!(
        "delete from alerting.probes where tenant_id = $1 and not name = any($2)",
        tenant.as_str(),
        &names
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into alerting.probes as known (tenant_id, name, labels, next_at)
         select $1, name, labels, alerting.from_micros($3)
         from jsonb_to_recordset($2::jsonb) as wanted (name text, labels jsonb)
         on conflict (tenant_id, name) do update
         set labels = excluded.labels, is_told = known.is_told and known.labels = excluded.labels",
        tenant.as_str(),
        Json(wanted) as _,
        now_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the looks that are due, and tells how many failed before each and whether it was told. A look that lies
/// further ahead than it can is taken, too: the clock was put back.
pub(crate) async fn take_due(
    db: &mut PgConnection,
    tenant: &TenantId,
    wanted: &[WantedProbe],
    now_us: i64,
) -> sqlx::Result<BTreeMap<String, (i32, bool)>> {
    let rows = sqlx::query!(
        r#"update alerting.probes as known
           set next_at = alerting.from_micros($3 + wanted.every_us)
           from jsonb_to_recordset($2::jsonb) as wanted (name text, every_us bigint)
           where known.tenant_id = $1 and known.name = wanted.name
               and (known.next_at <= alerting.from_micros($3)
                    or known.next_at > alerting.from_micros($3 + 2 * wanted.every_us))
           returning known.name, known.failures, known.is_told"#,
        tenant.as_str(),
        Json(wanted) as _,
        now_us
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, (row.failures, row.is_told))).collect())
}

/// What came of a look.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    pub(crate) failures: i32,
    pub(crate) is_told: bool,
    pub(crate) last_error: String,
}

/// Writes what came of a look.
pub(crate) async fn record(
    db: &mut PgConnection,
    tenant: &TenantId,
    name: &str,
    looked: &Looked,
    now_us: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update alerting.probes
         set looked_at = alerting.from_micros($3), failures = $4, is_told = $5, last_error = $6
         where tenant_id = $1 and name = $2",
        tenant.as_str(),
        name,
        now_us,
        looked.failures,
        looked.is_told,
        looked.last_error
    )
    .execute(db)
    .await?;
    Ok(())
}
