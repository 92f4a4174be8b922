//! The shelf of customers.

use std::collections::BTreeMap;

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Error;

/// A checked customer on its way in; the day counts from 1970.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewCustomer {
    pub(crate) customer_id: String,
    pub(crate) name: String,
    pub(crate) birth_day: Option<i32>,
    pub(crate) sex: i16,
    pub(crate) height_cm: Option<f64>,
    pub(crate) weight_kg: Option<f64>,
    pub(crate) activity_level: i16,
    pub(crate) goal: i16,
    pub(crate) diets: Vec<String>,
    pub(crate) allergens: Vec<String>,
    pub(crate) attributes: BTreeMap<String, String>,
}

/// A customer as it lies in the table.
pub(crate) struct CustomerRow {
    pub(crate) customer_id: String,
    pub(crate) name: String,
    pub(crate) birth_day: Option<i32>,
    pub(crate) sex: i16,
    pub(crate) height_cm: Option<f64>,
    pub(crate) weight_kg: Option<f64>,
    pub(crate) activity_level: i16,
    pub(crate) goal: i16,
    pub(crate) diets: Vec<String>,
    pub(crate) allergens: Vec<String>,
    pub(crate) attributes: Json<BTreeMap<String, String>>,
    pub(crate) created_at_us: i64,
    pub(crate) updated_at_us: i64,
}

/// Inserts or replaces customers in one statement; their ids must differ.
pub(crate) async fn upsert(
    db: &mut PgConnection,
    tenant: &TenantId,
    customers: &[NewCustomer],
) -> sqlx::Result<()> {
    sqlx::query_file!("src/store/sql/upsert_customers.sql", tenant.as_str(), Json(customers) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// One customer that is not hidden.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    customer_id: &str,
) -> Result<CustomerRow, Error> {
    let row =
        sqlx::query_file_as!(CustomerRow, "src/store/sql/get_customer.sql", tenant.as_str(), customer_id)
            .fetch_optional(db)
            .await?;
    row.ok_or(Error::NotFound { noun: "customer" })
}

/// A page of customers by id.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    after: &str,
    size: i64,
) -> sqlx::Result<Vec<CustomerRow>> {
    sqlx::query_file_as!(CustomerRow, "src/store/sql/list_customers.sql", tenant.as_str(), after, size)
        .fetch_all(db)
        .await
}

/// Hides a customer.
pub(crate) async fn hide(db: &mut PgConnection, tenant: &TenantId, customer_id: &str) -> Result<(), Error> {
    let hidden = sqlx::query!(
        "update recommendation.customers set deleted_at = now()
         where tenant_id = $1 and customer_id = $2 and deleted_at is null",
        tenant.as_str(),
        customer_id
    )
    .execute(db)
    .await?;
    if hidden.rows_affected() == 0 { Err(Error::NotFound { noun: "customer" }) } else { Ok(()) }
}

/// Removes a customer's row, hidden or not, and tells how many rows went.
pub(crate) async fn remove(db: &mut PgConnection, tenant: &TenantId, customer_id: &str) -> sqlx::Result<u64> {
    let removed = sqlx::query!(
        "delete from recommendation.customers where tenant_id = $1 and customer_id = $2",
        tenant.as_str(),
        customer_id
    )
    .execute(db)
    .await?;
    Ok(removed.rows_affected())
}
