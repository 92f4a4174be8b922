//! The outbox: what is to be told to whom. A row is committed with what it tells of, leased by one
//! replica at a time, and finished only by the lease that is still the newest.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// What a notification is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Wakes somebody; of no use once the incident is acknowledged or over.
    Page,
    /// Tells a new state to those who were told before.
    Update,
    /// A word to the operators that is about no incident.
    Warning,
}

impl From<String> for Kind {
    fn from(name: String) -> Self {
        match name.as_str() {
            "page" => Self::Page,
            "update" => Self::Update,
            _ => Self::Warning,
        }
    }
}

/// A notification that is to be sent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewNotification {
    pub(crate) notification_id: Uuid,
    pub(crate) incident_id: Option<Uuid>,
    pub(crate) channel: String,
    pub(crate) recipient: String,
    pub(crate) kind: Kind,
    pub(crate) severity: String,
    pub(crate) dedup_key: String,
    pub(crate) created_at_us: i64,
    pub(crate) expires_at_us: i64,
}

/// Puts notifications into the outbox, and takes out those of the same incident, channel and recipient
/// that still wait: whatever is sent tells the newest state. One whose key was used is left out.
pub(crate) async fn put(
    db: &mut PgConnection,
    tenant: &TenantId,
    new: &[NewNotification],
    now_us: i64,
) -> sqlx::Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    sqlx::query_file!("src/store/sql/collapse_notifications.sql", tenant.as_str(), Json(new) as _, now_us)
        .execute(&mut *db)
        .await?;
    sqlx::query_file!("src/store/sql/insert_notifications.sql", tenant.as_str(), Json(new) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// A notification under lease.
#[derive(Clone, Debug)]
pub(crate) struct Leased {
    pub(crate) notification_id: Uuid,
    pub(crate) incident_id: Option<Uuid>,
    pub(crate) channel: String,
    pub(crate) recipient: String,
    pub(crate) kind: Kind,
    pub(crate) severity: String,
    pub(crate) dedup_key: String,
    /// The fence: whoever finishes it must name the newest.
    pub(crate) attempts: i32,
    pub(crate) created_at_us: i64,
    pub(crate) expires_at_us: i64,
}

/// A channel some of whose notifications are due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DueChannel {
    pub(crate) tenant_id: String,
    pub(crate) channel: String,
}

/// The channels that have something to send and may; for the worker role alone.
pub(crate) async fn due_channels(db: &mut PgConnection, now_us: i64) -> sqlx::Result<Vec<DueChannel>> {
    sqlx::query_file_as!(DueChannel, "src/store/sql/list_due_channels.sql", now_us).fetch_all(db).await
}

/// Leases what is due of one channel, pages before updates.
pub(crate) async fn lease(
    db: &mut PgConnection,
    of: &DueChannel,
    owner: Uuid,
    now_us: i64,
    lease_us: i64,
    most: i64,
) -> sqlx::Result<Vec<Leased>> {
    let mut leased = sqlx::query_file_as!(
        Leased,
        "src/store/sql/lease_notifications.sql",
        of.tenant_id,
        of.channel,
        now_us,
        now_us + lease_us,
        owner,
        most
    )
    .fetch_all(db)
    .await?;
    leased.sort_by_key(|row| (row.kind != Kind::Page, row.created_at_us));
    Ok(leased)
}

/// Holds on to what `owner` has under lease of a channel.
pub(crate) async fn renew(
    db: &mut PgConnection,
    of: &DueChannel,
    owner: Uuid,
    lease_until_us: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update alerting.notifications set lease_until = alerting.from_micros($4)
         where tenant_id = $1 and channel = $2 and lease_owner = $3 and state = 'waiting'",
        of.tenant_id,
        of.channel,
        owner,
        lease_until_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many notifications of a channel are due.
pub(crate) async fn count_due(db: &mut PgConnection, of: &DueChannel, now_us: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from alerting.notifications
           where tenant_id = $1 and channel = $2 and state = 'waiting'
                 and next_at <= alerting.from_micros($3)"#,
        of.tenant_id,
        of.channel,
        now_us
    )
    .fetch_one(db)
    .await
}

