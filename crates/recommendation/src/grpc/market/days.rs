//! Calls about what is said of single market days.

use std::collections::HashSet;

use futures::FutureExt;
use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::market::v1::*;

use crate::batch::CheckedBatch;
use crate::convert::market::{day_from_wire, day_to_wire};
use crate::convert::query;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::market_days::NewMarketDay;
use crate::store::{market_days, markets, tenants};
use crate::write::Write;

const MOST_DAYS: usize = 1_000;

pub(super) async fn upsert(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: BatchUpsertMarketDaysRequest,
) -> Result<BatchUpsertMarketDaysResponse, Error> {
    let known =
        super::known_markets(state, tenant, request.market_days.iter().map(|day| &day.market_id)).await?;
    let mut batch =
        CheckedBatch::check("market_days", request.market_days.clone(), MOST_DAYS, day_from_wire)?;
    batch.refuse(|row| super::must_be_known(&known, &row.market_id));
    let rows = last_of_each_day(&batch.rows);
    let response = BatchUpsertMarketDaysResponse {
        accepted_count: batch.accepted_count(),
        rejected_count: batch.rejected_count(),
        verdicts: batch.verdicts,
    };
    metrics::rows_refused("market_days", response.rejected_count);
    let write = Write { pool: &state.app, tenant, method: "BatchUpsertMarketDays", key };
    let written = write
        .run(&request, |db| {
            let tenant = tenant.clone();
            async move {
                tenants::remember(db, &tenant).await?;
                market_days::upsert(db, &tenant, &rows).await?;
                markets::count_change(db, &tenant).await?;
                Ok((response, ()))
            }
            .boxed()
        })
        .await?;
    Ok(written.response)
}

/// The last row of each market and day, in the order of the request.
fn last_of_each_day(rows: &[(usize, NewMarketDay)]) -> Vec<NewMarketDay> {
    let mut seen = HashSet::new();
    let mut last: Vec<_> =
        rows.iter().rev().filter(|(_, row)| seen.insert((&row.market_id, row.held_on_day))).collect();
    last.reverse();
    last.into_iter().map(|(_, row)| row.clone()).collect()
}

pub(super) async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListMarketDaysRequest,
) -> Result<ListMarketDaysResponse, Error> {
    query::id("market_id", &request.market_id)?;
    let size = page::size(request.page_size)?;
    let of = PageOf { tenant, list: "market_days", filters: request.market_id.clone() };
    let before = state.pages.read(&of, &request.page_token)?;
    let before_day = before.and_then(|day| day.parse().ok());
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    markets::get(&mut transaction, tenant, &request.market_id).await?;
    let market_id = Some(request.market_id.as_str());
    let mut rows =
        market_days::list(&mut transaction, tenant, market_id, (None, before_day), size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| row.held_on_day.to_string());
    Ok(ListMarketDaysResponse {
        market_days: rows.into_iter().map(day_to_wire).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}
