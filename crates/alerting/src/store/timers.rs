//! The shelf of timers: what is to be looked at again, and when. They outlive any process.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The group has waited: somebody is to be told.
    Notify,
    /// The next step of the escalation, or the end of an acknowledgement.
    Escalate,
    /// The snooze runs out.
    Snooze,
    /// Nobody has done anything for long: tell again.
    Repeat,
    /// Alerts have come or gone: tell the new state.
    Update,
}

impl Timer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Escalate => "escalate",
            Self::Snooze => "snooze",
            Self::Repeat => "repeat",
            Self::Update => "update",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Notify, Self::Escalate, Self::Snooze, Self::Repeat, Self::Update];
        all.into_iter().find(|timer| timer.name() == name)
    }
}

/// A timer to be set, or to be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TimerChange {
    pub(crate) incident_id: Uuid,
    #[serde(serialize_with = "by_name")]
    pub(crate) kind: Timer,
    /// When it is due; `None` forgets it.
    pub(crate) due_at_us: Option<i64>,
    /// Whether one that is set already stays as it is.
    pub(crate) keeps_earlier: bool,
}

fn by_name<S: serde::Serializer>(timer: &Timer, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(timer.name())
}

/// Sets and forgets timers.
pub(crate) async fn change(
    db: &mut PgConnection,
    tenant: &TenantId,
    changes: &[TimerChange],
) -> sqlx::Result<()> {
    sqlx::query_file!("src/store/sql/delete_timers.sql", tenant.as_str(), Json(changes) as _)
        .execute(&mut *db)
        .await?;
    sqlx::query_file!("src/store/sql/upsert_timers.sql", tenant.as_str(), Json(changes) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// Moves every timer: the clock was set.
pub(crate) async fn shift(db: &mut PgConnection, tenant: &TenantId, by_us: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update alerting.timers set due_at = due_at + $2::bigint * interval '1 microsecond' where tenant_id = $1",
        tenant.as_str(),
        by_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An incident with timers that are due.
#[derive(Debug)]
pub(crate) struct DueIncident {
    pub(crate) tenant_id: String,
    pub(crate) incident_id: Uuid,
}

/// Incidents with timers that are due, the earliest first; for the worker role alone.
pub(crate) async fn due(db: &mut PgConnection, now_us: i64, most: i64) -> sqlx::Result<Vec<DueIncident>> {
    sqlx::query_as!(
        DueIncident,
        "select tenant_id, incident_id from alerting.timers
         where due_at <= alerting.from_micros($1)
         group by tenant_id, incident_id order by min(due_at) limit $2",
        now_us,
        most
    )
    .fetch_all(db)
    .await
}

/// When the next timer is due; for the worker role alone.
pub(crate) async fn next_due_at_us(db: &mut PgConnection) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("select alerting.to_micros(min(due_at)) from alerting.timers").fetch_one(db).await
}

/// Takes the due timers of incidents away and tells which they were. Nobody else gets them.
pub(crate) async fn take_due(
    db: &mut PgConnection,
    tenant: &TenantId,
    incident_ids: &[Uuid],
    now_us: i64,
) -> sqlx::Result<Vec<(Uuid, Timer)>> {
    let rows = sqlx::query!(
        "delete from alerting.timers
         where tenant_id = $1 and incident_id = any($2) and due_at <= alerting.from_micros($3)
         returning incident_id, kind",
        tenant.as_str(),
        incident_ids,
        now_us
    )
    .fetch_all(db)
    .await?;
    Ok(rows.iter().filter_map(|row| Some((row.incident_id, Timer::from_name(&row.kind)?))).collect())
}
