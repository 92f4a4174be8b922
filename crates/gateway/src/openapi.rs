//! The OpenAPI 3.1 document, written from the descriptors at start: routes, fields, comments
//! and scopes are what the protos say, so it cannot fall behind them.

mod comments;
mod examples;
mod operations;
mod rules;
mod schemas;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use prost_reflect::DescriptorPool;
use serde_json::{Map, Value, json};

use crate::gate::Gate;
use crate::transcode::RouteTable;
use comments::Comments;
use schemas::Schemas;

/// Answers `/openapi.json`.
pub(crate) async fn document(State(gate): State<Arc<Gate>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], gate.openapi.clone()).into_response()
}

/// Writes the document of `routes`.
pub(crate) fn write(pool: &DescriptorPool, routes: &RouteTable) -> Value {
    let comments = Comments::new(pool);
    let mut schemas = Schemas::new(&comments);
    let mut paths: Map<String, Value> = Map::new();
    let mut tags = Map::new();
    for route in routes.iter() {
        let operation = operations::write(pool, route, &comments, &mut schemas);
        let path = paths.entry(route.template.openapi_path()).or_insert_with(|| json!({}));
        path[route.http_method.as_str().to_ascii_lowercase()] = operation;
        let service = route.rpc.parent_service();
        tags.insert(service.name().to_owned(), json!(comments.of_service(service)));
    }
    let tags: Vec<Value> =
        tags.into_iter().map(|(name, about)| json!({"name": name, "description": about})).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Larder",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What to eat, what to buy next. Every route is also a gRPC call on the same port. \
                            Errors are problem documents (RFC 9457).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas.finish(),
            "responses": {"Problem": problem_response()},
            "securitySchemes": {
                "bearer": {
                    "type": "http", "scheme": "bearer",
                    "description": "An API key (lrd_…) or a service token.",
                },
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    })
}

fn problem_response() -> Value {
    json!({
        "description": "What was refused, which field, and what would be accepted.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    })
}
