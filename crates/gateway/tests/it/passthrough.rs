//! Native gRPC through the gateway: messages, streams, metadata, trailers and errors arrive
//! as they were sent, with the gateway's proof of the caller in the place of the client's.

use larder_proto::larder::catalog::v1::catalog_service_client::CatalogServiceClient;
use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::TrainModelRequest;
use larder_proto::larder::recommendation::v1::recommendation_service_client::RecommendationServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt;

use crate::support::raw::Raw;
use crate::support::{Gateway, gateway, gateway_with, settings, strict_gateway, token};

async fn channel(gateway: &Gateway) -> Channel {
    let address = format!("http://{}", gateway.app.address());
    Channel::from_shared(address).unwrap().connect().await.unwrap()
}

fn product(product_id: &str) -> GetProductRequest {
    GetProductRequest { product_id: product_id.into() }
}

#[tokio::test]
async fn a_call_and_its_metadata_pass() {
    let gateway = gateway().await;
    let mut client = CatalogServiceClient::new(channel(&gateway).await);
    let mut request = Request::new(product("a"));
    request.metadata_mut().insert("x-larder-tenant", "shop-7".parse().unwrap());
    request.metadata_mut().insert("x-own", "passed on".parse().unwrap());
    request.metadata_mut().insert("cookie", "session=secret".parse().unwrap());
    let response = client.get_product(request).await.unwrap();
    assert_eq!(response.metadata().get("x-from-service").unwrap(), "yes");
    let told = response.into_inner().product.unwrap().attributes;
    assert_eq!((told["tenant"].as_str(), told["x-own"].as_str()), ("shop-7", "passed on"));
    assert!(!told.contains_key("cookie"));
    assert!(told.contains_key("grpc-timeout"), "the gateway's limit goes with a call that names none");
}

/// A service closes a connection on which a hundred empty frames came that end nothing.
#[tokio::test]
async fn many_calls_share_the_connections_to_the_service() {
    let gateway = gateway().await;
    let mut client = CatalogServiceClient::new(channel(&gateway).await);
    for call in 0..600 {
        client.get_product(product("a")).await.unwrap_or_else(|status| panic!("call {call}: {status}"));
    }
}

#[tokio::test]
async fn a_client_stream_passes() {
    let gateway = gateway().await;
    let mut client = CatalogServiceClient::new(channel(&gateway).await);
    let messages = (0..5_000).map(|_| StreamInteractionsRequest::default());
    let answer = client.stream_interactions(tokio_stream::iter(messages)).await.unwrap();
    assert_eq!(answer.into_inner().accepted_count, 5_000);
    let refused = Interaction { event_id: "refuse".into(), ..Default::default() };
    let messages = [StreamInteractionsRequest { interaction: Some(refused) }];
    let status = client.stream_interactions(tokio_stream::iter(messages)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_server_stream_and_its_end_pass() {
    let gateway = gateway().await;
    let mut client = RecommendationServiceClient::new(channel(&gateway).await);
    let mut stream = client.train_model(TrainModelRequest::default()).await.unwrap().into_inner();
    let mut count = 0;
    while stream.message().await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 3);
    assert!(stream.trailers().await.unwrap().is_some(), "the trailers come too");
    let mut request = Request::new(TrainModelRequest::default());
    request.metadata_mut().insert("x-larder-tenant", "breaks".parse().unwrap());
    let mut stream = client.train_model(request).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    assert_eq!(stream.message().await.unwrap_err().code(), Code::Internal);
}

#[tokio::test]
async fn an_error_keeps_its_details() {
    let gateway = gateway().await;
    let mut client = CatalogServiceClient::new(channel(&gateway).await);
    let status = client.get_product(product("wrong")).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    assert_eq!(details.bad_request().unwrap().field_violations[0].field, "max_price.units");
    let status = client.get_product(product("missing")).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no product missing"));
}

#[tokio::test]
async fn what_the_contract_does_not_have_is_unimplemented() {
    let gateway = gateway().await;
    for path in ["/larder.catalog.v1.CatalogService/Nothing", "/nobody.v1.Nothing/Call"] {
        let mut client = tonic::client::Grpc::new(channel(&gateway).await);
        client.ready().await.unwrap();
        let path = http::uri::PathAndQuery::try_from(path).unwrap();
        let status = client.unary(Request::new(bytes::Bytes::new()), path, Raw).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
    }
}

#[tokio::test]
async fn without_credentials_the_refusal_is_a_grpc_status() {
    let gateway = strict_gateway(None).await;
    let mut client = CatalogServiceClient::new(channel(&gateway).await);
    let status = client.get_product(product("a")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "CREDENTIALS_MISSING");
    let bearer = format!("Bearer {}", token(&gateway.signer, "shop-1", "catalog.read"));
    let mut request = Request::new(product("a"));
    request.metadata_mut().insert("authorization", bearer.parse().unwrap());
    let told = client.get_product(request).await.unwrap().into_inner().product.unwrap().attributes;
    assert_eq!((told["tenant"].as_str(), told["scopes"].as_str()), ("shop-1", "catalog.read"));
    let mut request = Request::new(TrainModelRequest::default());
    request.metadata_mut().insert("authorization", bearer.parse().unwrap());
    let mut models = RecommendationServiceClient::new(channel(&gateway).await);
    assert_eq!(models.train_model(request).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_service_that_is_away_is_unavailable() {
    let gateway = gateway_with(settings(([127, 0, 0, 1], 1).into()), None).await;
    let mut client = CatalogServiceClient::new(channel(&gateway).await);
    let status = client.get_product(product("a")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "the recommendation service cannot be reached");
    assert!(status.get_error_details().retry_info().is_some());
}

#[tokio::test]
async fn the_gateway_itself_tells_its_health_and_the_contract() {
    let gateway = strict_gateway(None).await;
    let mut health = HealthClient::new(channel(&gateway).await);
    let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.status, 1);
    let mut reflection = ServerReflectionClient::new(channel(&gateway).await);
    let question = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers =
        reflection.server_reflection_info(tokio_stream::iter([question])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(services) = answer else { panic!("{answer:?}") };
    let names: Vec<String> = services.service.into_iter().map(|service| service.name).collect();
    assert!(names.contains(&"larder.catalog.v1.CatalogService".to_owned()), "{names:?}");
}
