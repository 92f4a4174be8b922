//! How an incident is called on the other side: Slack's message, the thread of a mail.

use larder_identity::TenantId;
use sqlx::PgConnection;
use uuid::Uuid;

/// What the other side called the message about an incident.
pub(crate) async fn find(
    db: &mut PgConnection,
    tenant: &TenantId,
    incident_id: Uuid,
    channel: &str,
    recipient: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select external_id from alerting.messages
         where tenant_id = $1 and incident_id = $2 and channel = $3 and recipient = $4",
        tenant.as_str(),
        incident_id,
        channel,
        recipient
    )
    .fetch_optional(db)
    .await
}

/// Remembers it. The first name stays: later messages belong to it.
pub(crate) async fn keep(
    db: &mut PgConnection,
    tenant: &TenantId,
    incident_id: Uuid,
    to: (&str, &str),
    external_id: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alerting.messages (tenant_id, incident_id, channel, recipient, external_id)
         values ($1, $2, $3, $4, $5) on conflict do nothing",
        tenant.as_str(),
        incident_id,
        to.0,
        to.1,
        external_id
    )
    .execute(db)
    .await?;
    Ok(())
}
