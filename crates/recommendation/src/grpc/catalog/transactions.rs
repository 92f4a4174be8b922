//! Calls about transactions: the purchases, the newest first.

use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::catalog::v1::{ListTransactionsRequest, ListTransactionsResponse};

use crate::convert::interaction::to_transaction;
use crate::error::Error;
use crate::state::State;
use crate::store::interactions::{self, TransactionPage};
use crate::validate::Fields;

pub(crate) async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListTransactionsRequest,
) -> Result<ListTransactionsResponse, Error> {
    let size = page::size(request.page_size)?;
    let of = PageOf {
        tenant,
        list: "transactions",
        filters: format!(
            "{:?}{:?}{:?}{:?}",
            request.customer_id, request.product_id, request.from_at, request.until_at
        ),
    };
    let place = state.pages.read(&of, &request.page_token)?;
    let mut fields = Fields::default();
    fields.optional_id("customer_id", &request.customer_id);
    fields.optional_id("product_id", &request.product_id);
    let from_us = request.from_at.as_ref().and_then(|at| fields.instant("from_at", at, None));
    let until_us = request.until_at.as_ref().and_then(|at| fields.instant("until_at", at, None));
    let page = fields.finish(TransactionPage {
        before: place.as_deref().and_then(read_place),
        customer_id: Some(request.customer_id.as_str()).filter(|id| !id.is_empty()),
        product_id: Some(request.product_id.as_str()).filter(|id| !id.is_empty()),
        from_us,
        until_us,
        size: size + 1,
    })?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = interactions::list_transactions(&mut transaction, tenant, page).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| format!("{}/{}", row.occurred_at_us, row.event_id));
    Ok(ListTransactionsResponse {
        transactions: rows.into_iter().map(to_transaction).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

/// The time and the event id of the last row of the page before.
fn read_place(place: &str) -> Option<(i64, &str)> {
    let (at, event_id) = place.split_once('/')?;
    Some((at.parse().ok()?, event_id))
}
