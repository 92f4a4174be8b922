//! gRPC-Web over HTTP/1.1, as a browser sends it: frames in the body, the trailers last.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use larder_proto::larder::catalog::v1::{GetProductRequest, GetProductResponse};
use prost::Message;

use crate::support::raw::{frame, frames};
use crate::support::{Gateway, gateway, strict_gateway};

const GET_PRODUCT: &str = "/larder.catalog.v1.CatalogService/GetProduct";

async fn call(gateway: &Gateway, path: &str, content_type: &str, product_id: &str) -> (u16, Bytes) {
    let message = GetProductRequest { product_id: product_id.into() }.encode_to_vec();
    let is_text = content_type.contains("text");
    let body = if is_text { STANDARD.encode(frame(&message)).into() } else { frame(&message) };
    let headers = [("content-type", content_type), ("accept", content_type), ("x-grpc-web", "1")];
    let answer = gateway.http.send("POST", path, &headers, body).await;
    assert!(answer.header("content-type").starts_with("application/grpc-web"), "{answer:?}");
    let body = if is_text { decode_text(&answer.body) } else { answer.body };
    (answer.status.as_u16(), body)
}

/// Each chunk is base64 of its own, padding included.
fn decode_text(body: &[u8]) -> Bytes {
    let mut decoded = Vec::new();
    for quad in body.chunks(4) {
        decoded.extend(STANDARD.decode(quad).unwrap());
    }
    decoded.into()
}

#[tokio::test]
async fn a_message_and_its_trailers_come_back_in_frames() {
    let gateway = gateway().await;
    for content_type in ["application/grpc-web+proto", "application/grpc-web", "application/grpc-web-text"] {
        let (status, body) = call(&gateway, GET_PRODUCT, content_type, "a").await;
        assert_eq!(status, 200);
        let frames = frames(body.clone());
        assert!(!frames.is_empty(), "{content_type}: {body:?}");
        assert_eq!(frames.iter().map(|(flag, _)| *flag).collect::<Vec<_>>(), [0, 0x80], "{content_type}");
        let answer = GetProductResponse::decode(frames[0].1.clone()).unwrap();
        assert_eq!(answer.product.unwrap().product_id, "a");
        assert!(String::from_utf8_lossy(&frames[1].1).contains("grpc-status:0"));
    }
}

#[tokio::test]
async fn an_error_is_a_status_and_never_a_problem_document() {
    let gateway = gateway().await;
    let message = frame(&GetProductRequest { product_id: "missing".into() }.encode_to_vec());
    let headers = [("content-type", "application/grpc-web+proto")];
    let answer = gateway.http.send("POST", GET_PRODUCT, &headers, message.clone()).await;
    assert_eq!(answer.status, 200);
    let everything = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
    assert!(
        everything.contains("grpc-status") && everything.contains("no product missing")
            || everything.contains("no%20product%20missing"),
        "{everything}"
    );

    let unknown = gateway.http.send("POST", "/nobody.v1.Nothing/Call", &headers, message.clone()).await;
    assert_eq!(unknown.header("grpc-status"), "12");

    let strict = strict_gateway(None).await;
    let refused = strict.http.send("POST", GET_PRODUCT, &headers, message).await;
    assert_eq!((refused.status.as_u16(), refused.header("grpc-status")), (200, "16"));
}

#[tokio::test]
async fn plain_grpc_over_http1_is_told_what_there_is() {
    let gateway = gateway().await;
    let headers = [("content-type", "application/grpc")];
    let problem = gateway.http.send("POST", GET_PRODUCT, &headers, frame(b"")).await.problem(400);
    assert!(problem["detail"].as_str().unwrap().contains("gRPC-Web"));
}
