//! Every route on one page. Routes of the contract are not listed: they come from the
//! descriptors, see `transcode.rs`; `/openapi.json` shows them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};

use larder_settings::Settings;

use crate::gate::Gate;
use crate::problem::Problem;
use crate::{browsers, compression, docs, grpc, health, http_json, openapi, passthrough, webhooks};

/// What the gateway answers on its public port.
///
/// | path | what |
/// | --- | --- |
/// | `/health` | the level of the whole platform |
/// | `/health/detailed` | every service's report, for `platform.read` |
/// | `/openapi.json` | the OpenAPI 3.1 document of the contract |
/// | `/docs` | the page that shows it |
/// | `/v1/connectors/square/webhook` | messages that Square signed |
/// | gRPC and gRPC-Web | passed through, whatever the path |
/// | anything else | the routes of the contract, or 404 |
pub(crate) fn router(gate: Arc<Gate>, settings: &Settings) -> Router {
    let cross_origin = browsers::cross_origin(&settings.gateway.cors_origins);
    let transport = browsers::transport_security(&settings.gateway);
    Router::new()
        .route("/health", get(health::level))
        .route("/health/detailed", get(health::detailed))
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(docs::entrance))
        .route("/docs/", get(docs::index))
        .route("/docs/{*file}", get(docs::asset))
        .route(webhooks::SQUARE_PATH, post(webhooks::square).fallback(only_post))
        .fallback(dispatch)
        .method_not_allowed_fallback(only_get)
        .with_state(gate)
        .layer(from_fn_with_state(transport, browsers::secure))
        .layer(compression::layer())
        .layer(cross_origin)
}

async fn dispatch(state: State<Arc<Gate>>, request: Request) -> Response {
    if passthrough::is_grpc(request.headers()) {
        return grpc::serve(state.0, request).await;
    }
    http_json::serve(state, request).await
}

/// The gateway's own pages are only read.
async fn only_get(request: Request) -> Response {
    http_json::refuse(Problem::method_not_allowed("GET, HEAD".into()), request.uri().path())
}

/// Messages are only sent.
async fn only_post(request: Request) -> Response {
    http_json::refuse(Problem::method_not_allowed("POST".into()), request.uri().path())
}
