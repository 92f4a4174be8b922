//! The service behind the gateway, in small: it believes only signed tokens, tells in its
//! answers what reached it, and fails in every way a test asks for.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use futures::stream::BoxStream;
use larder_identity::{Caller, GrpcCallerLayer, GrpcCallerPolicy, TokenSigner, TokenVerifier};
use larder_proto::larder::batch::v1::RowVerdict;
use larder_proto::larder::catalog::v1::catalog_service_server::{CatalogService, CatalogServiceServer};
use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::operation::v1::{Operation, OperationProgress};
use larder_proto::larder::recommendation::v1::recommendation_service_server::{
    RecommendationService, RecommendationServiceServer,
};
use larder_proto::larder::recommendation::v1::*;
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tonic::transport::server::{Connected, TcpIncoming};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};

/// The key of the gateway under test.
pub(crate) static SIGNING_KEY: LazyLock<SecretString> =
    LazyLock::new(|| TokenSigner::generate_pem().unwrap());

/// Starts the service and says where.
pub(crate) async fn start() -> SocketAddr {
    start_with(Arc::default()).await
}

/// Starts a service that does as `mood` says.
pub(crate) async fn start_with(mood: Arc<Mood>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_with(listener, mood));
    address
}

/// Serves until dropped.
pub(crate) async fn serve(listener: TcpListener) {
    serve_with(listener, Arc::default()).await;
}

/// How the service is, and what it was asked. It remembers what customers bought.
#[derive(Default)]
pub(crate) struct Mood {
    /// Recommendations that were asked for.
    pub(crate) asked: AtomicU64,
    pub(crate) delay_ms: AtomicU64,
    /// How much longer the next question takes, and no other.
    pub(crate) stall_once_ms: AtomicU64,
    pub(crate) fails: AtomicBool,
    pub(crate) is_degraded: AtomicBool,
    /// What it says of keeping its answers.
    pub(crate) cache_control: Mutex<Option<&'static str>>,
    bought: Mutex<HashMap<String, i32>>,
}

impl Mood {
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn slow(&self, delay_ms: u64) {
        self.delay_ms.store(delay_ms, Ordering::Relaxed);
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }

    /// Counts a question and suffers what is wrong.
    async fn suffer(&self) -> Result<(), Status> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let stall_ms = self.stall_once_ms.swap(0, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(stall_ms + self.delay_ms.load(Ordering::Relaxed))).await;
        if self.fails.load(Ordering::Relaxed) { Err(Status::unavailable("out of order")) } else { Ok(()) }
    }
}

/// Serves until dropped.
pub(crate) async fn serve_with(listener: TcpListener, mood: Arc<Mood>) {
    serve_connections(TcpIncoming::from(listener), mood).await;
}

/// The same for connections of any kind.
pub(crate) async fn serve_connections<I>(
    incoming: impl futures::Stream<Item = std::io::Result<I>>,
    mood: Arc<Mood>,
) where
    I: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let signer = TokenSigner::from_pem(&SIGNING_KEY).unwrap();
    let policy = GrpcCallerPolicy {
        verifier: TokenVerifier::new(&[signer.verifying_key_pem().to_owned()], "larder").unwrap(),
        anonymous_tenant_allowed: false,
        required_scope: larder_proto::required_scope,
    };
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
    tonic::transport::Server::builder()
        .layer(GrpcCallerLayer::new(policy))
        .add_service(health)
        .add_service(CatalogServiceServer::new(Small(mood.clone())))
        .add_service(RecommendationServiceServer::new(Small(mood)))
        .serve_with_incoming(incoming)
        .await
        .unwrap();
}

struct Small(Arc<Mood>);

type Messages<T> = BoxStream<'static, Result<T, Status>>;

