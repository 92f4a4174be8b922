//! Calls about markets.

use futures::FutureExt;
use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::market::v1::*;

use crate::batch::{CheckedBatch, last_of_each};
use crate::convert::market::{market_from_wire, market_to_wire};
use crate::convert::query;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::{markets, tenants};
use crate::write::Write;

const MOST_MARKETS: usize = 1_000;

pub(super) async fn upsert(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: BatchUpsertMarketsRequest,
) -> Result<BatchUpsertMarketsResponse, Error> {
    let batch = CheckedBatch::check("markets", request.markets.clone(), MOST_MARKETS, market_from_wire)?;
    let rows = last_of_each(&batch.rows, |row| &row.market_id);
    let response = BatchUpsertMarketsResponse {
        accepted_count: batch.accepted_count(),
        rejected_count: batch.rejected_count(),
        verdicts: batch.verdicts,
    };
    metrics::rows_refused("markets", response.rejected_count);
    let write = Write { pool: &state.app, tenant, method: "BatchUpsertMarkets", key };
    let written = write
        .run(&request, |db| {
            let tenant = tenant.clone();
            async move {
                tenants::remember(db, &tenant).await?;
                markets::upsert(db, &tenant, &rows).await?;
                markets::count_change(db, &tenant).await?;
                Ok((response, ()))
            }
            .boxed()
        })
        .await?;
    Ok(written.response)
}

pub(super) async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListMarketsRequest,
) -> Result<ListMarketsResponse, Error> {
    let size = page::size(request.page_size)?;
    let of = PageOf { tenant, list: "markets", filters: String::new() };
    let after = state.pages.read(&of, &request.page_token)?.unwrap_or_default();
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = markets::list(&mut transaction, tenant, &after, size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| row.market_id.clone());
    Ok(ListMarketsResponse {
        markets: rows.into_iter().map(market_to_wire).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(super) async fn delete(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: DeleteMarketRequest,
) -> Result<DeleteMarketResponse, Error> {
    query::id("market_id", &request.market_id)?;
    let write = Write { pool: &state.app, tenant, method: "DeleteMarket", key };
    let written = write
        .run(&request, |db| {
            let (tenant, id) = (tenant.clone(), request.market_id.clone());
            async move {
                markets::hide(db, &tenant, &id).await?;
                markets::count_change(db, &tenant).await?;
                Ok((DeleteMarketResponse {}, ()))
            }
            .boxed()
        })
        .await?;
    Ok(written.response)
}