/// How a notification ended for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finished {
    pub(crate) notification_id: Uuid,
    pub(crate) attempts: i32,
    /// `waiting`, `sent`, `failed` or `collapsed`.
    pub(crate) state: &'static str,
    /// When it is tried again, where it waits.
    pub(crate) next_at_us: Option<i64>,
    pub(crate) last_error: String,
    /// Whether this try does not count: nothing was sent.
    pub(crate) uncounted: bool,
}

/// Gives leases back with what came of them, and tells which were still ours: a zombie's are left out.
pub(crate) async fn finish(
    db: &mut PgConnection,
    tenant: &TenantId,
    owner: Uuid,
    finished: &[Finished],
    now_us: i64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_file_scalar!(
        "src/store/sql/finish_notifications.sql",
        tenant.as_str(),
        Json(finished) as _,
        owner,
        now_us
    )
    .fetch_all(db)
    .await
}

/// Where an incident was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) incident_id: Uuid,
    pub(crate) channel: String,
    pub(crate) recipient: String,
}

/// Where incidents were told, or may have been: a try whose end nobody knows counts.
pub(crate) async fn told_of(
    db: &mut PgConnection,
    tenant: &TenantId,
    incident_ids: &[Uuid],
) -> sqlx::Result<Vec<Told>> {
    sqlx::query_as!(
        Told,
        r#"select distinct incident_id as "incident_id!", channel, recipient from alerting.notifications
           where tenant_id = $1 and incident_id = any($2)
                 and (state = 'sent' or state = 'waiting' and attempts > 0)
           order by 1, 2, 3"#,
        tenant.as_str(),
        incident_ids
    )
    .fetch_all(db)
    .await
}

/// Takes the pages of incidents out of the outbox: somebody looks at them, or they are over. What is on
/// its way cannot be called back.
pub(crate) async fn drop_pages(
    db: &mut PgConnection,
    tenant: &TenantId,
    incident_ids: &[Uuid],
    now_us: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update alerting.notifications
         set state = 'collapsed', finished_at = alerting.from_micros($3)
         where tenant_id = $1 and incident_id = any($2) and state = 'waiting' and kind = 'page'
               and (lease_until is null or lease_until < alerting.from_micros($3))",
        tenant.as_str(),
        incident_ids,
        now_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes what waits out of the outbox whose time is over, and tells how much it was; for the worker role alone.
pub(crate) async fn expire(db: &mut PgConnection, now_us: i64) -> sqlx::Result<u64> {
    let expired = sqlx::query!(
        "update alerting.notifications
         set state = 'failed', finished_at = alerting.from_micros($1),
             last_error = 'its time ran out: ' || last_error
         where state = 'waiting' and expires_at < alerting.from_micros($1)
               and (lease_until is null or lease_until < alerting.from_micros($1))",
        now_us
    )
    .execute(db)
    .await?;
    Ok(expired.rows_affected())
}

/// What waits: how many, since when, and how many failed; for the worker role alone.
pub(crate) struct Backlog {
    pub(crate) waiting: i64,
    pub(crate) oldest_at_us: Option<i64>,
}

/// Looks at the whole outbox; for the worker role alone.
pub(crate) async fn backlog(db: &mut PgConnection) -> sqlx::Result<Backlog> {
    sqlx::query_as!(
        Backlog,
        r#"select count(*) as "waiting!", alerting.to_micros(min(created_at)) as oldest_at_us
           from alerting.notifications where state = 'waiting'"#
    )
    .fetch_one(db)
    .await
}

/// Removes what was finished before `before_us`; for the worker role alone.
pub(crate) async fn remove_old(db: &mut PgConnection, before_us: i64) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "delete from alerting.notifications
         where state <> 'waiting' and finished_at < alerting.from_micros($1)",
        before_us
    )
    .execute(db)
    .await?;
    Ok(removed.rows_affected())
}

/// Moves what waits: the clock was set.
pub(crate) async fn shift(db: &mut PgConnection, tenant: &TenantId, by_us: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update alerting.notifications
         set next_at = next_at + $2::bigint * interval '1 microsecond',
             expires_at = expires_at + $2::bigint * interval '1 microsecond',
             lease_until = lease_until + $2::bigint * interval '1 microsecond'
         where tenant_id = $1 and state = 'waiting'",
        tenant.as_str(),
        by_us
    )
    .execute(db)
    .await?;
    Ok(())
}
