//! The shelf of overrides: who takes whose shift.

use larder_identity::TenantId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;

/// An override as it lies in the table.
#[derive(Clone, Debug)]
pub(crate) struct OverrideRow {
    pub(crate) override_id: Uuid,
    pub(crate) schedule: String,
    pub(crate) contact: String,
    pub(crate) starts_at_us: i64,
    pub(crate) ends_at_us: i64,
    pub(crate) created_by: String,
    /// The event of a calendar that told it; empty for what a person made.
    pub(crate) calendar: String,
}

/// Writes an override.
pub(crate) async fn add(db: &mut PgConnection, tenant: &TenantId, row: &OverrideRow) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alerting.overrides
             (tenant_id, override_id, schedule, contact, starts_at, ends_at, created_by, calendar)
         values ($1, $2, $3, $4, alerting.from_micros($5), alerting.from_micros($6), $7, $8)",
        tenant.as_str(),
        row.override_id,
        row.schedule,
        row.contact,
        row.starts_at_us,
        row.ends_at_us,
        row.created_by,
        row.calendar
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The overrides that end after `ends_after_us`, of one schedule or of all, the newest last.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    schedule: Option<&str>,
    ends_after_us: i64,
) -> sqlx::Result<Vec<OverrideRow>> {
    sqlx::query_as!(
        OverrideRow,
        r#"select override_id, schedule, contact, alerting.to_micros(starts_at) as "starts_at_us!",
                  alerting.to_micros(ends_at) as "ends_at_us!", created_by, calendar
           from alerting.overrides
           where tenant_id = $1 and ($2::text is null or schedule = $2)
                 and ends_at > alerting.from_micros($3)
           order by override_id limit 1000"#,
        tenant.as_str(),
        schedule,
        ends_after_us
    )
    .fetch_all(db)
    .await
}

/// Forgets what calendars told of a schedule and is not over.
pub(crate) async fn forget_calendar(
    db: &mut PgConnection,
    tenant: &TenantId,
    schedule: &str,
    now_us: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from alerting.overrides
         where tenant_id = $1 and schedule = $2 and calendar <> '' and ends_at > alerting.from_micros($3)",
        tenant.as_str(),
        schedule,
        now_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes an override back.
pub(crate) async fn remove(db: &mut PgConnection, tenant: &TenantId, override_id: Uuid) -> Result<(), Error> {
    let removed = sqlx::query!(
        "delete from alerting.overrides where tenant_id = $1 and override_id = $2",
        tenant.as_str(),
        override_id
    )
    .execute(db)
    .await?;
    if removed.rows_affected() == 0 { Err(Error::NotFound { noun: "override" }) } else { Ok(()) }
}
