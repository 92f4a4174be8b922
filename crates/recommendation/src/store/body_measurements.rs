//! The shelf of body measurements: one a customer and day.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

/// A body on one day; the day counts from 1970.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct BodyMeasurementRow {
    pub(crate) customer_id: String,
    pub(crate) measured_on_day: i32,
    pub(crate) weight_kg: f64,
    pub(crate) body_fat_percent: Option<f64>,
}

/// Inserts or replaces measurements in one statement; no two may be of one customer and day.
pub(crate) async fn upsert(
    db: &mut PgConnection,
    tenant: &TenantId,
    rows: &[BodyMeasurementRow],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.body_measurements
             (tenant_id, customer_id, measured_on, weight_kg, body_fat_percent)
         select $1, customer_id, date '1970-01-01' + measured_on_day, weight_kg, body_fat_percent
         from jsonb_to_recordset($2::jsonb) as incoming (
             customer_id text, measured_on_day integer, weight_kg double precision,
             body_fat_percent double precision
         )
         order by customer_id, measured_on_day
         on conflict (tenant_id, customer_id, measured_on) do update set
             weight_kg = excluded.weight_kg,
             body_fat_percent = excluded.body_fat_percent,
             updated_at = now()",
        tenant.as_str(),
        Json(rows) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A page of a customer's measurements from `from_day` on and before `before_day`, the newest
/// first.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    customer_id: &str,
    (from_day, before_day): (Option<i32>, Option<i32>),
    size: i64,
) -> sqlx::Result<Vec<BodyMeasurementRow>> {
    sqlx::query_as!(
        BodyMeasurementRow,
        r#"select customer_id, measured_on - date '1970-01-01' as "measured_on_day!", weight_kg,
                  body_fat_percent
           from recommendation.body_measurements
           where tenant_id = $1 and customer_id = $2
                 and ($3::integer is null or measured_on >= date '1970-01-01' + $3::integer)
                 and ($4::integer is null or measured_on < date '1970-01-01' + $4::integer)
           order by measured_on desc
           limit $5"#,
        tenant.as_str(),
        customer_id,
        from_day,
        before_day,
        size
    )
    .fetch_all(db)
    .await
}
