//! The shelf of interactions: an append-only log, read back by replicas in the order of
//! the transactions that wrote it.

use std::collections::HashSet;

use larder_identity::TenantId;
use larder_ranking::Event;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::convert::interaction::ranking_kind;
use crate::store::LogPosition;

/// The channel that wakes the followers.
pub(crate) const CHANNEL: &str = "larder_recommendation";

/// A checked interaction on its way in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewInteraction {
    pub(crate) event_id: String,
    pub(crate) customer_id: String,
    pub(crate) product_id: String,
    pub(crate) kind: i16,
    pub(crate) quantity: f64,
    pub(crate) value: Option<f64>,
    pub(crate) amount_micros: Option<i64>,
    pub(crate) amount_currency: Option<String>,
    pub(crate) recommendation_id: Option<String>,
    pub(crate) occurred_at_us: i64,
}

/// A purchase as it lies in the log.
pub(crate) struct TransactionRow {
    pub(crate) event_id: String,
    pub(crate) customer_id: String,
    pub(crate) product_id: String,
    pub(crate) quantity: f64,
    pub(crate) amount_micros: Option<i64>,
    pub(crate) amount_currency: Option<String>,
    pub(crate) occurred_at_us: i64,
}

/// Which page of the purchases is asked for, the newest first.
pub(crate) struct TransactionPage<'a> {
    /// The last row of the page before, by time and event id.
    pub(crate) before: Option<(i64, &'a str)>,
    pub(crate) customer_id: Option<&'a str>,
    pub(crate) product_id: Option<&'a str>,
    pub(crate) from_us: Option<i64>,
    pub(crate) until_us: Option<i64>,
    pub(crate) size: i64,
}

/// An event in the log, as the follower reads it.
pub(crate) struct LoggedEvent {
    pub(crate) tenant_id: String,
    pub(crate) position: LogPosition,
    /// `None` for a kind that a newer program wrote.
    pub(crate) event: Option<Event>,
}

/// A row of the log as it is read.
pub(crate) struct LogRow {
    pub(crate) tenant_id: String,
    pub(crate) event_id: String,
    pub(crate) customer_id: String,
    pub(crate) product_id: String,
    pub(crate) kind: i16,
    pub(crate) quantity: f64,
    pub(crate) value: Option<f64>,
    pub(crate) occurred_at_us: i64,
    pub(crate) recorded_xid: i64,
    pub(crate) recorded_sequence: i64,
}

impl From<LogRow> for LoggedEvent {
    fn from(row: LogRow) -> Self {
        Self {
            tenant_id: row.tenant_id,
            position: LogPosition { xid: row.recorded_xid, sequence: row.recorded_sequence },
            event: ranking_kind(row.kind).map(|kind| Event {
                event_id: row.event_id,
                customer_id: row.customer_id,
                product_id: row.product_id,
                kind,
                quantity: row.quantity,
                value: row.value,
                occurred_at_us: row.occurred_at_us,
            }),
        }
    }
}

/// What an append added to the log.
#[derive(Debug, Default)]
pub(crate) struct Appended {
    /// The transaction that added it.
    pub(crate) xid: i64,
    /// The ids of the events that were not there before.
    pub(crate) event_ids: HashSet<String>,
}

/// Appends interactions, each once however often it is sent.
pub(crate) async fn append(
    db: &mut PgConnection,
    tenant: &TenantId,
    interactions: &[NewInteraction],
) -> sqlx::Result<Appended> {
    let rows =
        sqlx::query_file!("src/store/sql/append_interactions.sql", tenant.as_str(), Json(interactions) as _)
            .fetch_all(&mut *db)
            .await?;
    let Some(first) = rows.first() else { return Ok(Appended::default()) };
    let xid = first.recorded_xid;
    wake_followers(db).await?;
    Ok(Appended { xid, event_ids: rows.into_iter().map(|row| row.event_id).collect() })
}

/// Wakes the followers of every replica once this transaction commits.
pub(crate) async fn wake_followers(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify($1, '')", CHANNEL).execute(db).await?;
    Ok(())
}

/// A page of purchases.
pub(crate) async fn list_transactions(
    db: &mut PgConnection,
    tenant: &TenantId,
    page: TransactionPage<'_>,
) -> sqlx::Result<Vec<TransactionRow>> {
    sqlx::query_file_as!(
        TransactionRow,
        "src/store/sql/list_transactions.sql",
        tenant.as_str(),
        page.before.map(|(at, _)| at),
        page.before.map(|(_, event_id)| event_id),
        page.customer_id,
        page.product_id,
        page.from_us,
        page.until_us,
        page.size
    )
    .fetch_all(db)
    .await
}

/// What customers did in transaction `xid` and those after it, the oldest first, up to a million
/// events.
pub(crate) async fn since(
    db: &mut PgConnection,
    tenant: &TenantId,
    customer_ids: &[String],
    xid: i64,
) -> sqlx::Result<Vec<Event>> {
    const MOST: i64 = 1_000_000;
    let rows = sqlx::query_file!(
        "src/store/sql/list_interactions_since.sql",
        tenant.as_str(),
        customer_ids,
        xid,
        MOST
    )
    .fetch_all(db)
    .await?;
    let events = rows.into_iter().filter_map(|row| {
        Some(Event {
            event_id: row.event_id,
            customer_id: row.customer_id,
            product_id: row.product_id,
            kind: ranking_kind(row.kind)?,
            quantity: row.quantity,
            value: row.value,
            occurred_at_us: row.occurred_at_us,
        })
    });
    Ok(events.collect())
}

/// The next events after `after`, and below transaction `horizon` if there is one, of one
/// tenant or of all; for the worker role alone.
pub(crate) async fn log(
    db: &mut PgConnection,
    tenant: Option<&str>,
    after: LogPosition,
    horizon: Option<i64>,
    most: i64,
) -> sqlx::Result<Vec<LoggedEvent>> {
    let rows = sqlx::query_file_as!(
        LogRow,
        "src/store/sql/read_interaction_log.sql",
        after.xid,
        after.sequence,
        horizon,
        most,
        tenant
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(LoggedEvent::from).collect())
}

/// The transaction below which every other transaction has ended: what lies below it can
/// be read once and never again.
pub(crate) async fn horizon(db: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "horizon!""#)
        .fetch_one(db)
        .await
}
