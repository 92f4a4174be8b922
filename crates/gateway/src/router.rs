//! Every route on one page. Routes of the contract are not listed: they come from the
//! descriptors, see `transcode.rs`; `/openapi.json` shows them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use http::header;
use larder_console::ConsoleSettings;
use larder_settings::Settings;

use crate::gate::Gate;
use crate::problem::Problem;
use crate::{browsers, compression, docs, grpc, health, http_json, openapi, passthrough, usage, webhooks};

/// What the gateway answers on its public port.
///
/// | path | what |
/// | --- | --- |
/// | `/health` | the level of the whole platform |
/// | `/health/detailed` | every service's report, for `platform.read` |
/// | `/openapi.json` | the OpenAPI 3.1 document of the contract |
/// | `/docs` | the page that shows it |
/// | `/v1/connectors/square/webhook` | messages that Square signed |
/// | `/console` | the pages for people, which ask the other routes in process |
/// | gRPC and gRPC-Web | passed through, whatever the path |
/// | anything else | the routes of the contract, or 404 |
pub(crate) fn router(gate: Arc<Gate>, settings: &Settings) -> Router {
    let cross_origin = browsers::cross_origin(&settings.gateway.cors_origins);
    let transport = browsers::transport_security(&settings.gateway);
    let routes = Router::new()
        .route("/health", get(health::level))
        .route("/health/detailed", get(health::detailed))
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(docs::entrance))
        .route("/docs/", get(docs::index))
        .route("/docs/{*file}", get(docs::asset))
        .route(webhooks::SQUARE_PATH, post(webhooks::square).fallback(only_post))
        .fallback(dispatch)
        .method_not_allowed_fallback(only_get)
        .with_state(gate.clone())
        .layer(from_fn_with_state(gate.clone(), usage::measure));
    let routes = if settings.gateway.console { with_console(gate, settings, routes) } else { routes };
    routes
        .layer(from_fn_with_state(transport, browsers::secure))
        .layer(compression::layer())
        .layer(cross_origin)
}

/// Puts the console beside the routes that it asks, and leads browsers to it.
fn with_console(gate: Arc<Gate>, settings: &Settings, routes: Router) -> Router {
    let console = ConsoleSettings {
        anonymous_allowed: settings.anonymous_allowed(),
        over_tls: settings.gateway.ends_tls() || settings.gateway.proxy_ends_tls,
    };
    let entrance = Router::new().route("/", get(entrance).fallback(dispatch)).with_state(gate);
    let console = larder_console::router(console, routes.clone());
    routes.merge(entrance).merge(console)
}

/// A browser is led to the console; everybody else is told that there is nothing here.
async fn entrance(state: State<Arc<Gate>>, request: Request) -> Response {
    let accepted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accepted.is_some_and(|accepted| accepted.contains("text/html")) {
        return Redirect::to("/console").into_response();
    }
    dispatch(state, request).await
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
