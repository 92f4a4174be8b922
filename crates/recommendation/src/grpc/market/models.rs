//! Calls about which model foretells the demand.

use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::market::v1::*;

use crate::convert::feedback::demand_model;
use crate::error::Error;
use crate::market::championship;
use crate::state::State;
use crate::store::demand_models;
use crate::validate::Fields;

/// Between the parts of a place in the list.
const BETWEEN: char = '/';
const LONGEST_REASON: usize = 256;

pub(super) async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListDemandModelsRequest,
) -> Result<ListDemandModelsResponse, Error> {
    let size = page::size(request.page_size)?;
    let of = PageOf { tenant, list: "demand_models", filters: String::new() };
    let place = state.pages.read(&of, &request.page_token)?;
    let before = place.as_deref().and_then(|place| place.split_once(BETWEEN));
    let before = before.and_then(|(made, version)| Some((made.parse().ok()?, version)));
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = demand_models::list(&mut transaction, tenant, before, size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| format!("{}{BETWEEN}{}", row.made_at_us, row.model_version));
    Ok(ListDemandModelsResponse {
        demand_models: rows.into_iter().map(demand_model).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

pub(super) async fn roll_back(
    state: &State,
    tenant: &TenantId,
    request: RollBackDemandModelRequest,
) -> Result<RollBackDemandModelResponse, Error> {
    let mut fields = Fields::default();
    fields.text("reason", &request.reason, 0, LONGEST_REASON);
    fields.finish(())?;
    let row = championship::roll_back(state, tenant, &request.reason).await?;
    Ok(RollBackDemandModelResponse { demand_model: Some(demand_model(row)) })
}
