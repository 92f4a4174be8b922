//! Calls about the vendor's shop.

use std::sync::Arc;

use futures::FutureExt;
use jiff::Timestamp;
use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::market::v1::*;

use crate::batch::{CheckedBatch, last_of_each};
use crate::convert::shop as wire;
use crate::days::DAY_US;
use crate::error::Error;
use crate::metrics;
use crate::operation::{self, Responses};
use crate::shop::{consent, webhook};
use crate::state::State;
use crate::store::{connections, shop_products, tenants};
use crate::validate::Fields;
use crate::write::Write;

const MOST_TEXT: usize = 1_024;
const MOST_MAPPED: usize = 1_000;

pub(super) async fn connect(state: &State, tenant: &TenantId) -> Result<ConnectSquareResponse, Error> {
    let begun = consent::begin(state, tenant).await?;
    Ok(ConnectSquareResponse { authorize_url: begun.authorize_url, state: begun.state })
}

pub(super) async fn finish(
    state: &State,
    tenant: &TenantId,
    request: FinishSquareConnectionRequest,
) -> Result<FinishSquareConnectionResponse, Error> {
    let mut fields = Fields::default();
    fields.text("code", &request.code, 1, MOST_TEXT);
    fields.text("state", &request.state, 1, MOST_TEXT);
    fields.finish(())?;
    let (shop, locations) = consent::finish(state, tenant, (&request.code, &request.state)).await?;
    Ok(FinishSquareConnectionResponse {
        connection: Some(wire::connection(&shop, 0, (state.clock)())),
        locations: locations.into_iter().map(wire::location).collect(),
    })
}

pub(super) async fn disconnect(state: &State, tenant: &TenantId) -> Result<DisconnectSquareResponse, Error> {
    Ok(DisconnectSquareResponse { revoked: consent::withdraw(state, tenant).await? })
}

/// Starts a synchronisation and streams its operation.
pub(super) fn sync(
    state: &Arc<State>,
    tenant: &TenantId,
    request: &SyncSalesRequest,
) -> Result<Responses<SyncSalesResponse>, Error> {
    let mut fields = Fields::default();
    let from_day = request.from_on.as_ref().and_then(|day| fields.day("from_on", day));
    fields.finish(())?;
    let from = from_day.map(|day| Timestamp::from_microsecond(i64::from(day) * DAY_US).unwrap_or_default());
    Ok(operation::sync_sales(state.clone(), tenant.clone(), from))
}

pub(super) async fn receive(
    state: &State,
    request: ReceiveSquareWebhookRequest,
) -> Result<ReceiveSquareWebhookResponse, Error> {
    let is_new = webhook::receive(state, &request.body, &request.signature).await?;
    Ok(ReceiveSquareWebhookResponse { ignored: !is_new })
}

pub(super) async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListShopProductsRequest,
) -> Result<ListShopProductsResponse, Error> {
    let size = page::size(request.page_size)?;
    let of = PageOf { tenant, list: "shop_products", filters: String::new() };
    let after = state.pages.read(&of, &request.page_token)?.unwrap_or_default();
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = shop_products::list(&mut transaction, tenant, &after, size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| row.reference.clone());
    Ok(ListShopProductsResponse {
        shop_products: rows.into_iter().map(wire::product_to_wire).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(super) async fn upsert(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: BatchUpsertShopProductsRequest,
) -> Result<BatchUpsertShopProductsResponse, Error> {
    let now_us = (state.clock)();
    let sent = request.shop_products.clone();
    let batch =
        CheckedBatch::check("shop_products", sent, MOST_MAPPED, |row| wire::product_from_wire(row, now_us))?;
    let rows = last_of_each(&batch.rows, |row| &row.reference);
    let response = BatchUpsertShopProductsResponse {
        accepted_count: batch.accepted_count(),
        rejected_count: batch.rejected_count(),
        verdicts: batch.verdicts,
    };
    metrics::rows_refused("shop_products", response.rejected_count);
    let write = Write { pool: &state.app, tenant, method: "BatchUpsertShopProducts", key };
    let written = write
        .run(&request, |db| {
            let tenant = tenant.clone();
            async move {
                tenants::remember(db, &tenant).await?;
                shop_products::tell(db, &tenant, &rows).await?;
                // What was sold under another id is read again.
                connections::forget_answers(db, &tenant).await?;
                connections::want_sync(db, &tenant, now_us).await?;
                Ok((response, ()))
            }
            .boxed()
        })
        .await?;
    state.shop_nudge.notify_one();
    Ok(written.response)
}

/// How the tenant's shop is connected, if it is.
pub(super) async fn connected(state: &State, tenant: &TenantId) -> Result<Option<ShopConnection>, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let Some(shop) = connections::get(&mut transaction, tenant).await? else { return Ok(None) };
    let new = shop_products::count_new(&mut transaction, tenant).await?;
    transaction.commit().await?;
    Ok(Some(wire::connection(&shop, new, (state.clock)())))
}