/// RPCs that no test calls, as `async_trait` would write them.
macro_rules! not_here {
    ($($name:ident($request:ty) -> $response:ty;)+) => {
        $(
            fn $name<'a, 'b>(&'a self, _: Request<$request>) -> Answering<'b, $response>
            where
                'a: 'b,
                Self: 'b,
            {
                Box::pin(async { Err(Status::unimplemented("not here")) })
            }
        )+
    };
}

type Answering<'b, T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send + 'b>>;

#[tonic::async_trait]
impl CatalogService for Small {
    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        let product_id = request.get_ref().product_id.clone();
        let answer = match product_id.as_str() {
            "missing" => Err(Status::not_found("no product missing")),
            "broken" => Err(Status::internal("SELECT * FROM secrets at /var/lib")),
            "away" => Err(away()),
            "wrong" => Err(wrong()),
            "slow" => {
                tokio::time::sleep(Duration::from_secs(5)).await;
                Err(Status::internal("nobody waits for this"))
            }
            _ => Ok(GetProductResponse { product: Some(told(product_id, &request)) }),
        }?;
        let mut response = Response::new(answer);
        response.metadata_mut().insert("x-from-service", "yes".parse().unwrap());
        Ok(response)
    }

    async fn batch_upsert_products(
        &self,
        request: Request<BatchUpsertProductsRequest>,
    ) -> Result<Response<BatchUpsertProductsResponse>, Status> {
        let mut answer = BatchUpsertProductsResponse::default();
        for (index, product) in request.into_inner().products.iter().enumerate() {
            let code = if product.product_id.is_empty() { Code::InvalidArgument } else { Code::Ok };
            let status = if code == Code::Ok { tonic_types::Status::default() } else { id_refused() };
            answer.verdicts.push(RowVerdict { index: index as i32, status: Some(status) });
            if code == Code::Ok { answer.accepted_count += 1 } else { answer.rejected_count += 1 }
        }
        Ok(Response::new(answer))
    }

    async fn list_products(
        &self,
        request: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        let next_page_token = format!("{:?}", request.get_ref().in_stock);
        Ok(Response::new(ListProductsResponse { products: Vec::new(), next_page_token }))
    }

    async fn batch_record_interactions(
        &self,
        request: Request<BatchRecordInteractionsRequest>,
    ) -> Result<Response<BatchRecordInteractionsResponse>, Status> {
        let interactions = request.into_inner().interactions;
        let mut bought = self.0.bought.lock().unwrap();
        for interaction in &interactions {
            *bought.entry(interaction.customer_id.clone()).or_default() += 1;
        }
        let accepted_count = interactions.len() as i32;
        Ok(Response::new(BatchRecordInteractionsResponse { accepted_count, ..Default::default() }))
    }

    async fn stream_interactions(
        &self,
        request: Request<Streaming<StreamInteractionsRequest>>,
    ) -> Result<Response<StreamInteractionsResponse>, Status> {
        let mut messages = request.into_inner();
        let mut answer = StreamInteractionsResponse::default();
        while let Some(message) = messages.message().await? {
            if message.interaction.is_some_and(|interaction| interaction.event_id == "refuse") {
                return Err(wrong());
            }
            answer.accepted_count += 1;
        }
        Ok(Response::new(answer))
    }

    not_here! {
        delete_product(DeleteProductRequest) -> DeleteProductResponse;
        batch_upsert_customers(BatchUpsertCustomersRequest) -> BatchUpsertCustomersResponse;
        get_customer(GetCustomerRequest) -> GetCustomerResponse;
        list_customers(ListCustomersRequest) -> ListCustomersResponse;
        delete_customer(DeleteCustomerRequest) -> DeleteCustomerResponse;
        erase_customer(EraseCustomerRequest) -> EraseCustomerResponse;
        batch_upsert_promotions(BatchUpsertPromotionsRequest) -> BatchUpsertPromotionsResponse;
        get_promotion(GetPromotionRequest) -> GetPromotionResponse;
        list_promotions(ListPromotionsRequest) -> ListPromotionsResponse;
        delete_promotion(DeletePromotionRequest) -> DeletePromotionResponse;
        batch_upsert_budgets(BatchUpsertBudgetsRequest) -> BatchUpsertBudgetsResponse;
        get_budget(GetBudgetRequest) -> GetBudgetResponse;
        list_budgets(ListBudgetsRequest) -> ListBudgetsResponse;
        delete_budget(DeleteBudgetRequest) -> DeleteBudgetResponse;
        list_transactions(ListTransactionsRequest) -> ListTransactionsResponse;
    }
}

#[tonic::async_trait]
impl RecommendationService for Small {
    type TrainModelStream = Messages<TrainModelResponse>;
    type BatchRecommendStream = Messages<BatchRecommendResponse>;
    type EvaluateModelStream = Messages<EvaluateModelResponse>;

    async fn recommend(
        &self,
        request: Request<RecommendRequest>,
    ) -> Result<Response<RecommendResponse>, Status> {
        let request = request.into_inner();
        let bought = self.0.bought.lock().unwrap().get(&request.customer_id).copied().unwrap_or(0);
        self.0.suffer().await?;
        let recommendation = Recommendation {
            product_id: request.customer_id,
            score: f64::from(request.limit),
            source: RecommendationSource::Popular.into(),
            reasons: request.filter.map(|filter| filter.categories).unwrap_or_default(),
            ..Recommendation::default()
        };
        let answer = RecommendResponse {
            recommendations: vec![recommendation],
            model_version: format!("bought {bought}"),
            degraded: self.0.is_degraded.load(Ordering::Relaxed),
            ..Default::default()
        };
        let mut response = Response::new(answer);
        if let Some(told) = *self.0.cache_control.lock().unwrap() {
            response.metadata_mut().insert("cache-control", told.parse().unwrap());
        }
        Ok(response)
    }

