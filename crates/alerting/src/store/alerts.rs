//! The shelf of alerts: one row for each set of labels that was ever told.

use std::collections::BTreeMap;

use larder_identity::TenantId;
use larder_oncall::labels::Labels;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::clock::timestamp;

use larder_oncall::alert::KnownAlert;
use larder_oncall::flapping::{FlapLimits, FlapScore, FlapVerdict};

/// An alert as it is to be written: what becomes known, and what never changes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AlertToWrite {
    pub(crate) fingerprint: i64,
    pub(crate) labels: Labels,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) generator_url: String,
    pub(crate) source: String,
    pub(crate) starts_at_us: i64,
    pub(crate) resolved_at_us: Option<i64>,
    pub(crate) expires_at_us: Option<i64>,
    pub(crate) lost_at_us: Option<i64>,
    pub(crate) resolve_held_at_us: Option<i64>,
    pub(crate) updated_at_us: i64,
    pub(crate) revision: i64,
    pub(crate) is_pending: bool,
    pub(crate) inhibits: bool,
    pub(crate) flaps: Option<FlapScore>,
    pub(crate) damped_until_us: Option<i64>,
}

struct KnownRow {
    fingerprint: i64,
    annotations: Json<BTreeMap<String, String>>,
    starts_at_us: i64,
    resolved_at_us: Option<i64>,
    expires_at_us: Option<i64>,
    lost_at_us: Option<i64>,
    resolve_held_at_us: Option<i64>,
    updated_at_us: i64,
    revision: i64,
    is_pending: bool,
    flaps: Option<Json<FlapScore>>,
    damped_until_us: Option<i64>,
}

/// What is known of these alerts.
pub(crate) async fn known(
    db: &mut PgConnection,
    tenant: &TenantId,
    fingerprints: &[i64],
) -> sqlx::Result<BTreeMap<i64, KnownAlert>> {
    let rows =
        sqlx::query_file_as!(KnownRow, "src/store/sql/get_known_alerts.sql", tenant.as_str(), fingerprints)
            .fetch_all(db)
            .await?;
    let known = rows.into_iter().map(|row| {
        let known = KnownAlert {
            annotations: row.annotations.0,
            starts_at_us: row.starts_at_us,
            resolved_at_us: row.resolved_at_us,
            expires_at_us: row.expires_at_us,
            lost_at_us: row.lost_at_us,
            resolve_held_at_us: row.resolve_held_at_us,
            updated_at_us: row.updated_at_us,
            revision: row.revision,
            is_pending: row.is_pending,
            flaps: row.flaps.map(|flaps| flaps.0),
            damped_until_us: row.damped_until_us,
        };
        (row.fingerprint, known)
    });
    Ok(known.collect())
}

/// Writes alerts whose revision is the next one after what is there, and tells which were written: of
/// the others somebody else has written since they were read.
pub(crate) async fn write(
    db: &mut PgConnection,
    tenant: &TenantId,
    alerts: &[AlertToWrite],
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_file_scalar!("src/store/sql/upsert_alerts.sql", tenant.as_str(), Json(alerts) as _)
        .fetch_all(db)
        .await
}

/// An alert that is to be put into incidents.
pub(crate) struct PendingAlert {
    pub(crate) fingerprint: i64,
    pub(crate) labels: Json<Labels>,
    pub(crate) annotations: Json<BTreeMap<String, String>>,
    pub(crate) is_firing: bool,
    pub(crate) is_flapping: bool,
    pub(crate) revision: i64,
    pub(crate) inhibits: bool,
}

/// The alerts of a tenant that wait, those that came first at the front.
pub(crate) async fn pending(
    db: &mut PgConnection,
    tenant: &TenantId,
    most: i64,
) -> sqlx::Result<Vec<PendingAlert>> {
    sqlx::query_file_as!(PendingAlert, "src/store/sql/list_pending_alerts.sql", tenant.as_str(), most)
        .fetch_all(db)
        .await
}

/// What was found out about an alert that waited.
#[derive(Serialize)]
pub(crate) struct Settled {
    pub(crate) fingerprint: i64,
    pub(crate) revision: i64,
    pub(crate) silence_ids: Vec<String>,
    pub(crate) is_inhibited: bool,
}

