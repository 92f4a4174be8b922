//! Calls about products.

use futures::FutureExt;
use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::catalog::v1::{
    BatchUpsertProductsRequest, BatchUpsertProductsResponse, DeleteProductRequest, DeleteProductResponse,
    GetProductRequest, GetProductResponse, ListProductsRequest, ListProductsResponse,
};

use crate::batch::{CheckedBatch, last_of_each};
use crate::convert::product::{from_wire, to_declaration, to_record, to_wire};
use crate::convert::query;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::products::{self, ProductPage};
use crate::store::{interactions, tenants};
use crate::write::Write;

pub(crate) async fn upsert(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: BatchUpsertProductsRequest,
) -> Result<BatchUpsertProductsResponse, Error> {
    let most = state.settings.batch_limit_rows;
    let batch = CheckedBatch::check("products", request.products.clone(), most, from_wire)?;
    let rows = last_of_each(&batch.rows, |row| &row.product_id);
    let response = BatchUpsertProductsResponse {
        accepted_count: batch.accepted_count(),
        rejected_count: batch.rejected_count(),
        verdicts: batch.verdicts,
    };
    metrics::rows_refused("products", response.rejected_count);
    let write = Write { pool: &state.app, tenant, method: "BatchUpsertProducts", key };
    let written = write
        .run(&request, |db| {
            let tenant = tenant.clone();
            async move {
                tenants::remember(db, &tenant).await?;
                let places = products::upsert(db, &tenant, &rows).await?;
                interactions::wake_followers(db).await?;
                Ok((response, (rows, places)))
            }
            .boxed()
        })
        .await?;
    if let Some((rows, places)) = written.after {
        let changes =
            rows.iter().filter_map(|row| Some((*places.get(&row.product_id)?, to_record(row, false))));
        state.served.upsert_products(tenant, changes);
        let declarations = rows.iter().filter_map(|row| {
            Some((row.product_id.clone(), *places.get(&row.product_id)?, to_declaration(row)))
        });
        state.served.change_declarations(tenant, declarations);
    }
    Ok(written.response)
}

pub(crate) async fn get(
    state: &State,
    tenant: &TenantId,
    request: GetProductRequest,
) -> Result<GetProductResponse, Error> {
    query::id("product_id", &request.product_id)?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let row = products::get(&mut transaction, tenant, &request.product_id).await?;
    transaction.commit().await?;
    Ok(GetProductResponse { product: Some(to_wire(row)) })
}

pub(crate) async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListProductsRequest,
) -> Result<ListProductsResponse, Error> {
    let size = page::size(request.page_size)?;
    let of =
        PageOf { tenant, list: "products", filters: format!("{:?}{:?}", request.category, request.in_stock) };
    let after = state.pages.read(&of, &request.page_token)?.unwrap_or_default();
    let page = ProductPage {
        after: &after,
        category: Some(request.category.as_str()).filter(|category| !category.is_empty()),
        in_stock: request.in_stock,
        size: size + 1,
    };
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = products::list(&mut transaction, tenant, page).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| row.product_id.clone());
    Ok(ListProductsResponse {
        products: rows.into_iter().map(to_wire).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(crate) async fn delete(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: DeleteProductRequest,
) -> Result<DeleteProductResponse, Error> {
    query::id("product_id", &request.product_id)?;
    let write = Write { pool: &state.app, tenant, method: "DeleteProduct", key };
    let written = write
        .run(&request, |db| {
            let (tenant, id) = (tenant.clone(), request.product_id.clone());
            async move {
                let place = products::hide(db, &tenant, &id).await?;
                interactions::wake_followers(db).await?;
                Ok((DeleteProductResponse {}, place))
            }
            .boxed()
        })
        .await?;
    if let Some(place) = written.after {
        state.served.hide_product(tenant, place, &request.product_id);
    }
    Ok(written.response)
}
