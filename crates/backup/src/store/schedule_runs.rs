//! Runs of schedules. All times of leases are the database's, so that the clocks of replicas do not
//! matter.

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// How long a lease lasts that nobody renews.
const LEASE_SECONDS: f64 = 120.0;

/// When the schedule was last served, or is being served by somebody whose lease lasts.
pub(crate) async fn last_done(db: &mut PgConnection, schedule: &str) -> sqlx::Result<Option<Timestamp>> {
    let last = sqlx::query_scalar!(
        "select (extract(epoch from max(due_at)) * 1000000)::bigint from backup.schedule_runs
         where schedule = $1 and (ended_at is not null or lease_until > now())",
        schedule
    )
    .fetch_one(db)
    .await?;
    Ok(last.and_then(|micros| Timestamp::from_microsecond(micros).ok()))
}

/// Takes a run, and tells which attempt this is; `None` when somebody else has it.
pub(crate) async fn take(
    db: &mut PgConnection,
    schedule: &str,
    due_at: Timestamp,
    holder: Uuid,
) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!(
        "insert into backup.schedule_runs as runs (schedule, due_at, holder, lease_until)
         values ($1, to_timestamp($2::bigint / 1000000.0), $3, now() + make_interval(secs => $4))
         on conflict on constraint schedule_runs_pkey do update
         set holder = excluded.holder, lease_until = excluded.lease_until, attempts = runs.attempts + 1
         where runs.ended_at is null and runs.lease_until <= now()
         returning attempts",
        schedule,
        due_at.as_microsecond(),
        holder,
        LEASE_SECONDS
    )
    .fetch_optional(db)
    .await
}

/// Keeps a run for longer; false when somebody else has taken it meanwhile.
pub(crate) async fn renew(
    db: &mut PgConnection,
    schedule: &str,
    due_at: Timestamp,
    holder: Uuid,
) -> sqlx::Result<bool> {
    let renewed = sqlx::query!(
        "update backup.schedule_runs set lease_until = now() + make_interval(secs => $4)
         where schedule = $1 and due_at = to_timestamp($2::bigint / 1000000.0) and holder = $3
           and ended_at is null",
        schedule,
        due_at.as_microsecond(),
        holder,
        LEASE_SECONDS
    )
    .execute(db)
    .await?;
    Ok(renewed.rows_affected() == 1)
}

/// How a run ended. One that may be tried again is free after `again_after_seconds`.
pub(crate) struct Ending<'a> {
    pub(crate) failure: Option<&'a str>,
    pub(crate) again_after_seconds: Option<f64>,
}

/// Ends a run.
pub(crate) async fn end(
    db: &mut PgConnection,
    schedule: &str,
    due_at: Timestamp,
    holder: Uuid,
    ending: &Ending<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update backup.schedule_runs
         set failure = $4,
             ended_at = case when $5::float8 is null then now() end,
             lease_until = now() + make_interval(secs => coalesce($5::float8, 0))
         where schedule = $1 and due_at = to_timestamp($2::bigint / 1000000.0) and holder = $3",
        schedule,
        due_at.as_microsecond(),
        holder,
        ending.failure,
        ending.again_after_seconds
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets runs that ended longer than a hundred days ago.
pub(crate) async fn forget_old(db: &mut PgConnection) -> sqlx::Result<u64> {
    let removed =
        sqlx::query!("delete from backup.schedule_runs where ended_at < now() - interval '100 days'")
            .execute(db)
            .await?;
    Ok(removed.rows_affected())
}