/// Takes alerts off the waiting list unless they have changed again meanwhile.
pub(crate) async fn settle(
    db: &mut PgConnection,
    tenant: &TenantId,
    settled: &[Settled],
) -> sqlx::Result<()> {
    sqlx::query_file!("src/store/sql/settle_alerts.sql", tenant.as_str(), Json(settled) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// The alerts that fire and may inhibit others.
pub(crate) async fn inhibiting(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<Vec<Labels>> {
    let rows = sqlx::query!(
        r#"select labels as "labels: Json<Labels>" from alerting.alerts
           where tenant_id = $1 and inhibits and resolved_at is null"#,
        tenant.as_str()
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.labels.0).collect())
}

/// Looks again at the alerts of a tenant that fire: what hides them has changed.
pub(crate) async fn look_again(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<u64> {
    let changed = sqlx::query!(
        "update alerting.alerts set is_pending = true, revision = revision + 1
         where tenant_id = $1 and resolved_at is null and not is_pending",
        tenant.as_str()
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected())
}

/// The same for all tenants; for the worker role alone.
pub(crate) async fn look_again_everywhere(db: &mut PgConnection) -> sqlx::Result<u64> {
    let changed = sqlx::query!(
        "update alerting.alerts set is_pending = true, revision = revision + 1
         where resolved_at is null and not is_pending and (cardinality(silence_ids) > 0 or is_inhibited)"
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected())
}

/// Believes the resolves of a source that have been held since before `until_us`.
pub(crate) async fn release_held(
    db: &mut PgConnection,
    tenant: &TenantId,
    source: &str,
    until_us: i64,
) -> sqlx::Result<u64> {
    let changed = sqlx::query!(
        "update alerting.alerts
         set resolved_at = resolve_held_at, resolve_held_at = null, lost_at = null, is_pending = true,
             revision = revision + 1
         where tenant_id = $1 and source = $2 and resolve_held_at < alerting.from_micros($3)",
        tenant.as_str(),
        source,
        until_us
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected())
}

/// Marks what fires as lost: everything of a source that has fallen silent.
pub(crate) async fn lose_of_source(
    db: &mut PgConnection,
    tenant: &TenantId,
    source: &str,
    now_us: i64,
) -> sqlx::Result<u64> {
    let changed = sqlx::query!(
        "update alerting.alerts
         set lost_at = alerting.from_micros($3), is_pending = true, revision = revision + 1
         where tenant_id = $1 and source = $2 and resolved_at is null and lost_at is null",
        tenant.as_str(),
        source,
        now_us
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected())
}

/// Gives what has run out already, and is not marked as lost, time until `until_us`; for the worker role alone.
pub(crate) async fn give_time(db: &mut PgConnection, now_us: i64, until_us: i64) -> sqlx::Result<u64> {
    let changed = sqlx::query!(
        "update alerting.alerts set expires_at = alerting.from_micros($2)
         where resolved_at is null and lost_at is null and expires_at < alerting.from_micros($1)",
        now_us,
        until_us
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected())
}

/// A source some of whose alerts were not sent again in time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SilentSource {
    pub(crate) tenant_id: String,
    pub(crate) source: String,
}

/// Marks alerts as lost whose time has run out, and tells whose they were; for the worker role alone.
pub(crate) async fn lose_expired(db: &mut PgConnection, now_us: i64) -> sqlx::Result<Vec<SilentSource>> {
    let mut sources = sqlx::query_as!(
        SilentSource,
        "update alerting.alerts
         set lost_at = alerting.from_micros($1), is_pending = true, revision = revision + 1
         where resolved_at is null and lost_at is null and expires_at < alerting.from_micros($1)
         returning tenant_id, source",
        now_us
    )
    .fetch_all(db)
    .await?;
    sources.sort();
    sources.dedup();
    Ok(sources)
}

/// Sources that have lost alerts, and nothing else that would speak for them; for the worker role alone.
pub(crate) async fn silent_sources(db: &mut PgConnection) -> sqlx::Result<Vec<SilentSource>> {
    sqlx::query_as!(
        SilentSource,
        "select distinct tenant_id, source from alerting.alerts
         where lost_at is not null and resolved_at is null and expires_at is not null"
    )
    .fetch_all(db)
    .await
}

/// An alert that comes and goes and was looked at.
pub(crate) struct Damped {
    pub(crate) tenant_id: String,
    pub(crate) fingerprint: i64,
    /// Whether it goes on coming and going, and is to be told again.
    pub(crate) is_reminded: bool,
}

/// Looks at alerts that come and go and whose time has run out: what has been calm counts as it is again; for the
/// worker role alone.
pub(crate) async fn calm_down(
    db: &mut PgConnection,
    limits: &FlapLimits,
    now_us: i64,
) -> sqlx::Result<Vec<Damped>> {
    let rows = sqlx::query!(
        r#"select tenant_id, fingerprint, revision, flaps as "flaps: Json<FlapScore>" from alerting.alerts
           where damped_until <= alerting.from_micros($1) limit 1000"#,
        now_us
    )
    .fetch_all(&mut *db)
    .await?;
    let mut looked_at = Vec::with_capacity(rows.len());
    for row in rows {
        let mut flaps = row.flaps.map(|flaps| flaps.0);
        let verdict = flaps.as_mut().map(|flaps| flaps.check(timestamp(now_us), limits));
        let due_at = flaps.as_ref().and_then(|flaps| flaps.due_at(limits));
        sqlx::query!(
            "update alerting.alerts
             set flaps = $4, damped_until = alerting.from_micros($5), is_pending = true, revision = revision + 1
             where tenant_id = $1 and fingerprint = $2 and revision = $3",
            row.tenant_id,
            row.fingerprint,
            row.revision,
            flaps.map(Json) as _,
            due_at.map(jiff::Timestamp::as_microsecond)
        )
        .execute(&mut *db)
        .await?;
        let is_reminded = verdict == Some(FlapVerdict::SayFlapping);
        looked_at.push(Damped { tenant_id: row.tenant_id, fingerprint: row.fingerprint, is_reminded });
    }
    Ok(looked_at)
}

/// Gives every alert that must be sent again more time: the clock was put forward, nobody was late.
pub(crate) async fn shift_expiry(db: &mut PgConnection, by_us: i64) -> sqlx::Result<u64> {
    let changed = sqlx::query!(
        "update alerting.alerts set expires_at = expires_at + $1::bigint * interval '1 microsecond'
         where resolved_at is null and lost_at is null and expires_at is not null",
        by_us
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected())
}

/// The tenants that have alerts waiting; for the worker role alone.
pub(crate) async fn tenants_with_pending(db: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select distinct tenant_id from alerting.alerts where is_pending").fetch_all(db).await
}

/// Removes alerts that have been over since before `before_us`.
pub(crate) async fn remove_old(
    db: &mut PgConnection,
    tenant: &TenantId,
    before_us: i64,
) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "delete from alerting.alerts
         where tenant_id = $1 and resolved_at < alerting.from_micros($2) and not is_pending",
        tenant.as_str(),
        before_us
    )
    .execute(db)
    .await?;
    Ok(removed.rows_affected())
}
