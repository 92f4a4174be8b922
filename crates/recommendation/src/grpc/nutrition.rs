//! `NutritionService`: each call is answered in the room of its noun.

mod catalog_match;
mod logs;
mod matches;
mod plans;
mod scores;
mod targets;

use std::sync::Arc;

use larder_proto::larder::nutrition::v1::nutrition_service_server::NutritionService;
use larder_proto::larder::nutrition::v1::*;
use tonic::{Request, Response, Status};

use crate::days::utc_day;
use crate::grpc::caller;
use crate::state::State;
use crate::write::idempotency_key;

/// Nutrition over gRPC.
pub(crate) struct NutritionCalls {
    pub(crate) state: Arc<State>,
}

/// Today in UTC, in days since 1970.
fn today(state: &State) -> i32 {
    utc_day((state.clock)())
}

#[tonic::async_trait]
impl NutritionService for NutritionCalls {
    type MatchCatalogStream = catalog_match::MatchStream;

    async fn calculate_targets(
        &self,
        request: Request<CalculateTargetsRequest>,
    ) -> Result<Response<CalculateTargetsResponse>, Status> {
        let caller = caller(&request)?;
        let response = targets::calculate(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_guidelines(
        &self,
        request: Request<ListGuidelinesRequest>,
    ) -> Result<Response<ListGuidelinesResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(targets::list_guidelines(&self.state, &caller.tenant)))
    }

    async fn score_products(
        &self,
        request: Request<ScoreProductsRequest>,
    ) -> Result<Response<ScoreProductsResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(scores::score(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn plan_meals(
        &self,
        request: Request<PlanMealsRequest>,
    ) -> Result<Response<PlanMealsResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(plans::plan(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn substitute_item(
        &self,
        request: Request<SubstituteItemRequest>,
    ) -> Result<Response<SubstituteItemResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(plans::substitute(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn describe_product(
        &self,
        request: Request<DescribeProductRequest>,
    ) -> Result<Response<DescribeProductResponse>, Status> {
        let caller = caller(&request)?;
        let response = matches::describe(&self.state, &caller.tenant, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn match_foods(
        &self,
        request: Request<MatchFoodsRequest>,
    ) -> Result<Response<MatchFoodsResponse>, Status> {
        // Nothing of a tenant is read, but nobody unknown is answered.
        caller(&request)?;
        Ok(Response::new(matches::find(&self.state, request.into_inner()).await?))
    }

    async fn match_catalog(
        &self,
        request: Request<MatchCatalogRequest>,
    ) -> Result<Response<Self::MatchCatalogStream>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(catalog_match::start(&self.state, caller.tenant, request.into_inner())?))
    }

    async fn list_food_matches(
        &self,
        request: Request<ListFoodMatchesRequest>,
    ) -> Result<Response<ListFoodMatchesResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(matches::list(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn confirm_food_match(
        &self,
        request: Request<ConfirmFoodMatchRequest>,
    ) -> Result<Response<ConfirmFoodMatchResponse>, Status> {
        let caller = caller(&request)?;
        let key = idempotency_key(request.metadata())?;
        let response = matches::confirm(&self.state, &caller.tenant, key, request.into_inner()).await?;
        Ok(Response::new(response))
    }

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
