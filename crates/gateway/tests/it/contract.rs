//! A contract nobody has seen before: routes of a proto that is compiled here, served by a
//! server that knows only bytes. No line of the gateway is written for it.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use futures::stream::BoxStream;
use http::uri::PathAndQuery;
use larder_gateway::{App, GatewayAppSettings, GatewayError};
use larder_telemetry::MetricsHandle;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::json;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::server::{StreamingService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use tower::Service;

use crate::support::raw::Raw;
use crate::support::{Gateway, Http, settings, signer};

const PROTO: &str = r#"
syntax = "proto3";
package zoo.v1;
import "google/api/annotations.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/timestamp.proto";

service Zoo {
  // Feeds an animal.
  rpc Feed(FeedRequest) returns (FeedRequest) {
    option (google.api.http) = {
      patch: "/v1/{animal.name=houses/*/animals/*}:feed"
      body: "meal"
      response_body: "meal"
      additional_bindings {get: "/v1/files/{path=**}"}
      additional_bindings {put: "/v1/animals/{animal.cage}" body: "animal"}
      additional_bindings {custom: {kind: "REPORT" path: "/v1/report"}}
    };
  }
  rpc Talk(stream FeedRequest) returns (stream FeedRequest);
}
message Animal {
  string name = 1;
  int64 cage = 2;
  Mood mood = 3;
}
message Meal {
  repeated string dishes = 1;
  map<string, int64> grams = 2;
}
enum Mood {
  MOOD_UNSPECIFIED = 0;
  MOOD_HUNGRY = 1;
}
message FeedRequest {
  Animal animal = 1;
  Meal meal = 2;
  string path = 3;
  google.protobuf.BoolValue gently = 4;
  google.protobuf.Duration within = 5;
  google.protobuf.Timestamp at = 6;
  repeated Mood moods = 7;
  bytes ticket = 8;
  oneof payment {
    string coin = 9;
    string card = 10;
  }
  google.protobuf.StringValue note = 11;
  repeated int32 lucky_numbers = 12;
}
"#;

fn compile(proto: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("zoo.proto"), proto).unwrap();
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto");
    let mut compiler = protox::Compiler::new([folder.path(), contract.as_ref()]).unwrap();
    compiler.include_imports(true).include_source_info(true).open_file("zoo.proto").unwrap();
    compiler.encode_file_descriptor_set()
}

/// Sends back what it gets.
#[derive(Clone)]
struct Echo;

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = std::future::Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        std::future::ready(Ok(Response::new(request.into_inner())))
    }
}

impl StreamingService<Bytes> for Echo {
    type Response = Bytes;
    type ResponseStream = BoxStream<'static, Result<Bytes, Status>>;
    type Future = std::future::Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        let echoed: Self::ResponseStream = Box::pin(request.into_inner());
        std::future::ready(Ok(Response::new(echoed)))
    }
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = futures::future::BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut server = tonic::server::Grpc::new(Raw);
            if request.uri().path().ends_with("Talk") {
                return Ok(server.streaming(Echo, request).await);
            }
            Ok(server.unary(Echo, request).await)
        })
    }
}

impl tonic::server::NamedService for Echo {
    const NAME: &'static str = "zoo.v1.Zoo";
}

async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder().add_service(Echo);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    address
}

async fn build(upstream: SocketAddr, contract: &[u8]) -> Result<App, GatewayError> {
    let settings = settings(upstream);
    let parts = GatewayAppSettings {
        settings,
        metrics: MetricsHandle::detached(),
        signer: signer(),
        page_token_key: [7; 32],
        database: None,
    };
    App::build_for_contract(parts, contract).await
}

async fn zoo() -> Gateway {
    zoo_of(&compile(PROTO)).await
}

async fn zoo_of(contract: &[u8]) -> Gateway {
    let app = build(echo().await, contract).await.unwrap().start().await.unwrap();
    Gateway { http: Http::new(app.address()), signer: signer(), app }
}

#[tokio::test]
async fn nested_variables_bodies_of_one_field_and_the_rest_in_the_query() {
    let zoo = zoo().await;
    let answer = zoo
        .http
        .send(
            "PATCH",
            "/v1/houses/cats/animals/leo:feed?animal.mood=MOOD_HUNGRY&within=1.5s",
            &[("content-type", "application/json")],
            r#"{"dishes": ["beef"], "grams": {"beef": 500}}"#,
        )
        .await;
    assert_eq!(
        answer.json(),
        json!({"dishes": ["beef"], "grams": {"beef": "500"}}),
        "response_body is the meal alone"
    );
}

