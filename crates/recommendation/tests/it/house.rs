//! A whole service for one test: a fresh database, a folder of its own for snapshots, and
//! clients that carry a token of a tenant.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use larder_connectors::Connectors;
use larder_identity::{Caller, Scopes, TenantId, TokenSigner, TokenVerifier};
use larder_proto::larder::catalog::v1::catalog_service_client::CatalogServiceClient;
use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::exchange::v1::exchange_service_client::ExchangeServiceClient;
use larder_proto::larder::market::v1::market_service_client::MarketServiceClient;
use larder_proto::larder::nutrition::v1::nutrition_service_client::NutritionServiceClient;
use larder_proto::larder::operation::v1::{Operation, OperationState};
use larder_proto::larder::privacy::v1::privacy_service_client::PrivacyServiceClient;
use larder_proto::larder::recommendation::v1::experiment_service_client::ExperimentServiceClient;
use larder_proto::larder::recommendation::v1::recommendation_service_client::RecommendationServiceClient;
use larder_proto::larder::recommendation::v1::*;
use larder_recommendation::{App, AppSettings, RunningApp, SCHEMA, migrator};
use larder_settings::Settings;
use larder_telemetry::MetricsHandle;
use larder_testkit::TestDatabase;
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// 2026-03-01T12:00:00Z: the time that these services believe it is.
pub(crate) const NOW_S: i64 = 1_772_366_400;
pub(crate) const DAY_S: i64 = 86_400;

/// Seconds that have passed since. A process runs one test.
static PASSED_S: AtomicI64 = AtomicI64::new(0);

fn clock() -> i64 {
    now_s() * 1_000_000
}

/// The time that services believe it is, in seconds since 1970.
pub(crate) fn now_s() -> i64 {
    NOW_S + PASSED_S.load(Ordering::SeqCst)
}

/// Lets time pass for every service of this test.
pub(crate) fn pass_s(seconds: i64) {
    PASSED_S.fetch_add(seconds, Ordering::SeqCst);
}

pub(crate) struct House {
    pub(crate) database: TestDatabase,
    pub(crate) app: Option<RunningApp>,
    pub(crate) folder: TempDir,
    signer: TokenSigner,
}

#[derive(Clone)]
pub(crate) struct Token(MetadataValue<tonic::metadata::Ascii>);

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

pub(crate) type Client = InterceptedService<Channel, Token>;

/// All services, as one tenant.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) catalog: CatalogServiceClient<Client>,
    pub(crate) recommendations: RecommendationServiceClient<Client>,
    pub(crate) experiments: ExperimentServiceClient<Client>,
    pub(crate) nutrition: NutritionServiceClient<Client>,
    pub(crate) market: MarketServiceClient<Client>,
    pub(crate) exchange: ExchangeServiceClient<Client>,
    pub(crate) privacy: PrivacyServiceClient<Client>,
    tenant: String,
    admin: PgPool,
}

pub(crate) fn settings(database: &TestDatabase, folder: &TempDir) -> Settings {
    let mut settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
    settings.database = database.settings();
    settings.database.bootstrap = false;
    settings.recommendation.listen_address = "127.0.0.1:0".parse().unwrap();
    settings.recommendation.ops_address = "127.0.0.1:0".parse().unwrap();
    settings.recommendation.tail_interval = Duration::from_millis(20);
    // Tests want to see what they just wrote.
    settings.recommendation.demand_patience = Duration::from_secs(20);
    // Tests train when they say so.
    settings.recommendation.training_min_events = 1_000_000;
    settings.lifecycle.drain_timeout = Duration::from_secs(2);
    settings
}

impl House {
    pub(crate) async fn open() -> Self {
        let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
        Self::open_with(database, |_| {}).await
    }

    pub(crate) async fn open_with(database: TestDatabase, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let signer = TokenSigner::generate().unwrap();
        let mut settings = settings(&database, &folder);
        change(&mut settings);
        let app = start(settings, &signer).await;
        Self { database, app: Some(app), folder, signer }
    }

    /// Stops the service and starts it again on the same database and folder.
    pub(crate) async fn reopen(&mut self) {
        self.stop().await;
        self.app = Some(start(settings(&self.database, &self.folder), &self.signer).await);
    }

    /// Starts a service that was stopped, with other settings.
    pub(crate) async fn start_with(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = settings(&self.database, &self.folder);
        change(&mut settings);
        self.app = Some(start(settings, &self.signer).await);
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(app) = self.app.take() {
            app.stop().await;
        }
    }

    /// A second service on the same database and folder.
    pub(crate) async fn replica(&self) -> RunningApp {
        start(settings(&self.database, &self.folder), &self.signer).await
    }

    pub(crate) fn app(&self) -> &RunningApp {
        self.app.as_ref().unwrap()
    }