    /// What happens depends on the tenant, since the request says nothing.
    async fn train_model(
        &self,
        request: Request<TrainModelRequest>,
    ) -> Result<Response<Self::TrainModelStream>, Status> {
        let progress = |done_count| {
            let progress = OperationProgress { done_count, ..Default::default() };
            let operation = Operation { progress: Some(progress), ..Default::default() };
            Ok(TrainModelResponse { operation: Some(operation) })
        };
        let steps = match request.extensions().get::<Caller>().unwrap().tenant.as_str() {
            "refused" => return Err(wrong()),
            "refused-late" => vec![Err(wrong())],
            "breaks" => vec![progress(1), Err(Status::internal("SELECT"))],
            _ => vec![progress(1), progress(2), progress(3)],
        };
        let endless = request.extensions().get::<Caller>().unwrap().tenant.as_str() == "endless";
        let stream = futures::stream::iter(steps);
        if endless {
            return Ok(Response::new(Box::pin(futures::StreamExt::chain(
                stream,
                futures::stream::pending(),
            ))));
        }
        Ok(Response::new(Box::pin(stream)))
    }

    not_here! {
        recommend_similar(RecommendSimilarRequest) -> RecommendSimilarResponse;
        recommend_popular(RecommendPopularRequest) -> RecommendPopularResponse;
        list_models(ListModelsRequest) -> ListModelsResponse;
        recommend_for_session(RecommendForSessionRequest) -> RecommendForSessionResponse;
        batch_recommend(tonic::Streaming<BatchRecommendRequest>) -> Self::BatchRecommendStream;
        recommend_next_basket(RecommendNextBasketRequest) -> RecommendNextBasketResponse;
        rank_products(RankProductsRequest) -> RankProductsResponse;
        explain_recommendation(ExplainRecommendationRequest) -> ExplainRecommendationResponse;
        list_similar_customers(ListSimilarCustomersRequest) -> ListSimilarCustomersResponse;
        get_model(GetModelRequest) -> GetModelResponse;
        evaluate_model(EvaluateModelRequest) -> Self::EvaluateModelStream;
        promote_model(PromoteModelRequest) -> PromoteModelResponse;
        roll_back_model(RollBackModelRequest) -> RollBackModelResponse;
        pin_model(PinModelRequest) -> PinModelResponse;
        get_model_settings(GetModelSettingsRequest) -> GetModelSettingsResponse;
    }
}

/// A product that tells what reached the service.
fn told<T>(product_id: String, request: &Request<T>) -> Product {
    let caller = request.extensions().get::<Caller>().unwrap();
    let mut attributes = std::collections::BTreeMap::from([
        ("tenant".to_owned(), caller.tenant.to_string()),
        ("subject".to_owned(), caller.subject.clone()),
        ("scopes".to_owned(), caller.scopes.to_string()),
    ]);
    let names = [
        "x-correlation-id",
        "traceparent",
        "grpc-timeout",
        "idempotency-key",
        "x-api-key",
        "cookie",
        "x-own",
    ];
    for name in names {
        if let Some(value) = request.metadata().get(name) {
            attributes.insert(name.to_owned(), value.to_str().unwrap().to_owned());
        }
    }
    Product { product_id, attributes, ..Default::default() }
}

fn wrong() -> Status {
    let mut details = ErrorDetails::with_bad_request_violation("max_price.units", "must not be negative");
    details.set_error_info("PRICE_NEGATIVE", "larder", std::collections::HashMap::new());
    details.set_debug_info(["a stack frame".to_owned()], "for developers");
    Status::with_error_details(Code::InvalidArgument, "max_price.units: must not be negative", details)
}

fn away() -> Status {
    let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(7)));
    Status::with_error_details(Code::Unavailable, "the database is away", details)
}

/// The verdict on a row without an id, as a service gives it.
fn id_refused() -> tonic_types::Status {
    let details = ErrorDetails::with_bad_request_violation("product_id", "must not be empty");
    let text = "product_id: must not be empty";
    let status = Status::with_error_details(Code::InvalidArgument, text, details);
    prost::Message::decode(status.details()).unwrap()
}
