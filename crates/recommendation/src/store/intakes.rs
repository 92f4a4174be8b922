//! The shelf of intakes: what a customer ate on a day, one row a customer and day.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

/// A day of eating; the day counts from 1970.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct IntakeRow {
    pub(crate) customer_id: String,
    pub(crate) eaten_on_day: i32,
    pub(crate) energy_kcal: f64,
    pub(crate) protein_g: Option<f64>,
    pub(crate) fat_g: Option<f64>,
    pub(crate) carbohydrate_g: Option<f64>,
}

/// Inserts or replaces days in one statement; no two may be of one customer and day.
pub(crate) async fn upsert(db: &mut PgConnection, tenant: &TenantId, rows: &[IntakeRow]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.intakes
             (tenant_id, customer_id, eaten_on, energy_kcal, protein_g, fat_g, carbohydrate_g)
         select $1, customer_id, date '1970-01-01' + eaten_on_day, energy_kcal, protein_g, fat_g,
                carbohydrate_g
         from jsonb_to_recordset($2::jsonb) as incoming (
             customer_id text, eaten_on_day integer, energy_kcal double precision,
             protein_g double precision, fat_g double precision, carbohydrate_g double precision
         )
         order by customer_id, eaten_on_day
         on conflict (tenant_id, customer_id, eaten_on) do update set
             energy_kcal = excluded.energy_kcal,
             protein_g = excluded.protein_g,
             fat_g = excluded.fat_g,
             carbohydrate_g = excluded.carbohydrate_g,
             updated_at = now()",
        tenant.as_str(),
        Json(rows) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A page of a customer's days from `from_day` on and before `before_day`, the newest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    customer_id: &str,
    (from_day, before_day): (Option<i32>, Option<i32>),
    size: i64,
) -> sqlx::Result<Vec<IntakeRow>> {
    sqlx::query_as!(
        IntakeRow,
        r#"select customer_id, eaten_on - date '1970-01-01' as "eaten_on_day!", energy_kcal, protein_g,
                  fat_g, carbohydrate_g
           from recommendation.intakes
           where tenant_id = $1 and customer_id = $2
                 and ($3::integer is null or eaten_on >= date '1970-01-01' + $3::integer)
                 and ($4::integer is null or eaten_on < date '1970-01-01' + $4::integer)
           order by eaten_on desc
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
