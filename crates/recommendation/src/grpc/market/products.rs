//! Calls about the terms products are sold on.

use std::collections::HashSet;

use futures::FutureExt;
use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::market::v1::*;

use crate::batch::CheckedBatch;
use crate::convert::market::{product_from_wire, product_to_wire};
use crate::convert::query;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::market_products::MarketProductRow;
use crate::store::{market_products, markets, tenants};
use crate::write::Write;

/// Between the two ids of a place in the list; no id has it.
const BETWEEN: char = '/';

pub(super) async fn upsert(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: BatchUpsertMarketProductsRequest,
) -> Result<BatchUpsertMarketProductsResponse, Error> {
    let named = request.market_products.iter().map(|product| &product.market_id).filter(|id| !id.is_empty());
    let known = super::known_markets(state, tenant, named).await?;
    let (most, sent) = (state.settings.batch_limit_rows, request.market_products.clone());
    let mut batch = CheckedBatch::check("market_products", sent, most, product_from_wire)?;
    batch.refuse(|row| match row.market_id.as_str() {
        "" => Ok(()),
        market_id => super::must_be_known(&known, market_id),
    });
    batch.refuse(|row| match known.get(&row.market_id) {
        Some(market) if market.currency != row.currency => {
            let accepted = format!("must be {}, the currency of the market", market.currency);
            Err(Error::invalid("price.currency_code", accepted))
        }
        _ => Ok(()),
    });
    let rows = last_of_each_place(&batch.rows);
    let response = BatchUpsertMarketProductsResponse {
        accepted_count: batch.accepted_count(),
        rejected_count: batch.rejected_count(),
        verdicts: batch.verdicts,
    };
    metrics::rows_refused("market_products", response.rejected_count);
    let write = Write { pool: &state.app, tenant, method: "BatchUpsertMarketProducts", key };
    let written = write
        .run(&request, |db| {
            let tenant = tenant.clone();
            async move {
                tenants::remember(db, &tenant).await?;
                market_products::upsert(db, &tenant, &rows).await?;
                markets::count_change(db, &tenant).await?;
                Ok((response, ()))
            }
            .boxed()
        })
        .await?;
    Ok(written.response)
}

/// The last row of each product and market, in the order of the request.
fn last_of_each_place(rows: &[(usize, MarketProductRow)]) -> Vec<MarketProductRow> {
    let mut seen = HashSet::new();
    let mut last: Vec<_> =
        rows.iter().rev().filter(|(_, row)| seen.insert((&row.product_id, &row.market_id))).collect();
    last.reverse();
    last.into_iter().map(|(_, row)| row.clone()).collect()
}

pub(super) async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListMarketProductsRequest,
) -> Result<ListMarketProductsResponse, Error> {
    let size = page::size(request.page_size)?;
    let market_id = Some(request.market_id.as_str()).filter(|id| !id.is_empty());
    if let Some(market_id) = market_id {
        query::id("market_id", market_id)?;
    }
    let of = PageOf { tenant, list: "market_products", filters: request.market_id.clone() };
    let after = state.pages.read(&of, &request.page_token)?.unwrap_or_default();
    let after = after.split_once(BETWEEN).unwrap_or_default();
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = market_products::list(&mut transaction, tenant, after, market_id, size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| format!("{}{BETWEEN}{}", row.product_id, row.market_id));
    Ok(ListMarketProductsResponse {
        market_products: rows.into_iter().map(product_to_wire).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}
