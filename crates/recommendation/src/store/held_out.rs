//! What is held out of a training to measure it by: who bought what after a time. For the worker
//! role alone. What counts is purchases, or, for a tenant that records none, everything but dislikes.

use sqlx::PgConnection;

use crate::store::LogPosition;
use crate::store::interactions::{LogRow, LoggedEvent};

/// A span of time in the log of one tenant, as far as transactions below `horizon` wrote it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'a> {
    pub(crate) tenant: &'a str,
    /// Microseconds since 1970.
    pub(crate) from_us: i64,
    /// The first instant after the span.
    pub(crate) until_us: i64,
    pub(crate) horizon: i64,
}

/// When the first and the last event that counts happened.
pub(crate) struct DataWindow {
    pub(crate) first_us: i64,
    pub(crate) last_us: i64,
}

/// What a customer went on to buy.
pub(crate) struct HeldOutRow {
    pub(crate) customer_id: String,
    pub(crate) product_ids: Vec<String>,
}

/// The first and the last event in a span; `None` when there is none.
pub(crate) async fn data_window(
    db: &mut PgConnection,
    span: Span<'_>,
    any_kind: bool,
) -> sqlx::Result<Option<DataWindow>> {
    let row = sqlx::query!(
        r#"select recommendation.to_micros(min(occurred_at)) as first_us,
                  recommendation.to_micros(max(occurred_at)) as last_us
           from recommendation.interactions
           where tenant_id = $1 and (kind = 3 or ($2 and kind <> 5)) and recorded_xid < $3
                 and occurred_at >= recommendation.from_micros($4)
                 and occurred_at < recommendation.from_micros($5)"#,
        span.tenant,
        any_kind,
        span.horizon,
        span.from_us,
        span.until_us
    )
    .fetch_one(db)
    .await?;
    Ok(row.first_us.zip(row.last_us).map(|(first_us, last_us)| DataWindow { first_us, last_us }))
}

/// The customers of a span with what they bought in it, at most so many, chosen by a hash of
/// their id: the same ones every time.
pub(crate) async fn customers(
    db: &mut PgConnection,
    span: Span<'_>,
    any_kind: bool,
    most: i64,
) -> sqlx::Result<Vec<HeldOutRow>> {
    sqlx::query_as!(
        HeldOutRow,
        r#"select customer_id, array_agg(distinct product_id) as "product_ids!"
           from recommendation.interactions
           where tenant_id = $1 and (kind = 3 or ($2 and kind <> 5)) and recorded_xid < $3
                 and occurred_at >= recommendation.from_micros($4)
                 and occurred_at < recommendation.from_micros($5)
           group by customer_id
           order by hashtextextended(customer_id, 20), customer_id
           limit $6"#,
        span.tenant,
        any_kind,
        span.horizon,
        span.from_us,
        span.until_us,
        most
    )
    .fetch_all(db)
    .await
}

/// The next events of a span after `after`, of every kind.
pub(crate) async fn events(
    db: &mut PgConnection,
    span: Span<'_>,
    after: LogPosition,
    most: i64,
) -> sqlx::Result<Vec<LoggedEvent>> {
    let rows = sqlx::query_file_as!(
        LogRow,
        "src/store/sql/read_interactions_between.sql",
        span.tenant,
        after.xid,
        after.sequence,
        span.horizon,
        span.from_us,
        span.until_us,
        most
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(LoggedEvent::from).collect())
}