    /// What the ops port tells of the health of every part.
    pub(crate) async fn health(&self) -> String {
        let mut stream = tokio::net::TcpStream::connect(self.app().ops_address()).await.unwrap();
        let request = "GET /health/detailed HTTP/1.1\r\nhost: ops\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// The body of what the ops port answers.
    pub(crate) async fn ops(&self, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(self.app().ops_address()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: ops\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    pub(crate) async fn guest(&self, tenant: &str) -> Guest {
        self.guest_of(self.app(), tenant, Scopes::all()).await
    }

    pub(crate) async fn guest_of(&self, app: &RunningApp, tenant: &str, scopes: Scopes) -> Guest {
        let caller = Caller { tenant: TenantId::parse(tenant).unwrap(), subject: "test".into(), scopes };
        let now_us = larder_recommendation::system_clock();
        let now = SystemTime::UNIX_EPOCH + Duration::from_micros(now_us.unsigned_abs());
        let token = self.signer.sign(&caller, SCHEMA, Duration::from_secs(300), now).unwrap();
        let token = Token(format!("Bearer {token}").parse().unwrap());
        let channel =
            Channel::from_shared(format!("http://{}", app.api_address())).unwrap().connect().await.unwrap();
        Guest {
            catalog: CatalogServiceClient::with_interceptor(channel.clone(), token.clone())
                .max_decoding_message_size(64 << 20)
                .max_encoding_message_size(64 << 20),
            recommendations: RecommendationServiceClient::with_interceptor(channel.clone(), token.clone()),
            experiments: ExperimentServiceClient::with_interceptor(channel.clone(), token.clone()),
            exchange: ExchangeServiceClient::with_interceptor(channel.clone(), token.clone()),
            privacy: PrivacyServiceClient::with_interceptor(channel.clone(), token.clone()),
            market: MarketServiceClient::with_interceptor(channel.clone(), token.clone()),
            nutrition: NutritionServiceClient::with_interceptor(channel, token)
                .max_decoding_message_size(64 << 20)
                .max_encoding_message_size(64 << 20),
            tenant: tenant.to_owned(),
            admin: self.database.admin_pool(),
        }
    }
}

async fn start(settings: Settings, signer: &TokenSigner) -> RunningApp {
    let server = larder_database::Server::from_url(settings.database.url.as_ref().unwrap()).unwrap();
    let verifier = TokenVerifier::new(&[signer.verifying_key_pem().to_owned()], SCHEMA).unwrap();
    let app = AppSettings {
        connectors: Arc::new(Connectors::from_settings(&settings.connectors).unwrap()),
        flags: larder_flags::Flags::open(settings.flags.file.as_deref()).unwrap(),
        settings,
        server,
        verifier,
        metrics: MetricsHandle::detached(),
        page_token_key: [7; 32],
        clock,
        trainer_program: None,
    };
    App::build(app).start().await.unwrap()
}

pub(crate) fn product(product_id: &str, category: &str) -> Product {
    Product {
        product_id: product_id.into(),
        name: format!("Product {product_id}"),
        category: category.into(),
        ..Product::default()
    }
}

/// A purchase `days_ago` days ago; its event id is made of its parts.
pub(crate) fn purchase(customer_id: &str, product_id: &str, days_ago: i64) -> Interaction {
    Interaction {
        event_id: format!("{customer_id}-{product_id}-{days_ago}"),
        customer_id: customer_id.into(),
        product_id: product_id.into(),
        kind: InteractionKind::Purchase.into(),
        occurred_at: Some(prost_types::Timestamp { seconds: NOW_S - days_ago * DAY_S, nanos: 0 }),
        ..Interaction::default()
    }
}

impl Guest {
    pub(crate) async fn upsert(&mut self, products: Vec<Product>) -> BatchUpsertProductsResponse {
        let request = BatchUpsertProductsRequest { products };
        self.catalog.batch_upsert_products(request).await.unwrap().into_inner()
    }

    pub(crate) async fn record(&mut self, interactions: Vec<Interaction>) -> BatchRecordInteractionsResponse {
        let request = BatchRecordInteractionsRequest { interactions };
        self.catalog.batch_record_interactions(request).await.unwrap().into_inner()
    }

    pub(crate) async fn recommend(&mut self, customer_id: &str) -> RecommendResponse {
        let request = RecommendRequest { customer_id: customer_id.into(), ..RecommendRequest::default() };
        self.recommendations.recommend(request).await.unwrap().into_inner()
    }

    /// Trains and returns the last state of the operation.
    pub(crate) async fn train(&mut self) -> Operation {
        let mut stream =
            self.recommendations.train_model(TrainModelRequest::default()).await.unwrap().into_inner();
        let mut last = Operation::default();
        while let Some(message) = stream.message().await.unwrap() {
            last = message.operation.unwrap();
        }
        last
    }

    /// Trains until the model knows everything that was recorded: a transaction that any
    /// other test has open keeps the newest events out of a model for a while.
    pub(crate) async fn train_well(&mut self) -> String {
        let recorded: i64 =
            sqlx::query_scalar("select count(*) from recommendation.interactions where tenant_id = $1")
                .bind(&self.tenant)
                .fetch_one(&self.admin)
                .await
                .unwrap();
        for _ in 0..100 {
            let operation = self.train().await;
            assert_eq!(operation.state(), OperationState::Succeeded, "{operation:?}");
            if operation.result["interaction_count"] == recorded.to_string() {
                return operation.result["model_version"].clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no model knows all {recorded} events");
    }

    /// A small shop: breads and milks, and two customers who buy some of them.
    pub(crate) async fn stock_shop(&mut self) {
        let products = ["bread", "rolls", "bagels"].map(|id| product(id, "Bakery"));
        let dairy = ["milk", "butter", "cheese"].map(|id| product(id, "Dairy"));
        self.upsert(products.into_iter().chain(dairy).collect()).await;
        let mut events = Vec::new();
        for week in 0..6 {
            events.push(purchase("ann", "bread", week * 7 + 1));
            events.push(purchase("ann", "milk", week * 7 + 1));
            events.push(purchase("ben", "bread", week * 7 + 2));
            events.push(purchase("ben", "milk", week * 7 + 2));
            events.push(purchase("ben", "butter", week * 7 + 2));
        }
        self.record(events).await;
    }
}

pub(crate) fn ids(answer: &RecommendResponse) -> Vec<&str> {
    answer.recommendations.iter().map(|item| item.product_id.as_str()).collect()
}

/// Waits until `is_true`, for five seconds at most.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut is_true: impl FnMut() -> F) {
    for _ in 0..250 {
        if is_true().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never happened: {what}");
}
