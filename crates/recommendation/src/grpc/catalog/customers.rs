//! Calls about customers.

use futures::FutureExt;
use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::catalog::v1::{
    BatchUpsertCustomersRequest, BatchUpsertCustomersResponse, DeleteCustomerRequest, DeleteCustomerResponse,
    GetCustomerRequest, GetCustomerResponse, ListCustomersRequest, ListCustomersResponse,
};

use crate::batch::{CheckedBatch, last_of_each};
use crate::convert::customer::{from_wire, to_profile, to_wire};
use crate::convert::query;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::{customers, interactions, legal_holds, tenants};
use crate::write::Write;

pub(crate) async fn upsert(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: BatchUpsertCustomersRequest,
) -> Result<BatchUpsertCustomersResponse, Error> {
    let most = state.settings.batch_limit_rows;
    let batch = CheckedBatch::check("customers", request.customers.clone(), most, from_wire)?;
    let rows = last_of_each(&batch.rows, |row| &row.customer_id);
    let response = BatchUpsertCustomersResponse {
        accepted_count: batch.accepted_count(),
        rejected_count: batch.rejected_count(),
        verdicts: batch.verdicts,
    };
    metrics::rows_refused("customers", response.rejected_count);
    let write = Write { pool: &state.app, tenant, method: "BatchUpsertCustomers", key };
    let written = write
        .run(&request, |db| {
            let tenant = tenant.clone();
            async move {
                tenants::remember(db, &tenant).await?;
                let places = customers::upsert(db, &tenant, &rows).await?;
                interactions::wake_followers(db).await?;
                Ok((response, (rows, places)))
            }
            .boxed()
        })
        .await?;
    if let Some((rows, places)) = written.after {
        let changes = rows.iter().filter_map(|row| {
            Some((row.customer_id.clone(), *places.get(&row.customer_id)?, Some(to_profile(row))))
        });
        state.served.change_profiles(tenant, changes);
    }
    Ok(written.response)
}

pub(crate) async fn get(
    state: &State,
    tenant: &TenantId,
    request: GetCustomerRequest,
) -> Result<GetCustomerResponse, Error> {
    query::id("customer_id", &request.customer_id)?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let row = customers::get(&mut transaction, tenant, &request.customer_id).await?;
    transaction.commit().await?;
    Ok(GetCustomerResponse { customer: Some(to_wire(row)) })
}

pub(crate) async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListCustomersRequest,
) -> Result<ListCustomersResponse, Error> {
    let size = page::size(request.page_size)?;
    let of = PageOf { tenant, list: "customers", filters: String::new() };
    let after = state.pages.read(&of, &request.page_token)?.unwrap_or_default();
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = customers::list(&mut transaction, tenant, &after, size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| row.customer_id.clone());
    Ok(ListCustomersResponse {
        customers: rows.into_iter().map(to_wire).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(crate) async fn delete(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: DeleteCustomerRequest,
) -> Result<DeleteCustomerResponse, Error> {
    query::id("customer_id", &request.customer_id)?;
    let write = Write { pool: &state.app, tenant, method: "DeleteCustomer", key };
    let written = write
        .run(&request, |db| {
            let (tenant, id) = (tenant.clone(), request.customer_id.clone());
            async move {
                legal_holds::refuse_held(db, &tenant, &id).await?;
                let place = customers::hide(db, &tenant, &id).await?;
                interactions::wake_followers(db).await?;
                Ok((DeleteCustomerResponse {}, place))
            }
            .boxed()
        })
        .await?;
    if let Some(place) = written.after {
        state.served.change_profiles(tenant, [(request.customer_id, place, None)]);
    }
    Ok(written.response)
}
