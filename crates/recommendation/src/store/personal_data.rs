//! What is kept about one customer, over all tables of the inventory. The tables differ in names alone, so statements are made of
//! those names, which are constants of the inventory.

use std::time::Duration;

use futures::TryStreamExt;
use futures::stream::BoxStream;
use larder_identity::TenantId;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::sync::mpsc::Sender;

use crate::privacy::inventory::{Period, PersonalTable};

/// A reader that takes nothing for so long has gone; its snapshot of the database must not stay.
const PATIENCE: Duration = Duration::from_secs(60);

/// Rows about the customer `$2` of the tenant `$1`.
fn about_customer(table: &PersonalTable) -> String {
    match table.customer_column {
        Some(column) => format!("rows.tenant_id = $1 and rows.{column} = $2"),
        // What an import changed: rows about the customer, and the customer's own.
        None => "rows.tenant_id = $1 and (
                     rows.before ->> 'customer_id' = $2
                     or rows.row_id = $2 and exists (
                         select from recommendation.imports
                         where imports.tenant_id = $1 and imports.import_id = rows.import_id
                             and imports.kind = 'customers'
                     )
                 )"
        .to_owned(),
    }
}

/// Rows of the tenant `$1` from before the instant `$2`.
fn past(period: &Period) -> String {
    let Period { counted_from, is_day, .. } = period;
    let limit = "recommendation.from_micros($2)";
    let limit = if *is_day { format!("({limit} at time zone 'UTC')::date") } else { limit.to_owned() };
    format!("rows.tenant_id = $1 and rows.{counted_from} < {limit}")
}

/// Whether a legal hold is on whom a row is about.
fn held(table: &PersonalTable) -> String {
    let column = table.customer_column.unwrap_or("row_id");
    format!(
        "exists (
             select from recommendation.legal_holds as hold
             where hold.tenant_id = $1 and hold.customer_id = rows.{column} and hold.released_at is null
         )"
    )
}

/// How many rows a table has about a customer.
pub(crate) async fn count(
    db: &mut PgConnection,
    tenant: &TenantId,
    table: &PersonalTable,
    customer_id: &str,
) -> sqlx::Result<i64> {
    let query =
        format!("select count(*) from recommendation.{} as rows where {}", table.name, about_customer(table));
    sqlx::query_scalar(AssertSqlSafe(query)).bind(tenant.as_str()).bind(customer_id).fetch_one(db).await
}

/// Hands over every row that a table has about a customer, whole but for the tenant, as it is read; tells whether somebody took
/// them all.
pub(crate) async fn read<Piece>(
    db: &mut PgConnection,
    tenant: &TenantId,
    table: &PersonalTable,
    customer_id: &str,
    (taker, wrapped): (&Sender<Piece>, fn(Value) -> Piece),
) -> sqlx::Result<bool> {
    let query = format!(
        "select to_jsonb(rows) - 'tenant_id' from recommendation.{} as rows where {}",
        table.name,
        about_customer(table)
    );
    let mut rows: BoxStream<'_, sqlx::Result<Json<Value>>> =
        sqlx::query_scalar(AssertSqlSafe(query)).bind(tenant.as_str()).bind(customer_id).fetch(db);
    while let Some(Json(row)) = rows.try_next().await? {
        if taker.send_timeout(wrapped(row), PATIENCE).await.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes every row that a table has about a customer and tells how many went.
pub(crate) async fn remove(
    db: &mut PgConnection,
    tenant: &TenantId,
    table: &PersonalTable,
    customer_id: &str,
) -> sqlx::Result<u64> {
    let query = format!("delete from recommendation.{} as rows where {}", table.name, about_customer(table));
    let removed =
        sqlx::query(AssertSqlSafe(query)).bind(tenant.as_str()).bind(customer_id).execute(db).await?;
    Ok(removed.rows_affected())
}

/// How many rows are from before an instant: those that may go, and those that a legal hold keeps.
pub(crate) async fn count_past(
    db: &mut PgConnection,
    tenant: &TenantId,
    (table, period): (&PersonalTable, &Period),
    before_us: i64,
) -> sqlx::Result<(i64, i64)> {
    let (past, held) = (past(period), held(table));
    let query = format!(
        "select count(*) filter (where not {held}), count(*) filter (where {held})
         from recommendation.{} as rows where {past}",
        table.name
    );
    sqlx::query_as(AssertSqlSafe(query)).bind(tenant.as_str()).bind(before_us).fetch_one(db).await
}

/// Removes rows from before an instant, at most so many, but for what a legal hold keeps, and tells how many went. What somebody else
/// is at is left for the next time.
pub(crate) async fn remove_past(
    db: &mut PgConnection,
    tenant: &TenantId,
    (table, period): (&PersonalTable, &Period),
    before_us: i64,
    most: i64,
) -> sqlx::Result<u64> {
    let (name, past, held) = (table.name, past(period), held(table));
    let query = format!(
        "delete from recommendation.{name} where ctid = any (array(
             select rows.ctid from recommendation.{name} as rows
             where {past} and not {held}
             limit $3
             for update of rows skip locked
         ))"
    );
    let removed = sqlx::query(AssertSqlSafe(query))
        .bind(tenant.as_str())
        .bind(before_us)
        .bind(most)
        .execute(db)
        .await?;
    Ok(removed.rows_affected())
}
