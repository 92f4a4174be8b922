//! `NutritionService`: each call is answered in the room of its noun.

mod logs;

use std::sync::Arc;

use larder_proto::larder::nutrition::v1::nutrition_service_server::NutritionService;
use larder_proto::larder::nutrition::v1::*;
use tonic::{Request, Response, Status};

use crate::grpc::caller;
use crate::state::State;
use crate::write::idempotency_key;

/// Nutrition over gRPC.
pub(crate) struct NutritionCalls {
    pub(crate) state: Arc<State>,
}

#[tonic::async_trait]
impl NutritionService for NutritionCalls {
    async fn batch_log_body_measurements(
        &self,
        request: Request<BatchLogBodyMeasurementsRequest>,
    ) -> Result<Response<BatchLogBodyMeasurementsResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = logs::log_measurements(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_body_measurements(
        &self,
        request: Request<ListBodyMeasurementsRequest>,
    ) -> Result<Response<ListBodyMeasurementsResponse>, Status> {
        let caller = caller(&request)?;
        let response = logs::list_measurements(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_log_intakes(
        &self,
        request: Request<BatchLogIntakesRequest>,
    ) -> Result<Response<BatchLogIntakesResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = logs::log_intakes(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_intakes(
        &self,
        request: Request<ListIntakesRequest>,
    ) -> Result<Response<ListIntakesResponse>, Status> {
        let caller = caller(&request)?;
        let response = logs::list_intakes(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}
