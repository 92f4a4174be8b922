//! The shelf of outlooks: what was known of the weather and the events of a day when it was planned.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// What was known of a day at a market; the day counts from 1970.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OutlookRow {
    pub(crate) market_id: String,
    pub(crate) held_on_day: i32,
    pub(crate) high_celsius: Option<f64>,
    pub(crate) rain_mm: Option<f64>,
    pub(crate) wind_kmh: Option<f64>,
    /// Empty when nobody said anything.
    pub(crate) weather_source: String,
    pub(crate) weather_known_at_us: Option<i64>,
    pub(crate) event_attendance: Option<f64>,
    pub(crate) event_names: Vec<String>,
    pub(crate) events_source: String,
    pub(crate) events_known_at_us: Option<i64>,
}

/// Keeps what is known of a day in the place of what was known before.
pub(crate) async fn keep(db: &mut PgConnection, tenant: &TenantId, row: &OutlookRow) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.market_outlooks
             (tenant_id, market_id, held_on, high_celsius, rain_mm, wind_kmh, weather_source, weather_known_at,
              event_attendance, event_names, events_source, events_known_at)
         values ($1, $2, date '1970-01-01' + $3::integer, $4, $5, $6, $7, recommendation.from_micros($8),
                 $9, $10, $11, recommendation.from_micros($12))
         on conflict (tenant_id, market_id, held_on) do update set
             high_celsius = excluded.high_celsius,
             rain_mm = excluded.rain_mm,
             wind_kmh = excluded.wind_kmh,
             weather_source = excluded.weather_source,
             weather_known_at = excluded.weather_known_at,
             event_attendance = excluded.event_attendance,
             event_names = excluded.event_names,
             events_source = excluded.events_source,
             events_known_at = excluded.events_known_at",
        tenant.as_str(),
        row.market_id,
        row.held_on_day,
        row.high_celsius,
        row.rain_mm,
        row.wind_kmh,
        row.weather_source,
        row.weather_known_at_us,
        row.event_attendance,
        &row.event_names,
        row.events_source,
        row.events_known_at_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What was known of the days from one on, of one market or of all.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    market_id: Option<&str>,
    from_day: i32,
) -> sqlx::Result<Vec<OutlookRow>> {
    sqlx::query_as!(
        OutlookRow,
        r#"select market_id, held_on - date '1970-01-01' as "held_on_day!", high_celsius, rain_mm, wind_kmh,
                  weather_source, recommendation.to_micros(weather_known_at) as weather_known_at_us,
                  event_attendance, event_names, events_source,
                  recommendation.to_micros(events_known_at) as events_known_at_us
           from recommendation.market_outlooks
           where tenant_id = $1
                 and ($2::text is null or market_id = $2)
                 and held_on >= date '1970-01-01' + $3::integer
           order by market_id, held_on"#,
        tenant.as_str(),
        market_id,
        from_day
    )
    .fetch_all(db)
    .await
}
