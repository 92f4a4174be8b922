//! gRPC on the gateway's port: health and reflection are answered here, everything else is
//! passed through; gRPC-Web is unwrapped first, also when it comes over HTTP/1.1.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use hyper::body::Incoming;
use tonic::body::Body;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tonic_reflection::server::Builder;
use tonic_web::GrpcWebLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::error::GatewayError;
use crate::gate::Gate;
use crate::passthrough;
use crate::problem::Problem;
use crate::usage::Traffic;

/// The services that the gateway answers itself.
#[derive(Clone)]
pub(crate) struct OwnServices {
    router: axum::Router,
    pub(crate) health: HealthReporter,
}

const OWN: [&str; 2] = ["/grpc.health.v1.Health/", "/grpc.reflection."];

impl OwnServices {
    /// Health, NOT_SERVING until it is told otherwise, and reflection of `descriptors`.
    pub(crate) async fn new(descriptors: &[u8]) -> Result<Self, GatewayError> {
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_service_status("", ServingStatus::NotServing).await;
        let builder = || {
            Builder::configure()
                .register_encoded_file_descriptor_set(descriptors)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let router = tonic::service::Routes::new(health_service)
            .add_service(builder().build_v1()?)
            .add_service(builder().build_v1alpha()?)
            .prepare()
            .into_axum_router();
        Ok(Self { router, health })
    }
}

/// Answers one native gRPC request.
pub(crate) async fn serve_native(gate: Arc<Gate>, mut request: http::Request<Incoming>) -> Response {
    let traffic = Traffic::begin(&gate, request.extensions_mut());
    let request = request.map(|body| match &traffic {
        Some(traffic) => Body::new(traffic.received(body)),
        None => Body::new(body),
    });
    let Ok(response) = dispatch(gate, request).await;
    response.map(|body| match &traffic {
        Some(traffic) => axum::body::Body::new(traffic.sent(body)),
        None => axum::body::Body::new(body),
    })
}

/// Answers one gRPC or gRPC-Web request that came through the routes.
pub(crate) async fn serve(gate: Arc<Gate>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let inner = service_fn(move |request: http::Request<Body>| {
        let gate = gate.clone();
        async move { dispatch(gate, request).await }
    });
    let answered = GrpcWebLayer::new().layer(inner).oneshot(request).await;
    let Ok(response) = answered;
    if response.status() == StatusCode::BAD_REQUEST {
        let detail = "gRPC needs HTTP/2; over HTTP/1.1 there is gRPC-Web and JSON";
        return crate::http_json::refuse(Problem::new(tonic::Code::InvalidArgument, detail), &path);
    }
    response.map(axum::body::Body::new)
}

async fn dispatch(
    gate: Arc<Gate>,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, std::convert::Infallible> {
    if OWN.iter().any(|own| request.uri().path().starts_with(own)) {
        let response = gate.own_services.router.clone().oneshot(request).await;
        return response.map(|response| response.map(Body::new));
    }
    passthrough::serve(gate, request).await
}
