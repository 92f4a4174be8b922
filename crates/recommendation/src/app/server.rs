//! The gRPC server: which services there are, and what every call passes on its way to them.

use std::sync::Arc;

use larder_certificates::Watched;
use larder_identity::{GrpcCallerLayer, GrpcCallerPolicy};
use larder_lifecycle::Shutdown;
use larder_proto::larder::catalog::v1::catalog_service_server::CatalogServiceServer;
use larder_proto::larder::exchange::v1::exchange_service_server::ExchangeServiceServer;
use larder_proto::larder::market::v1::market_service_server::MarketServiceServer;
use larder_proto::larder::nutrition::v1::nutrition_service_server::NutritionServiceServer;
use larder_proto::larder::privacy::v1::privacy_service_server::PrivacyServiceServer;
use larder_proto::larder::recommendation::v1::experiment_service_server::ExperimentServiceServer;
use larder_proto::larder::recommendation::v1::recommendation_service_server::RecommendationServiceServer;
use larder_telemetry::grpc::GrpcTelemetryLayer;
use larder_telemetry::panics::CatchPanicLayer;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;

use super::{App, AppError, SERVICE};
use crate::grpc::catalog::Catalog;
use crate::grpc::exchange::ExchangeCalls;
use crate::grpc::experiment::ExperimentCalls;
use crate::grpc::market::MarketCalls;
use crate::grpc::nutrition::NutritionCalls;
use crate::grpc::privacy::PrivacyCalls;
use crate::grpc::recommendation::Recommendations;

/// Further calls of a connection wait with their caller: a flood of them would end the connection
/// and every call on it.
const MOST_CALLS_OF_A_CONNECTION: u32 = 512;

impl App {
    pub(super) async fn routes(&self) -> Result<Routes, AppError> {
        let most = self.app.settings.recommendation.message_limit_bytes;
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_serving::<CatalogServiceServer<Catalog>>().await;
        reporter.set_serving::<RecommendationServiceServer<Recommendations>>().await;
        reporter.set_serving::<ExperimentServiceServer<ExperimentCalls>>().await;
        reporter.set_serving::<NutritionServiceServer<NutritionCalls>>().await;
        reporter.set_serving::<MarketServiceServer<MarketCalls>>().await;
        reporter.set_serving::<ExchangeServiceServer<ExchangeCalls>>().await;
        reporter.set_serving::<PrivacyServiceServer<PrivacyCalls>>().await;
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(larder_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()?;
        let catalog = CatalogServiceServer::new(Catalog { state: self.state.clone() })
            .max_decoding_message_size(most)
            .max_encoding_message_size(most);
        let recommendations = RecommendationServiceServer::new(Recommendations { state: self.state.clone() })
            .max_decoding_message_size(most)
            .max_encoding_message_size(most);
        let experiments = ExperimentServiceServer::new(ExperimentCalls { state: self.state.clone() })
            .max_decoding_message_size(most)
            .max_encoding_message_size(most);
        let nutrition = NutritionServiceServer::new(NutritionCalls { state: self.state.clone() })
            .max_decoding_message_size(most)
            .max_encoding_message_size(most);
        let market = MarketServiceServer::new(MarketCalls { state: self.state.clone() })
            .max_decoding_message_size(most)
            .max_encoding_message_size(most);
        let exchange = ExchangeServiceServer::new(ExchangeCalls { state: self.state.clone() })
            .max_decoding_message_size(most)
            .max_encoding_message_size(most);
        let privacy = PrivacyServiceServer::new(PrivacyCalls { state: self.state.clone() })
            .max_decoding_message_size(most)
            .max_encoding_message_size(most);
        Ok(Routes::new(catalog)
            .add_service(recommendations)
            .add_service(experiments)
            .add_service(nutrition)
            .add_service(market)
            .add_service(exchange)
            .add_service(privacy)
            .add_service(health)
            .add_service(reflection))
    }

    pub(super) fn server(
        &self,
        routes: Routes,
        listener: TcpListener,
        certificates: Option<Arc<Watched>>,
        shutdown: Shutdown,
    ) -> impl Future<Output = ()> + Send + use<> {
        let policy = GrpcCallerPolicy {
            verifier: self.app.verifier.clone(),
            anonymous_tenant_allowed: self.app.settings.anonymous_allowed(),
            required_scope: larder_proto::required_scope,
        };
        let router = tonic::transport::Server::builder()
            .accept_http1(true)
            .max_concurrent_streams(MOST_CALLS_OF_A_CONNECTION)
            .layer(GrpcTelemetryLayer::new(SERVICE).known_methods(is_known))
            .layer(CatchPanicLayer)
            .layer(GrpcWebLayer::new())
            .layer(GrpcCallerLayer::new(policy))
            .add_routes(routes);
        async move {
            let stop = async move { shutdown.wait().await };
            let served = match certificates {
                Some(certificates) => {
                    router.serve_with_incoming_shutdown(certificates.incoming(listener), stop).await
                }
                None => {
                    let incoming = tonic::transport::server::TcpIncoming::from(listener);
                    router.serve_with_incoming_shutdown(incoming.with_nodelay(Some(true)), stop).await
                }
            };
            if let Err(error) = served {
                tracing::error!(error.cause = %error, "gRPC server ended");
            }
        }
    }
}

/// Whether a path is an RPC of ours, and so may become the label of a metric.
fn is_known(path: &str) -> bool {
    larder_proto::required_scope(path).is_some()
}
