//! The gateway's API: health, the contract, a list over HTTP and over gRPC, and how it refuses.

use larder_proto::larder::catalog::v1::ListProductsRequest;

use crate::client::Client;
use crate::commands::deploy::judge;
use crate::commands::deploy::outcome::{Found, Outcome};
use crate::commands::deploy::stack::Stack;

pub(super) async fn health(stack: &Stack) -> Found {
    let answer = stack.get("/health").await?;
    let body = answer.json();
    match (answer.status, body["level"].as_str()) {
        (200, Some(level @ ("healthy" | "degraded"))) => Ok(level.to_owned()),
        (503, Some("unhealthy")) => Err(Outcome::fail(
            "unhealthy: a service does not do its job",
            "see which: `larder healthcheck --url` of each ops port, or /health/detailed with platform.read",
        )),
        (status, _) => Err(Outcome::fail(
            format!("status {status} without a level"),
            "see what answers there: it is not Larder's gateway",
        )),
    }
}

pub(super) async fn contract(stack: &Stack) -> Found {
    let document = judge::answered(&stack.get("/openapi.json").await?, "none")?;
    let paths = document["paths"].as_object().map_or(0, serde_json::Map::len);
    let version = document["openapi"].as_str().unwrap_or_default();
    if version.starts_with("3.") && paths > 50 {
        return Ok(format!("OpenAPI {version}, {paths} paths"));
    }
    Err(Outcome::fail(format!("{paths} paths"), "see what answers there: it is not Larder's gateway"))
}

pub(super) async fn catalogue(stack: &Stack) -> Found {
    let page = judge::answered(&stack.get("/v1/products?pageSize=1").await?, "catalog.read")?;
    let count = page["products"].as_array().map_or(0, Vec::len);
    Ok(if count == 0 { "the tenant has no products".to_owned() } else { "a page of products".to_owned() })
}

pub(super) async fn over_grpc(stack: &Stack) -> Found {
    let way_out = "let HTTP/2 through: the proxy in front speaks it to callers, and h2c to port 8080";
    let client =
        Client::connect(stack.address.as_str().trim_end_matches('/'), stack.credentials.clone()).await;
    let client = client.map_err(|error| Outcome::fail(error.to_string(), way_out))?;
    let request = ListProductsRequest { page_size: 1, ..Default::default() };
    let answer = client.catalog.clone().list_products(request).await;
    let answer = answer.map_err(|status| {
        Outcome::fail(
            format!("{:?}: {}", status.code(), status.message()),
            match status.code() {
                tonic::Code::Unauthenticated => "show a key that is good: --api-key",
                tonic::Code::PermissionDenied => "make a key with the scope catalog.read",
                _ => way_out,
            },
        )
    })?;
    Ok(format!("{} products", answer.into_inner().products.len()))
}

pub(super) async fn problem(stack: &Stack) -> Found {
    let answer = stack.get("/v1/nothing-is-here").await?;
    let kind = answer.header("content-type").to_owned();
    let body = answer.json();
    let is_told = answer.status == 404 && kind.starts_with("application/problem+json");
    if is_told && body["correlationId"].is_string() {
        return Ok("404 with a correlation id".to_owned());
    }
    Err(Outcome::fail(
        format!("status {} and {kind:?} instead of a problem document of status 404", answer.status),
        "let the proxy in front pass errors on as they are",
    ))
}
