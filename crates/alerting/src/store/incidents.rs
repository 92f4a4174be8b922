//! The shelf of incidents.

use std::collections::BTreeMap;

use larder_identity::TenantId;
use larder_oncall::report::IncidentCourse;
use larder_oncall::severity::Severity;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::clock::timestamp;
use crate::error::Error;

/// Texts by name, such as labels.
pub(crate) type Texts = BTreeMap<String, String>;

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Open,
    Acknowledged,
    Resolved,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

impl From<String> for State {
    fn from(name: String) -> Self {
        match name.as_str() {
            "acknowledged" => Self::Acknowledged,
            "resolved" => Self::Resolved,
            _ => Self::Open,
        }
    }
}

/// An incident as it lies in the table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct IncidentRow {
    pub(crate) incident_id: Uuid,
    pub(crate) incident_number: i64,
    pub(crate) route: String,
    pub(crate) receiver: String,
    pub(crate) group_key: String,
    pub(crate) group_labels: Json<Texts>,
    pub(crate) title: String,
    pub(crate) severity: String,
    pub(crate) runbook_url: String,
    pub(crate) common_labels: Json<Texts>,
    pub(crate) common_annotations: Json<Texts>,
    pub(crate) state: State,
    pub(crate) opened_at_us: i64,
    pub(crate) paged_at_us: Option<i64>,
    pub(crate) acknowledged_at_us: Option<i64>,
    pub(crate) acknowledged_by: String,
    pub(crate) resolved_at_us: Option<i64>,
    pub(crate) resolved_by: String,
    pub(crate) snoozed_until_us: Option<i64>,
    pub(crate) is_source_lost: bool,
    pub(crate) is_flapping: bool,
    pub(crate) firing_count: i32,
    pub(crate) alert_count: i32,
    pub(crate) revision: i32,
    pub(crate) escalation: serde_json::Value,
}

/// Opens incidents. One whose group has one already is left out.
pub(crate) async fn open(db: &mut PgConnection, tenant: &TenantId, new: &[IncidentRow]) -> sqlx::Result<()> {
    sqlx::query_file!("src/store/sql/insert_incidents.sql", tenant.as_str(), Json(new) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// The incidents of these groups that are not resolved.
pub(crate) async fn of_groups(
    db: &mut PgConnection,
    tenant: &TenantId,
    group_keys: &[String],
) -> sqlx::Result<Vec<IncidentRow>> {
    sqlx::query_file_as!(
        IncidentRow,
        "src/store/sql/list_incidents_of_groups.sql",
        tenant.as_str(),
        group_keys
    )
    .fetch_all(db)
    .await
}

/// These incidents, locked to the end of the transaction.
pub(crate) async fn lock(
    db: &mut PgConnection,
    tenant: &TenantId,
    incident_ids: &[Uuid],
) -> sqlx::Result<Vec<IncidentRow>> {
    sqlx::query_file_as!(IncidentRow, "src/store/sql/lock_incidents.sql", tenant.as_str(), incident_ids)
        .fetch_all(db)
        .await
}

/// These incidents as they are now.
pub(crate) async fn list_by_id(
    db: &mut PgConnection,
    tenant: &TenantId,
    incident_ids: &[Uuid],
) -> sqlx::Result<Vec<IncidentRow>> {
    sqlx::query_file_as!(IncidentRow, "src/store/sql/list_incidents_by_id.sql", tenant.as_str(), incident_ids)
        .fetch_all(db)
        .await
}

/// One incident by its id or its number.
pub(crate) async fn get(db: &mut PgConnection, tenant: &TenantId, name: &str) -> Result<IncidentRow, Error> {
    let incident_id = Uuid::parse_str(name).ok();
    let number = name.trim_start_matches('#').parse::<i64>().ok();
    let row = sqlx::query_file_as!(
        IncidentRow,
        "src/store/sql/get_incident.sql",
        tenant.as_str(),
        incident_id,
        number
    )
    .fetch_optional(db)
    .await?;
    row.ok_or(Error::NotFound { noun: "incident" })
}

/// A page of incidents, the newest first. Without a state those that are not resolved.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    state: Option<State>,
    before_number: Option<i64>,
    size: i64,
) -> sqlx::Result<Vec<IncidentRow>> {
    sqlx::query_file_as!(
        IncidentRow,
        "src/store/sql/list_incidents.sql",
        tenant.as_str(),
        state.map(State::name),
        before_number,
        size
    )
    .fetch_all(db)
    .await
}

/// Writes everything about incidents that changes.
pub(crate) async fn update(
    db: &mut PgConnection,
    tenant: &TenantId,
    rows: &[IncidentRow],
) -> sqlx::Result<()> {
    sqlx::query_file!("src/store/sql/update_incidents.sql", tenant.as_str(), Json(rows) as _)
        .execute(db)
        .await?;
    Ok(())
}

struct CourseRow {
    service: String,
    severity: String,
    opened_at_us: i64,
    acknowledged_at_us: Option<i64>,
    resolved_at_us: Option<i64>,
}

/// The courses of the incidents that were opened in a span of time.
pub(crate) async fn courses(
    db: &mut PgConnection,
    tenant: &TenantId,
    from_us: i64,
    until_us: i64,
) -> sqlx::Result<Vec<IncidentCourse>> {
    let rows = sqlx::query_as!(
        CourseRow,
        r#"select
               coalesce(common_labels ->> 'service', common_labels ->> 'job', '') as "service!",
               severity,
               alerting.to_micros(opened_at) as "opened_at_us!",
               alerting.to_micros(acknowledged_at) as acknowledged_at_us,
               alerting.to_micros(resolved_at) as resolved_at_us
           from alerting.incidents
           where tenant_id = $1 and opened_at >= alerting.from_micros($2)
               and opened_at < alerting.from_micros($3)"#,
        tenant.as_str(),
        from_us,
        until_us
    )
    .fetch_all(db)
    .await?;
    let course = |row: CourseRow| IncidentCourse {
        group: row.service,
        severity: Severity::from_word(&row.severity).unwrap_or(Severity::Warning),
        opened_at: timestamp(row.opened_at_us),
        acknowledged_at: row.acknowledged_at_us.map(timestamp),
        resolved_at: row.resolved_at_us.map(timestamp),
    };
    Ok(rows.into_iter().map(course).collect())
}

/// How many incidents stand in each state and severity that is not resolved; for the worker role alone.
pub(crate) async fn census(db: &mut PgConnection) -> sqlx::Result<Vec<(String, String, i64)>> {
    let rows = sqlx::query!(
        r#"select state, severity, count(*) as "count!" from alerting.incidents
           where state <> 'resolved' group by state, severity"#
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.severity, row.count)).collect())
}
