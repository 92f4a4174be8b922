//! The shelf of heartbeats: who must give a sign of life, and who did.

use larder_identity::TenantId;
use sqlx::PgConnection;

use crate::error::Error;

/// A heartbeat as it lies in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeartbeatRow {
    pub(crate) tenant_id: String,
    pub(crate) name: String,
    pub(crate) interval_s: i32,
    pub(crate) last_beat_at_us: Option<i64>,
    pub(crate) is_lost: bool,
}

/// Expects a sign of life from now on, or how often it should come from now on.
pub(crate) async fn expect(
    db: &mut PgConnection,
    tenant: &TenantId,
    name: &str,
    interval_s: i32,
    now_us: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alerting.heartbeats (tenant_id, name, interval_s, created_at)
         values ($1, $2, $3, alerting.from_micros($4))
         on conflict (tenant_id, name) do update set interval_s = excluded.interval_s",
        tenant.as_str(),
        name,
        interval_s,
        now_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a sign of life; `false` when nobody expects one of that name.
pub(crate) async fn beat(
    db: &mut PgConnection,
    tenant: &TenantId,
    name: &str,
    now_us: i64,
) -> sqlx::Result<bool> {
    let known = sqlx::query!(
        "update alerting.heartbeats set last_beat_at = alerting.from_micros($3)
         where tenant_id = $1 and name = $2",
        tenant.as_str(),
        name,
        now_us
    )
    .execute(db)
    .await?;
    Ok(known.rows_affected() > 0)
}

/// The heartbeats of a tenant by name.
pub(crate) async fn list(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<Vec<HeartbeatRow>> {
    sqlx::query_as!(
        HeartbeatRow,
        "select tenant_id, name, interval_s, alerting.to_micros(last_beat_at) as last_beat_at_us, is_lost
         from alerting.heartbeats where tenant_id = $1 order by name",
        tenant.as_str()
    )
    .fetch_all(db)
    .await
}

/// Every heartbeat; for the worker role alone.
pub(crate) async fn all(db: &mut PgConnection) -> sqlx::Result<Vec<HeartbeatRow>> {
    sqlx::query_as!(
        HeartbeatRow,
        "select tenant_id, name, interval_s, alerting.to_micros(last_beat_at) as last_beat_at_us, is_lost
         from alerting.heartbeats"
    )
    .fetch_all(db)
    .await
}

/// Says that a source is lost, or back; `false` when that was known.
pub(crate) async fn mark(
    db: &mut PgConnection,
    tenant: &TenantId,
    name: &str,
    is_lost: bool,
) -> sqlx::Result<bool> {
    let changed = sqlx::query!(
        "update alerting.heartbeats set is_lost = $3 where tenant_id = $1 and name = $2 and is_lost <> $3",
        tenant.as_str(),
        name,
        is_lost
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() > 0)
}

/// Expects nothing of it any more.
pub(crate) async fn remove(db: &mut PgConnection, tenant: &TenantId, name: &str) -> Result<(), Error> {
    let removed = sqlx::query!(
        "delete from alerting.heartbeats where tenant_id = $1 and name = $2",
        tenant.as_str(),
        name
    )
    .execute(db)
    .await?;
    if removed.rows_affected() == 0 { Err(Error::NotFound { noun: "heartbeat" }) } else { Ok(()) }
}
