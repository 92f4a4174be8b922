//! The calls of `RecommendationService` that operate models: train, evaluate, list, promote,
//! roll back and pin. Wire types come off here; none of these calls answers a shopper.

use std::sync::Arc;

use larder_identity::TenantId;
use larder_identity::page::{self, PageOf};
use larder_proto::larder::recommendation::v1::*;
use tonic::{Request, Response, Status};

use crate::convert::model;
use crate::error::Error;
use crate::grpc::caller;
use crate::jobs::train::{EvaluationWishes, Wishes};
use crate::operate;
use crate::operation::{self, Responses};
use crate::state::State;
use crate::store::models;
use crate::validate::Fields;

const MOST_HORIZON_DAYS: i32 = 365;
const MOST_LIST_LENGTH: i32 = 100;

/// What `TrainModel` streams.
pub(super) type TrainStream = Responses<TrainModelResponse>;
/// What `EvaluateModel` streams.
pub(super) type EvaluateStream = Responses<EvaluateModelResponse>;

/// Trains a model and streams the operation.
pub(super) async fn train_model(
    state: &Arc<State>,
    request: Request<TrainModelRequest>,
) -> Result<Response<TrainStream>, Status> {
    let caller = caller(&request)?;
    let TrainModelRequest { force_promotion, keep_back } = request.into_inner();
    let mut fields = Fields::default();
    if force_promotion && keep_back {
        fields.refuse("keep_back", "must be false when force_promotion is true");
    }
    let wishes = fields.finish(Wishes { force_promotion, keep_back, waits: true })?;
    Ok(Response::new(operation::train(state.clone(), caller.tenant, wishes)))
}

/// Lists the models of the tenant, the newest first.
pub(super) async fn list_models(
    state: &Arc<State>,
    request: Request<ListModelsRequest>,
) -> Result<Response<ListModelsResponse>, Status> {
    let caller = caller(&request)?;
    Ok(Response::new(list(state, &caller.tenant, request.into_inner()).await?))
}

/// Returns one model with its card.
pub(super) async fn get_model(
    state: &Arc<State>,
    request: Request<GetModelRequest>,
) -> Result<Response<GetModelResponse>, Status> {
    let caller = caller(&request)?;
    let version = checked_version(request.into_inner().model_version)?;
    let mut row = operate::get(state, &caller.tenant, &version).await?;
    let card = row.card.take().map(|card| model::card(card.0));
    Ok(Response::new(GetModelResponse { model: Some(model::model(row)), card }))
}

/// Makes a model the one that serves.
pub(super) async fn promote_model(
    state: &Arc<State>,
    request: Request<PromoteModelRequest>,
) -> Result<Response<PromoteModelResponse>, Status> {
    let caller = caller(&request)?;
    let version = checked_version(request.into_inner().model_version)?;
    let row = operate::promote(state, &caller.tenant, &version).await?;
    Ok(Response::new(PromoteModelResponse { model: Some(model::model(row)) }))
}

/// Makes the model that served before serve again.
pub(super) async fn roll_back_model(
    state: &Arc<State>,
    request: Request<RollBackModelRequest>,
) -> Result<Response<RollBackModelResponse>, Status> {
    let caller = caller(&request)?;
    let row = operate::roll_back(state, &caller.tenant).await?;
    Ok(Response::new(RollBackModelResponse { model: Some(model::model(row)) }))
}

/// Pins a model, or takes the pin out.
pub(super) async fn pin_model(
    state: &Arc<State>,
    request: Request<PinModelRequest>,
) -> Result<Response<PinModelResponse>, Status> {
    let caller = caller(&request)?;
    let PinModelRequest { model_version, unpin } = request.into_inner();
    let row = operate::pin(state, &caller.tenant, &checked_version(model_version)?, !unpin).await?;
    Ok(Response::new(PinModelResponse { model: Some(model::model(row)) }))
}

/// Evaluates a model that is trained as the settings say, and streams the operation.
pub(super) async fn evaluate_model(
    state: &Arc<State>,
    request: Request<EvaluateModelRequest>,
) -> Result<Response<EvaluateStream>, Status> {
    let caller = caller(&request)?;
    let wanted = evaluation(&request.into_inner())?;
    Ok(Response::new(operation::evaluate(state.clone(), caller.tenant, wanted)))
}

fn evaluation(request: &EvaluateModelRequest) -> Result<EvaluationWishes, Error> {
    let mut fields = Fields::default();
    let mut checked = |field: &str, asked: i32, most: i32| {
        if !(0..=most).contains(&asked) {
            fields.refuse(field, format!("must be 1 to {most}, or 0 for what the model settings say"));
        }
        u32::try_from(asked).ok().filter(|asked| *asked > 0)
    };
    let horizon_days = checked("horizon_days", request.horizon_days, MOST_HORIZON_DAYS);
    let list_length = checked("list_length", request.list_length, MOST_LIST_LENGTH);
    let list_length = list_length.map(|length| length as usize);
    fields.finish(EvaluationWishes { horizon_days, list_length })
}

fn checked_version(model_version: String) -> Result<String, Error> {
    let mut fields = Fields::default();
    fields.id("model_version", &model_version);
    fields.finish(model_version)
}

async fn list(
    state: &State,
    tenant: &TenantId,
    request: ListModelsRequest,
) -> Result<ListModelsResponse, Error> {
    let size = page::size(request.page_size)?;
    let of = PageOf { tenant, list: "models", filters: String::new() };
    let before = state.pages.read(&of, &request.page_token)?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let mut rows = models::list(&mut transaction, tenant, before.as_deref(), size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| row.model_version.clone());
    Ok(ListModelsResponse {
        models: rows.into_iter().map(model::model).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}
