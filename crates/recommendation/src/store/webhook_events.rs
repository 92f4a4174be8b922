//! The shelf of messages that came, so that a repetition does nothing.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// Remembers a message and tells whether it is new.
pub(crate) async fn remember(
    db: &mut PgConnection,
    tenant: &TenantId,
    event_key: &str,
    received_at_us: i64,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "insert into recommendation.webhook_events (tenant_id, event_key, received_at)
         values ($1, $2, recommendation.from_micros($3))
         on conflict (tenant_id, event_key) do nothing",
        tenant.as_str(),
        event_key,
        received_at_us
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// Removes those of a week ago and more: repetitions come for a day.
pub(crate) async fn remove_old(db: &mut PgConnection) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "delete from recommendation.webhook_events where received_at < now() - interval '7 days'"
    )
    .execute(db)
    .await?;
    Ok(removed.rows_affected())
}
