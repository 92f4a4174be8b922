//! Calls about budgets.

use futures::FutureExt;
use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::catalog::v1::{
    BatchUpsertBudgetsRequest, BatchUpsertBudgetsResponse, DeleteBudgetRequest, DeleteBudgetResponse,
    GetBudgetRequest, GetBudgetResponse, ListBudgetsRequest, ListBudgetsResponse,
};

use crate::batch::{CheckedBatch, last_of_each};
use crate::convert::budget::{from_wire, to_wire};
use crate::convert::query;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::{budgets, tenants};
use crate::write::Write;

pub(crate) async fn upsert(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: BatchUpsertBudgetsRequest,
) -> Result<BatchUpsertBudgetsResponse, Error> {
    let most = state.settings.batch_limit_rows;
    let batch = CheckedBatch::check("budgets", request.budgets.clone(), most, from_wire)?;
    let rows = last_of_each(&batch.rows, |row| &row.budget_id);
    let response = BatchUpsertBudgetsResponse {
        accepted_count: batch.accepted_count(),
        rejected_count: batch.rejected_count(),
        verdicts: batch.verdicts,
    };
    metrics::rows_refused("budgets", response.rejected_count);
    let write = Write { pool: &state.app, tenant, method: "BatchUpsertBudgets", key };
    let written = write
        .run(&request, |db| {
            let tenant = tenant.clone();
            async move {
                tenants::remember(db, &tenant).await?;
                budgets::upsert(db, &tenant, &rows).await?;
                Ok((response, rows))
            }
            .boxed()
        })
        .await?;
    Ok(written.response)
}

pub(crate) async fn get(
    state: &State,
    tenant: &TenantId,
    request: GetBudgetRequest,
) -> Result<GetBudgetResponse, Error> {
    query::id("budget_id", &request.budget_id)?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let row = budgets::get(&mut transaction, tenant, &request.budget_id).await?;
    transaction.commit().await?;
    Ok(GetBudgetResponse { budget: Some(to_wire(row)) })
}

pub(crate) async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListBudgetsRequest,
) -> Result<ListBudgetsResponse, Error> {
    let size = page::size(request.page_size)?;
    let of = PageOf { tenant, list: "budgets", filters: request.customer_id.clone() };
    let after = state.pages.read(&of, &request.page_token)?.unwrap_or_default();
    let customer_id = Some(request.customer_id.as_str()).filter(|id| !id.is_empty());
    if let Some(customer_id) = customer_id {
        query::id("customer_id", customer_id)?;
    }
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = budgets::list(&mut transaction, tenant, &after, customer_id, size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| row.budget_id.clone());
    Ok(ListBudgetsResponse {
        budgets: rows.into_iter().map(to_wire).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(crate) async fn delete(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: DeleteBudgetRequest,
) -> Result<DeleteBudgetResponse, Error> {
    query::id("budget_id", &request.budget_id)?;
    let write = Write { pool: &state.app, tenant, method: "DeleteBudget", key };
    let written = write
        .run(&request, |db| {
            let (tenant, id) = (tenant.clone(), request.budget_id.clone());
            async move {
                budgets::hide(db, &tenant, &id).await?;
                Ok((DeleteBudgetResponse {}, ()))
            }
            .boxed()
        })
        .await?;
    Ok(written.response)
}
