//! Alerts as they are shown: pages for people and the whole list for Alertmanager's API.

use std::collections::BTreeMap;

use larder_identity::TenantId;
use larder_oncall::labels::Labels;
use sqlx::PgConnection;
use sqlx::types::Json;

/// Which alerts are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything that is not resolved.
    Unresolved,
    Firing,
    Resolved,
    Lost,
}

/// An alert as it lies in the table.
#[derive(Clone, Debug)]
pub(crate) struct AlertRow {
    pub(crate) fingerprint: i64,
    pub(crate) labels: Json<Labels>,
    pub(crate) annotations: Json<BTreeMap<String, String>>,
    pub(crate) generator_url: String,
    pub(crate) source: String,
    pub(crate) starts_at_us: i64,
    pub(crate) resolved_at_us: Option<i64>,
    pub(crate) expires_at_us: Option<i64>,
    pub(crate) lost_at_us: Option<i64>,
    pub(crate) updated_at_us: i64,
    pub(crate) is_flapping: bool,
    pub(crate) silence_ids: Vec<String>,
    pub(crate) is_inhibited: bool,
}

/// The labels of what fires of one source.
pub(crate) async fn firing_of_source(
    db: &mut PgConnection,
    tenant: &TenantId,
    source: &str,
) -> sqlx::Result<Vec<Labels>> {
    let rows = sqlx::query!(
        r#"select labels as "labels: Json<Labels>" from alerting.alerts
           where tenant_id = $1 and source = $2 and resolved_at is null"#,
        tenant.as_str(),
        source
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.labels.0).collect())
}

/// A page of alerts by fingerprint.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    wanted: Wanted,
    after: Option<i64>,
    size: i64,
) -> sqlx::Result<Vec<AlertRow>> {
    let (resolved, lost) = match wanted {
        Wanted::Unresolved => (false, None),
        Wanted::Firing => (false, Some(false)),
        Wanted::Resolved => (true, None),
        Wanted::Lost => (false, Some(true)),
    };
    sqlx::query_file_as!(
        AlertRow,
        "src/store/sql/list_alerts.sql",
        tenant.as_str(),
        after,
        resolved,
        lost,
        size
    )
    .fetch_all(db)
    .await
}

/// The alerts of an incident, those that fire first.
pub(crate) async fn of_incident(
    db: &mut PgConnection,
    tenant: &TenantId,
    incident_id: uuid::Uuid,
    most: i64,
) -> sqlx::Result<Vec<AlertRow>> {
    sqlx::query_file_as!(
        AlertRow,
        "src/store/sql/list_alerts_of_incident.sql",
        tenant.as_str(),
        incident_id,
        most
    )
    .fetch_all(db)
    .await
}
