//! What a channel said of itself: until when it wants nothing, and how much it was sent lately.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// Sends nothing through a channel before `until_us`; a longer pause stays.
pub(crate) async fn pause(
    db: &mut PgConnection,
    tenant: &TenantId,
    channel: &str,
    until_us: i64,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alerting.channel_states as known (tenant_id, channel, paused_until, pause_reason)
         values ($1, $2, alerting.from_micros($3), $4)
         on conflict (tenant_id, channel) do update
         set paused_until = greatest(known.paused_until, excluded.paused_until),
             pause_reason = excluded.pause_reason",
        tenant.as_str(),
        channel,
        until_us,
        reason
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How much the channel was sent lately.
pub(crate) async fn load(
    db: &mut PgConnection,
    tenant: &TenantId,
    channel: &str,
) -> sqlx::Result<Option<serde_json::Value>> {
    let load = sqlx::query_scalar!(
        "select load from alerting.channel_states where tenant_id = $1 and channel = $2",
        tenant.as_str(),
        channel
    )
    .fetch_optional(db)
    .await?;
    Ok(load.flatten())
}

/// Keeps how much the channel was sent, so that a restart does not forget it.
pub(crate) async fn keep_load(
    db: &mut PgConnection,
    tenant: &TenantId,
    channel: &str,
    load: &serde_json::Value,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alerting.channel_states (tenant_id, channel, pause_reason, load) values ($1, $2, '', $3)
         on conflict (tenant_id, channel) do update set load = excluded.load",
        tenant.as_str(),
        channel,
        load
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Moves the ends of pauses: the clock was set.
pub(crate) async fn shift(db: &mut PgConnection, tenant: &TenantId, by_us: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update alerting.channel_states set paused_until = paused_until + $2::bigint * interval '1 microsecond'
         where tenant_id = $1",
        tenant.as_str(),
        by_us
    )
    .execute(db)
    .await?;
    Ok(())
}
