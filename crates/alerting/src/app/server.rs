//! The one port for HTTP and gRPC: requests whose path is no route of HTTP are gRPC's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use larder_certificates::{Accepted, Watched};
use larder_identity::{GrpcCallerLayer, GrpcCallerPolicy};
use larder_lifecycle::Shutdown;
use larder_proto::larder::alerting::v1::alerting_service_server::AlertingServiceServer;
use larder_telemetry::grpc::GrpcTelemetryLayer;
use larder_telemetry::panics::CatchPanicLayer;
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tower::ServiceBuilder;

use super::{App, AppError, SERVICE};
use crate::grpc::AlertingCalls;
use crate::http;

/// The largest gRPC message that is read: 10,000 alerts with long annotations.
const MESSAGE_LIMIT_BYTES: usize = 64 * 1024 * 1024;

impl App {
    /// Everything that this service answers.
    pub(super) async fn router(&self) -> Result<Router, AppError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_serving::<AlertingServiceServer<AlertingCalls>>().await;
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(larder_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()?;
        let calls = AlertingServiceServer::new(AlertingCalls { state: self.state.clone() })
            .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
            .max_encoding_message_size(MESSAGE_LIMIT_BYTES);
        let policy = GrpcCallerPolicy {
            verifier: self.app.verifier.clone(),
            anonymous_tenant_allowed: self.app.settings.anonymous_allowed(),
            required_scope: larder_proto::required_scope,
        };
        let routes =
            Routes::new(calls).add_service(health).add_service(reflection).prepare().into_axum_router();
        let grpc = ServiceBuilder::new()
            .layer(GrpcTelemetryLayer::new(SERVICE).known_methods(is_known))
            .layer(CatchPanicLayer)
            .layer(GrpcCallerLayer::new(policy))
            .service(routes);
        Ok(http::router(self.state.clone()).fallback_service(grpc))
    }
}

/// Serves until `shutdown`, then lets the requests in flight finish.
pub(super) async fn serve(
    listener: TcpListener,
    certificates: Option<Arc<Watched>>,
    router: Router,
    shutdown: Shutdown,
) {
    if let Some(certificates) = certificates {
        let address = listener.local_addr();
        let proven = Proven { incoming: certificates.incoming(listener), address };
        return told(axum::serve(proven, router).with_graceful_shutdown(shutdown.wait_owned()).await);
    }
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error.cause = %error, "nodelay cannot be set");
        }
    });
    told(axum::serve(listener, router).with_graceful_shutdown(shutdown.wait_owned()).await);
}

fn told(served: io::Result<()>) {
    if let Err(error) = served {
        tracing::error!(error.cause = %error, "server ended");
    }
}

/// Connections whose clients showed a certificate that is believed.
struct Proven {
    incoming: ReceiverStream<io::Result<Accepted>>,
    address: io::Result<SocketAddr>,
}

impl axum::serve::Listener for Proven {
    type Io = Accepted;
    type Addr = ();

    async fn accept(&mut self) -> (Accepted, ()) {
        loop {
            match self.incoming.next().await {
                Some(Ok(stream)) => return (stream, ()),
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        self.address.as_ref().map(drop).map_err(|error| error.kind().into())
    }
}

/// Whether a path is an RPC of ours, and so may become the label of a metric.
fn is_known(path: &str) -> bool {
    larder_proto::required_scope(path).is_some()
}
