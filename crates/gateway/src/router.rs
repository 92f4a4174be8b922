//! Every route on one page. Routes of the contract are not listed: they come from the
//! descriptors, see `transcode.rs`; `/openapi.json` shows them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderName, HeaderValue, header};

use crate::gate::Gate;
use crate::problem::Problem;
use crate::{docs, grpc, health, http_json, openapi, passthrough, webhooks};

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
pub(crate) fn router(gate: Arc<Gate>) -> Router {
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
        .layer(from_fn(secure))
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

/// Headers that tell browsers what not to do with an answer; gRPC clients are no browsers.
async fn secure(request: Request, next: Next) -> Response {
    if passthrough::is_grpc(request.headers()) {
        return next.run(request).await;
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(opener, HeaderValue::from_static("same-origin"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