#[tokio::test]
async fn every_kind_of_field_can_stand_in_the_query() {
    // Without `response_body` the echo shows the whole request.
    let contract = compile(&PROTO.replace("response_body: \"meal\"", ""));
    let zoo = zoo_of(&contract).await;
    let pool = DescriptorPool::decode(contract.as_slice()).unwrap();
    let request = pool.get_message_by_name("zoo.v1.FeedRequest").unwrap();
    let cases = [
        ("gently=true", json!({"gently": true})),
        ("gently=false", json!({"gently": false})),
        ("within=1.5s", json!({"within": "1.500s"})),
        ("at=2026-11-22T08:30:00Z", json!({"at": "2026-11-22T08:30:00Z"})),
        ("moods=1", json!({"moods": ["MOOD_HUNGRY"]})),
        ("moods=MOOD_HUNGRY&moods=0", json!({"moods": ["MOOD_HUNGRY", "MOOD_UNSPECIFIED"]})),
        ("ticket=AQID", json!({"ticket": "AQID"})),
        ("ticket=_-8", json!({"ticket": "/+8="})),
        ("note=", json!({"note": ""})),
        ("coin=gold", json!({"coin": "gold"})),
        ("luckyNumbers=7", json!({"luckyNumbers": [7]})),
        ("lucky_numbers=7&luckyNumbers=-8", json!({"luckyNumbers": [7, -8]})),
        ("animal.cage=9007199254740993", json!({"animal": {"cage": "9007199254740993"}})),
    ];
    for (query, expected) in cases {
        let answer = zoo.http.send("REPORT", &format!("/v1/report?{query}"), &[], "").await;
        assert_eq!(answer.status, 200, "{query}: {}", String::from_utf8_lossy(&answer.body));
        let read = DynamicMessage::deserialize(request.clone(), &answer.json()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), expected, "{query}");
    }
    for query in
        ["coin=a&card=b", "within=soon", "gently=1", "ticket=%25", "moods=MOOD_ANGRY", "meal.grams.beef=1"]
    {
        let answer = zoo.http.get(&format!("/v1/files/a?{query}")).await;
        assert_eq!(answer.problem(400)["errors"].as_array().unwrap().len(), 1, "{query}");
    }
}

#[tokio::test]
async fn streams_go_both_ways_at_once() {
    let zoo = zoo().await;
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", zoo.app.address())).unwrap();
    let mut client = tonic::client::Grpc::new(channel.connect().await.unwrap());
    client.ready().await.unwrap();
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let messages = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let path = PathAndQuery::from_static("/zoo.v1.Zoo/Talk");
    let call = tokio::spawn(async move {
        client.streaming(Request::new(messages), path, Raw).await.unwrap().into_inner()
    });
    sender.send(Bytes::from_static(b"first")).await.unwrap();
    let mut answers = call.await.unwrap();
    // Each answer is awaited before the next message is sent: neither side waits for the end.
    assert_eq!(answers.message().await.unwrap().unwrap(), "first");
    for round in 0..20 {
        let message = Bytes::from(format!("round {round}"));
        sender.send(message.clone()).await.unwrap();
        assert_eq!(answers.message().await.unwrap().unwrap(), message);
    }
    drop(sender);
    assert!(answers.message().await.unwrap().is_none());
}

#[tokio::test]
async fn a_contract_that_cannot_be_served_stops_the_start() {
    let wrong = [
        (
            "get: \"/v1/files/{path=**}\"",
            "patch: \"/v1/{animal.name=houses/*/animals/*}:feed\"",
            "declared by both",
        ),
        ("\"/v1/files/{path=**}\"", "\"/v1/files/{nothing}\"", "nothing"),
        ("\"/v1/files/{path=**}\"", "\"/v1/files/{meal}\"", "without a text form"),
        ("\"/v1/files/{path=**}\"", "\"v1/files\"", "begin with a slash"),
        ("body: \"animal\"", "body: \"animals\"", "animals"),
    ];
    for (from, to, reason) in wrong {
        let contract = compile(&PROTO.replace(from, to));
        let refused = build(([127, 0, 0, 1], 1).into(), &contract).await.err().unwrap();
        assert!(refused.to_string().contains(reason), "{refused}");
    }
}
