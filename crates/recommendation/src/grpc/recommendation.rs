//! `RecommendationService`: questions are checked here and answered from memory.
//! What is asked of the models themselves lies in `recommendation/models.rs`.

mod models;
mod shown;

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use larder_identity::TenantId;
use larder_proto::larder::recommendation::v1::recommendation_service_server::RecommendationService;
use larder_proto::larder::recommendation::v1::*;
use tonic::{Request, Response, Status};

use crate::convert::query;
use crate::error::Error;
use crate::grpc::caller;
use crate::recommend::{Answer, Question, Rung};
use crate::state::State;
use crate::validate::Fields;

/// The recommendations over gRPC.
pub(crate) struct Recommendations {
    pub(crate) state: Arc<State>,
}

#[tonic::async_trait]
impl RecommendationService for Recommendations {
    type TrainModelStream = models::TrainStream;
    type BatchRecommendStream = Pin<Box<dyn Stream<Item = Result<BatchRecommendResponse, Status>> + Send>>;
    type EvaluateModelStream = models::EvaluateStream;

    async fn recommend(
        &self,
        request: Request<RecommendRequest>,
    ) -> Result<Response<RecommendResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        Ok(Response::new(shown::recommend(&self.state, &caller.tenant, request)?))
    }

    async fn recommend_similar(
        &self,
        request: Request<RecommendSimilarRequest>,
    ) -> Result<Response<RecommendSimilarResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        fields.id("product_id", &request.product_id);
        let question = Question::Similar { product_id: &request.product_id };
        let asked = Asked { limit: request.limit, filter: request.filter };
        let answer = self.answer(&caller.tenant, &question, asked, fields)?;
        Ok(Response::new(RecommendSimilarResponse {
            recommendation_id: answer.recommendation_id.to_string(),
            recommendations: wire_items(&answer).into_iter().map(query::similar_product).collect(),
            model_version: answer.model_version,
            degraded: answer.degraded,
            degraded_reason: answer.reason,
        }))
    }

    async fn recommend_popular(
        &self,
        request: Request<RecommendPopularRequest>,
    ) -> Result<Response<RecommendPopularResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let asked = Asked { limit: request.limit, filter: request.filter };
        let answer = self.answer(&caller.tenant, &Question::Popular, asked, Fields::default())?;
        Ok(Response::new(RecommendPopularResponse {
            recommendation_id: answer.recommendation_id.to_string(),
            recommendations: wire_items(&answer),
            model_version: answer.model_version,
            degraded: answer.degraded,
            degraded_reason: answer.reason,
        }))
    }

    async fn train_model(
        &self,
        request: Request<TrainModelRequest>,
    ) -> Result<Response<Self::TrainModelStream>, Status> {
        models::train_model(&self.state, request).await
    }

    async fn recommend_for_session(
        &self,
        _request: Request<RecommendForSessionRequest>,
    ) -> Result<Response<RecommendForSessionResponse>, Status> {
        Err(Status::unimplemented("recommend_for_session"))
    }

    async fn recommend_next_basket(
        &self,
        _request: Request<RecommendNextBasketRequest>,
    ) -> Result<Response<RecommendNextBasketResponse>, Status> {
        Err(Status::unimplemented("recommend_next_basket"))
    }

    async fn rank_products(
        &self,
        _request: Request<RankProductsRequest>,
    ) -> Result<Response<RankProductsResponse>, Status> {
        Err(Status::unimplemented("rank_products"))
    }

    async fn explain_recommendation(
        &self,
        _request: Request<ExplainRecommendationRequest>,
    ) -> Result<Response<ExplainRecommendationResponse>, Status> {
        Err(Status::unimplemented("explain_recommendation"))
    }

    async fn list_similar_customers(
        &self,
        _request: Request<ListSimilarCustomersRequest>,
    ) -> Result<Response<ListSimilarCustomersResponse>, Status> {
        Err(Status::unimplemented("list_similar_customers"))
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
        _request: Request<GetModelSettingsRequest>,
    ) -> Result<Response<GetModelSettingsResponse>, Status> {
        Err(Status::unimplemented("get_model_settings"))
    }

    async fn batch_recommend(
        &self,
        _request: Request<tonic::Streaming<BatchRecommendRequest>>,
    ) -> Result<Response<Self::BatchRecommendStream>, Status> {
        Err(Status::unimplemented("batch_recommend"))
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

/// The parts that every question has.
struct Asked {
    limit: i32,
    filter: Option<RecommendationFilter>,
}

impl Recommendations {
    fn answer(
        &self,
        tenant: &TenantId,
        question: &Question<'_>,
        asked: Asked,
        mut fields: Fields,
    ) -> Result<Answer, Error> {
        let limit = query::limit(&mut fields, asked.limit);
        let filter = query::filter(&mut fields, asked.filter);
        fields.finish(())?;
        self.state.recommender.answer(tenant, question, limit, &filter, (self.state.clock)())
    }
}

fn wire_items(answer: &Answer) -> Vec<Recommendation> {
    let mut items: Vec<_> = answer.items.iter().cloned().map(query::recommendation).collect();
    if answer.rung == Rung::LastGood {
        items.iter_mut().for_each(|item| item.source = RecommendationSource::LastGood.into());
    }
    items
}
