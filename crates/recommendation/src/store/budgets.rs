//! The shelf of budgets.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Error;

/// A checked budget on its way in; days count from 1970.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewBudget {
    pub(crate) budget_id: String,
    pub(crate) name: String,
    pub(crate) customer_id: String,
    pub(crate) category: String,
    pub(crate) amount_micros: i64,
    pub(crate) amount_currency: String,
    pub(crate) starts_on_day: i32,
    pub(crate) ends_on_day: i32,
}

/// A budget as it lies in the table.
pub(crate) struct BudgetRow {
    pub(crate) budget_id: String,
    pub(crate) name: String,
    pub(crate) customer_id: String,
    pub(crate) category: String,
    pub(crate) amount_micros: i64,
    pub(crate) amount_currency: String,
    pub(crate) starts_on_day: i32,
    pub(crate) ends_on_day: i32,
    pub(crate) created_at_us: i64,
    pub(crate) updated_at_us: i64,
}

/// Inserts or replaces budgets in one statement; their ids must differ.
pub(crate) async fn upsert(
    db: &mut PgConnection,
    tenant: &TenantId,
    budgets: &[NewBudget],
) -> sqlx::Result<()> {
    sqlx::query_file!("src/store/sql/upsert_budgets.sql", tenant.as_str(), Json(budgets) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// One budget that is not hidden.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    budget_id: &str,
) -> Result<BudgetRow, Error> {
    let row = sqlx::query_file_as!(BudgetRow, "src/store/sql/get_budget.sql", tenant.as_str(), budget_id)
        .fetch_optional(db)
        .await?;
    row.ok_or(Error::NotFound { noun: "budget" })
}

/// A page of budgets by id, of one customer when one is given.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    after: &str,
    customer_id: Option<&str>,
    size: i64,
) -> sqlx::Result<Vec<BudgetRow>> {
    sqlx::query_file_as!(
        BudgetRow,
        "src/store/sql/list_budgets.sql",
        tenant.as_str(),
        after,
        customer_id,
        size
    )
    .fetch_all(db)
    .await
}

/// Hides a budget.
pub(crate) async fn hide(db: &mut PgConnection, tenant: &TenantId, budget_id: &str) -> Result<(), Error> {
    let hidden = sqlx::query!(
        "update recommendation.budgets set deleted_at = now()
         where tenant_id = $1 and budget_id = $2 and deleted_at is null",
        tenant.as_str(),
        budget_id
    )
    .execute(db)
    .await?;
    if hidden.rows_affected() == 0 { Err(Error::NotFound { noun: "budget" }) } else { Ok(()) }
}
