//! The shelf of market days: what is said of single days beyond what is usual.

use larder_identity::TenantId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;

/// Something close by that brings people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptEvent {
    pub(crate) name: String,
    pub(crate) attendance: Option<i32>,
}

/// A day at a market; the day counts from 1970.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewMarketDay {
    pub(crate) market_id: String,
    pub(crate) held_on_day: i32,
    pub(crate) is_cancelled: bool,
    pub(crate) opens_at_minute: Option<i16>,
    pub(crate) closes_at_minute: Option<i16>,
    pub(crate) events: Vec<KeptEvent>,
    pub(crate) note: String,
}

/// A day as it lies in the table.
#[derive(Clone, Debug)]
pub(crate) struct MarketDayRow {
    pub(crate) market_id: String,
    pub(crate) held_on_day: i32,
    pub(crate) is_cancelled: bool,
    pub(crate) opens_at_minute: Option<i16>,
    pub(crate) closes_at_minute: Option<i16>,
    pub(crate) events: Json<Vec<KeptEvent>>,
    pub(crate) note: String,
    pub(crate) updated_at_us: i64,
}

/// Inserts or replaces days in one statement; no two may be of one market and day.
pub(crate) async fn upsert(
    db: &mut PgConnection,
    tenant: &TenantId,
    days: &[NewMarketDay],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.market_days
             (tenant_id, market_id, held_on, is_cancelled, opens_at_minute, closes_at_minute, events, note)
         select $1, market_id, date '1970-01-01' + held_on_day, is_cancelled, opens_at_minute,
                closes_at_minute, events, note
         from jsonb_to_recordset($2::jsonb) as incoming (
             market_id text, held_on_day integer, is_cancelled boolean, opens_at_minute smallint,
             closes_at_minute smallint, events jsonb, note text
         )
         order by market_id, held_on_day
         on conflict (tenant_id, market_id, held_on) do update set
             is_cancelled = excluded.is_cancelled,
             opens_at_minute = excluded.opens_at_minute,
             closes_at_minute = excluded.closes_at_minute,
             events = excluded.events,
             note = excluded.note,
             updated_at = now()",
        tenant.as_str(),
        Json(days) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A page of what is said of days before `before_day`, the latest first; of every market when none is
/// named.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    market_id: Option<&str>,
    (from_day, before_day): (Option<i32>, Option<i32>),
    size: i64,
) -> sqlx::Result<Vec<MarketDayRow>> {
    sqlx::query_as!(
        MarketDayRow,
        r#"select market_id, held_on - date '1970-01-01' as "held_on_day!", is_cancelled, opens_at_minute,
                  closes_at_minute, events as "events: Json<Vec<KeptEvent>>", note,
                  recommendation.to_micros(updated_at) as "updated_at_us!"
           from recommendation.market_days
           where tenant_id = $1
                 and ($2::text is null or market_id = $2)
                 and ($3::integer is null or held_on >= date '1970-01-01' + $3::integer)
                 and ($4::integer is null or held_on < date '1970-01-01' + $4::integer)
           order by held_on desc, market_id
           limit $5"#,
        tenant.as_str(),
        market_id,
        from_day,
        before_day,
        size
    )
    .fetch_all(db)
    .await
}
