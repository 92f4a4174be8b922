//! Calls about promotions.

use futures::FutureExt;
use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::catalog::v1::{
    BatchUpsertPromotionsRequest, BatchUpsertPromotionsResponse, DeletePromotionRequest,
    DeletePromotionResponse, GetPromotionRequest, GetPromotionResponse, ListPromotionsRequest,
    ListPromotionsResponse,
};

use crate::batch::{CheckedBatch, last_of_each};
use crate::convert::promotion::{from_wire, to_fact, to_wire};
use crate::convert::query;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::{interactions, promotions, tenants};
use crate::validate::Fields;
use crate::write::Write;

pub(crate) async fn upsert(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: BatchUpsertPromotionsRequest,
) -> Result<BatchUpsertPromotionsResponse, Error> {
    let most = state.settings.batch_limit_rows;
    let batch = CheckedBatch::check("promotions", request.promotions.clone(), most, from_wire)?;
    let rows = last_of_each(&batch.rows, |row| &row.promotion_id);
    let response = BatchUpsertPromotionsResponse {
        accepted_count: batch.accepted_count(),
        rejected_count: batch.rejected_count(),
        verdicts: batch.verdicts,
    };
    metrics::rows_refused("promotions", response.rejected_count);
    let write = Write { pool: &state.app, tenant, method: "BatchUpsertPromotions", key };
    let written = write
        .run(&request, |db| {
            let tenant = tenant.clone();
            async move {
                tenants::remember(db, &tenant).await?;
                let places = promotions::upsert(db, &tenant, &rows).await?;
                interactions::wake_followers(db).await?;
                Ok((response, (rows, places)))
            }
            .boxed()
        })
        .await?;
    if let Some((rows, places)) = written.after {
        let changes = rows.iter().filter_map(|row| {
            Some((row.promotion_id.clone(), *places.get(&row.promotion_id)?, Some(to_fact(row))))
        });
        state.served.change_promotions(tenant, changes);
    }
    Ok(written.response)
}

pub(crate) async fn get(
    state: &State,
    tenant: &TenantId,
    request: GetPromotionRequest,
) -> Result<GetPromotionResponse, Error> {
    query::id("promotion_id", &request.promotion_id)?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let row = promotions::get(&mut transaction, tenant, &request.promotion_id).await?;
    transaction.commit().await?;
    Ok(GetPromotionResponse { promotion: Some(to_wire(row)) })
}

pub(crate) async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListPromotionsRequest,
) -> Result<ListPromotionsResponse, Error> {
    let size = page::size(request.page_size)?;
    let of = PageOf { tenant, list: "promotions", filters: format!("{:?}", request.active_at) };
    let after = state.pages.read(&of, &request.page_token)?.unwrap_or_default();
    let mut fields = Fields::default();
    let active_at = request.active_at.as_ref().and_then(|at| fields.instant("active_at", at, None));
    let active_at = fields.finish(active_at)?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = promotions::list(&mut transaction, tenant, &after, active_at, size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| row.promotion_id.clone());
    Ok(ListPromotionsResponse {
        promotions: rows.into_iter().map(to_wire).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(crate) async fn delete(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: DeletePromotionRequest,
) -> Result<DeletePromotionResponse, Error> {
    query::id("promotion_id", &request.promotion_id)?;
    let write = Write { pool: &state.app, tenant, method: "DeletePromotion", key };
    let written = write
        .run(&request, |db| {
            let (tenant, id) = (tenant.clone(), request.promotion_id.clone());
            async move {
                let place = promotions::hide(db, &tenant, &id).await?;
                interactions::wake_followers(db).await?;
                Ok((DeletePromotionResponse {}, place))
            }
            .boxed()
        })
        .await?;
    if let Some(place) = written.after {
        state.served.change_promotions(tenant, [(request.promotion_id, place, None)]);
    }
    Ok(written.response)
}
