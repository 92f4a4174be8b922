//! `RecommendationService`: questions are checked here and answered from memory.
//! What is asked of the models themselves lies in `recommendation/models.rs`.

mod answers;
mod batch;
mod given;
mod models;
mod settings;
mod shown;

use std::sync::Arc;

use larder_proto::larder::recommendation::v1::recommendation_service_server::RecommendationService;
use larder_proto::larder::recommendation::v1::*;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use crate::grpc::caller;
use crate::state::State;

/// The recommendations over gRPC.
pub(crate) struct Recommendations {
    pub(crate) state: Arc<State>,
}

#[tonic::async_trait]
impl RecommendationService for Recommendations {
    type TrainModelStream = models::TrainStream;
    type BatchRecommendStream = batch::BatchStream;
    type EvaluateModelStream = models::EvaluateStream;

    async fn recommend(
        &self,
        request: Request<RecommendRequest>,
    ) -> Result<Response<RecommendResponse>, Status> {
        let caller = caller(&request)?;
        let shown = shown::recommend(&self.state, &caller.tenant, request.into_inner()).await?;
        let mut response = Response::new(shown.answer);
        if shown.is_logged {
            // Each showing is noted here: an answer that somebody keeps would be shown unnoted.
            response.metadata_mut().insert("cache-control", MetadataValue::from_static("no-cache"));
        }
        Ok(response)
    }

    async fn recommend_similar(
        &self,
        request: Request<RecommendSimilarRequest>,
    ) -> Result<Response<RecommendSimilarResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(answers::similar(&self.state, &caller.tenant, request.into_inner())?))
    }

    async fn recommend_popular(
        &self,
        request: Request<RecommendPopularRequest>,
    ) -> Result<Response<RecommendPopularResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(answers::popular(&self.state, &caller.tenant, request.into_inner())?))
    }

    async fn train_model(
        &self,
        request: Request<TrainModelRequest>,
    ) -> Result<Response<Self::TrainModelStream>, Status> {
        models::train_model(&self.state, request).await
    }

    async fn recommend_for_session(
        &self,
        request: Request<RecommendForSessionRequest>,
    ) -> Result<Response<RecommendForSessionResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(shown::session(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn recommend_next_basket(
        &self,
        request: Request<RecommendNextBasketRequest>,
    ) -> Result<Response<RecommendNextBasketResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(given::next_basket(&self.state, &caller.tenant, request.into_inner())?))
    }

    async fn rank_products(
        &self,
        request: Request<RankProductsRequest>,
    ) -> Result<Response<RankProductsResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(given::rank_products(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn explain_recommendation(
        &self,
        request: Request<ExplainRecommendationRequest>,
    ) -> Result<Response<ExplainRecommendationResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(given::explain(&self.state, &caller.tenant, request.into_inner()).await?))
    }

    async fn list_similar_customers(
        &self,
        request: Request<ListSimilarCustomersRequest>,
    ) -> Result<Response<ListSimilarCustomersResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        Ok(Response::new(answers::similar_customers(&self.state, &caller.tenant, request).await?))
    }

    async fn get_model(
        &self,
        request: Request<GetModelRequest>,
    ) -> Result<Response<GetModelResponse>, Status> {
        models::get_model(&self.state, request).await
    }

    async fn promote_model(
        &self,
        request: Request<PromoteModelRequest>,
    ) -> Result<Response<PromoteModelResponse>, Status> {
        models::promote_model(&self.state, request).await
    }

    async fn roll_back_model(
        &self,
        request: Request<RollBackModelRequest>,
    ) -> Result<Response<RollBackModelResponse>, Status> {
        models::roll_back_model(&self.state, request).await
    }

    async fn pin_model(
        &self,
        request: Request<PinModelRequest>,
    ) -> Result<Response<PinModelResponse>, Status> {
        models::pin_model(&self.state, request).await
    }

    async fn get_model_settings(
        &self,
        request: Request<GetModelSettingsRequest>,
    ) -> Result<Response<GetModelSettingsResponse>, Status> {
        settings::get_model_settings(&self.state, request).await
    }

    async fn batch_recommend(
        &self,
        request: Request<tonic::Streaming<BatchRecommendRequest>>,
    ) -> Result<Response<Self::BatchRecommendStream>, Status> {
        batch::batch_recommend(&self.state, request).await
    }

    async fn evaluate_model(
        &self,
        request: Request<EvaluateModelRequest>,
    ) -> Result<Response<Self::EvaluateModelStream>, Status> {
        models::evaluate_model(&self.state, request).await
    }

    async fn list_models(
        &self,
        request: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        models::list_models(&self.state, request).await
    }
}
