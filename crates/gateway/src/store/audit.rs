//! The audit log: added to and read, by nothing else. What chains the events is a trigger of the table.

use larder_identity::TenantId;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// What happened, before it is in the log.
#[derive(Debug, Clone)]
pub struct NewAuditEvent {
    /// Names the event, so that it is kept once however often it is written.
    pub event_id: Uuid,
    /// When, in microseconds since 1970.
    pub at_us: i64,
    /// Who.
    pub actor: String,
    /// What was called.
    pub action: String,
    /// What it was about.
    pub target: String,
    /// From where.
    pub address: String,
    /// How it ended.
    pub outcome: String,
    /// The correlation id of the request.
    pub correlation_id: String,
}

/// An event of the log.
#[derive(Debug, Clone)]
pub(crate) struct AuditRow {
    pub(crate) sequence: i64,
    pub(crate) event_id: Uuid,
    pub(crate) at_us: i64,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) target: String,
    pub(crate) address: String,
    pub(crate) outcome: String,
    pub(crate) correlation_id: String,
    pub(crate) hash: Vec<u8>,
}

/// Adds an event to the log of `tenant`; one that is there already is left alone.
///
/// # Errors
/// The database's own.
pub async fn append_audit_event(
    pool: &PgPool,
    tenant: &TenantId,
    event: &NewAuditEvent,
) -> Result<(), sqlx::Error> {
    let mut transaction = larder_database::begin_tenant(pool, tenant).await?;
    sqlx::query!(
        "INSERT INTO identity.audit_events
                (tenant_id, sequence, event_id, at_micros, actor, action, target, address, outcome,
                 correlation_id, hash)
         VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8, $9, '')
         ON CONFLICT ON CONSTRAINT audit_events_are_kept_once DO NOTHING",
        tenant.as_str(),
        event.event_id,
        event.at_us,
        event.actor,
        event.action,
        event.target,
        event.address,
        event.outcome,
        event.correlation_id
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

/// Events before `before`, the newest first; an empty filter takes all.
pub(crate) async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    before: i64,
    (actor, action): (&str, &str),
    limit: i64,
) -> Result<Vec<AuditRow>, sqlx::Error> {
    sqlx::query_as!(
        AuditRow,
        "SELECT sequence, event_id, at_micros AS at_us, actor, action, target, address, outcome, correlation_id, hash
           FROM identity.audit_events
          WHERE tenant_id = $1 AND sequence < $2 AND ($3 = '' OR actor = $3) AND ($4 = '' OR action = $4)
          ORDER BY sequence DESC LIMIT $5",
        tenant.as_str(),
        before,
        actor,
        action,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Events after `after`, the oldest first.
pub(crate) async fn read_on(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: i64,
    limit: i64,
) -> Result<Vec<AuditRow>, sqlx::Error> {
    sqlx::query_as!(
        AuditRow,
        "SELECT sequence, event_id, at_micros AS at_us, actor, action, target, address, outcome, correlation_id, hash
           FROM identity.audit_events
          WHERE tenant_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
        tenant.as_str(),
        after,
        limit
    )
    .fetch_all(connection)
    .await
}
