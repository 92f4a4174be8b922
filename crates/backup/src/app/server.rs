//! The gRPC server: what every call passes on its way to the service.

use std::sync::Arc;

use larder_certificates::Watched;
use larder_identity::{GrpcCallerLayer, GrpcCallerPolicy};
use larder_lifecycle::Shutdown;
use larder_proto::larder::backup::v1::backup_service_server::BackupServiceServer;
use larder_telemetry::grpc::GrpcTelemetryLayer;
use larder_telemetry::panics::CatchPanicLayer;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;

use super::{App, AppError, SERVICE};
use crate::grpc::backup::BackupCalls;

impl App {
    pub(super) async fn routes(&self) -> Result<Routes, AppError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_serving::<BackupServiceServer<BackupCalls>>().await;
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(larder_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()?;
        let calls = BackupServiceServer::new(BackupCalls { state: self.state.clone() });
        Ok(Routes::new(calls).add_service(health).add_service(reflection))
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
