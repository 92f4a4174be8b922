//! The calls of `RecommendationService` that operate models: train, evaluate, list, promote,
//! roll back and pin. Wire types come off here; none of these calls answers a shopper.

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use larder_identity::TenantId;
use larder_proto::larder::recommendation::v1::*;
use tonic::{Request, Response, Status};

use crate::convert::timestamp;
use crate::error::Error;
use crate::grpc::caller;
use crate::operation;
use crate::page::{self, PageOf};
use crate::state::State;
use crate::store::models::{self, ModelRow};

/// What `TrainModel` streams.
pub(super) type TrainStream = Pin<Box<dyn Stream<Item = Result<TrainModelResponse, Status>> + Send>>;
/// What `EvaluateModel` streams.
pub(super) type EvaluateStream = Pin<Box<dyn Stream<Item = Result<EvaluateModelResponse, Status>> + Send>>;

/// Trains a model and streams the operation.
pub(super) async fn train_model(
    state: &Arc<State>,
    request: Request<TrainModelRequest>,
) -> Result<Response<TrainStream>, Status> {
    let caller = caller(&request)?;
    Ok(Response::new(operation::train(state.clone(), caller.tenant)))
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
    _state: &Arc<State>,
    _request: Request<GetModelRequest>,
) -> Result<Response<GetModelResponse>, Status> {
    Err(Status::unimplemented("get_model"))
}

/// Makes a model the one that serves.
pub(super) async fn promote_model(
    _state: &Arc<State>,
    _request: Request<PromoteModelRequest>,
) -> Result<Response<PromoteModelResponse>, Status> {
    Err(Status::unimplemented("promote_model"))
}

/// Makes the model that served before serve again.
pub(super) async fn roll_back_model(
    _state: &Arc<State>,
    _request: Request<RollBackModelRequest>,
) -> Result<Response<RollBackModelResponse>, Status> {
    Err(Status::unimplemented("roll_back_model"))
}

/// Pins a model, or takes the pin out.
pub(super) async fn pin_model(
    _state: &Arc<State>,
    _request: Request<PinModelRequest>,
) -> Result<Response<PinModelResponse>, Status> {
    Err(Status::unimplemented("pin_model"))
}

/// Evaluates a model that is trained as the settings say, and streams the operation.
pub(super) async fn evaluate_model(
    _state: &Arc<State>,
    _request: Request<EvaluateModelRequest>,
) -> Result<Response<EvaluateStream>, Status> {
    Err(Status::unimplemented("evaluate_model"))
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
        models: rows.into_iter().map(wire_model).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

fn wire_model(row: ModelRow) -> Model {
    Model {
        model_version: row.model_version,
        trained_at: Some(timestamp(row.trained_at_us)),
        promoted: row.promoted,
        product_count: row.product_count,
        customer_count: row.customer_count,
        interaction_count: row.interaction_count,
        size_bytes: row.size_bytes,
        checksum_sha256: row.checksum_sha256,
        ..Model::default()
    }
}
