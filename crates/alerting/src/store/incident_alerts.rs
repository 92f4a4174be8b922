//! Which alerts belong to which incident, and whether they still fire.

use larder_identity::TenantId;
use larder_oncall::labels::Labels;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// One alert in one incident.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Member {
    pub(crate) incident_id: Uuid,
    pub(crate) fingerprint: i64,
    pub(crate) is_firing: bool,
    pub(crate) is_hidden: bool,
}

/// Puts alerts into incidents, or says anew how they are.
pub(crate) async fn put(db: &mut PgConnection, tenant: &TenantId, members: &[Member]) -> sqlx::Result<()> {
    sqlx::query_file!("src/store/sql/upsert_incident_alerts.sql", tenant.as_str(), Json(members) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// The incidents in which these alerts fire.
pub(crate) async fn firing_in(
    db: &mut PgConnection,
    tenant: &TenantId,
    fingerprints: &[i64],
) -> sqlx::Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        "select incident_id, fingerprint from alerting.incident_alerts
         where tenant_id = $1 and fingerprint = any($2) and is_firing",
        tenant.as_str(),
        fingerprints
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.incident_id, row.fingerprint)).collect())
}

/// The alerts that fire in incidents, with their labels.
pub(crate) async fn firing_labels(
    db: &mut PgConnection,
    tenant: &TenantId,
    incident_ids: &[Uuid],
    most: i64,
) -> sqlx::Result<Vec<(Member, Labels)>> {
    let rows = sqlx::query!(
        r#"select members.incident_id, members.fingerprint, members.is_hidden,
                  alerts.labels as "labels: Json<Labels>"
           from alerting.incident_alerts as members
           inner join alerting.alerts
               on alerts.tenant_id = members.tenant_id and alerts.fingerprint = members.fingerprint
           where members.tenant_id = $1 and members.incident_id = any($2) and members.is_firing
           limit $3"#,
        tenant.as_str(),
        incident_ids,
        most
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let member = Member {
            incident_id: row.incident_id,
            fingerprint: row.fingerprint,
            is_firing: true,
            is_hidden: row.is_hidden,
        };
        (member, row.labels.0)
    });
    Ok(rows.collect())
}

/// How many alerts an incident has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) firing: i32,
    pub(crate) visible: i32,
    pub(crate) all: i32,
    pub(crate) lost: i32,
    /// That come and go.
    pub(crate) flapping: i32,
}

/// Counts the alerts of incidents.
pub(crate) async fn count(
    db: &mut PgConnection,
    tenant: &TenantId,
    incident_ids: &[Uuid],
) -> sqlx::Result<Vec<(Uuid, Counts)>> {
    let rows = sqlx::query_file!("src/store/sql/count_incident_alerts.sql", tenant.as_str(), incident_ids)
        .fetch_all(db)
        .await?;
    let counts = rows.into_iter().map(|row| {
        let counts = Counts {
            firing: row.firing,
            visible: row.visible,
            all: row.all,
            lost: row.lost,
            flapping: row.flapping,
        };
        (row.incident_id, counts)
    });
    Ok(counts.collect())
}
