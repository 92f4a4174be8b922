//! The shelf of silences. What one means is worked out in memory.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// A silence as it lies in the table.
#[derive(Clone, Debug)]
pub(crate) struct SilenceRow {
    pub(crate) silence_id: String,
    pub(crate) silence: serde_json::Value,
    pub(crate) ends_at_us: i64,
}

/// Writes a silence, or replaces the one with its id.
pub(crate) async fn put(
    db: &mut PgConnection,
    tenant: &TenantId,
    row: &SilenceRow,
    now_us: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alerting.silences (tenant_id, silence_id, silence, ends_at, created_at)
         values ($1, $2, $3, alerting.from_micros($4), alerting.from_micros($5))
         on conflict (tenant_id, silence_id) do update
         set silence = excluded.silence, ends_at = excluded.ends_at",
        tenant.as_str(),
        row.silence_id,
        row.silence,
        row.ends_at_us,
        now_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Silences that end after `ends_after_us`, a page by id.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    ends_after_us: i64,
    after: &str,
    size: i64,
) -> sqlx::Result<Vec<SilenceRow>> {
    sqlx::query_as!(
        SilenceRow,
        r#"select silence_id, silence, alerting.to_micros(ends_at) as "ends_at_us!"
           from alerting.silences
           where tenant_id = $1 and ends_at > alerting.from_micros($2) and silence_id > $3
           order by silence_id limit $4"#,
        tenant.as_str(),
        ends_after_us,
        after,
        size
    )
    .fetch_all(db)
    .await
}

/// One silence.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    silence_id: &str,
) -> sqlx::Result<Option<SilenceRow>> {
    sqlx::query_as!(
        SilenceRow,
        r#"select silence_id, silence, alerting.to_micros(ends_at) as "ends_at_us!"
           from alerting.silences where tenant_id = $1 and silence_id = $2"#,
        tenant.as_str(),
        silence_id
    )
    .fetch_optional(db)
    .await
}
