//! What a browser sees: compressed answers, who may call from which page, and headers that
//! keep answers out of frames.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::support::{Answer, Gateway, gateway, gateway_with, service, settings};

async fn get(gateway: &Gateway, target: &str, headers: &[(&str, &str)]) -> Answer {
    gateway.http.send("GET", target, headers, "").await
}

#[tokio::test]
async fn answers_are_compressed_as_asked() {
    let gateway = gateway().await;
    let plain = get(&gateway, "/openapi.json", &[]).await;
    assert_eq!(plain.header("content-encoding"), "");
    for encoding in ["zstd", "br", "gzip"] {
        let packed = get(&gateway, "/openapi.json", &[("accept-encoding", encoding)]).await;
        assert_eq!(packed.header("content-encoding"), encoding);
        assert!(packed.header("vary").contains("accept-encoding"), "{packed:?}");
        assert!(packed.body.len() < plain.body.len() / 4, "{encoding}: {} bytes", packed.body.len());
    }
    let packed = get(&gateway, "/openapi.json", &[("accept-encoding", "gzip")]).await;
    let mut unpacked = Vec::new();
    GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
}

#[tokio::test]
async fn small_answers_and_streams_are_not_compressed() {
    let gateway = gateway().await;
    let all = ("accept-encoding", "gzip, br, zstd");
    assert_eq!(get(&gateway, "/v1/products/a", &[all]).await.header("content-encoding"), "");
    let json = ("content-type", "application/json");
    for accept in ["application/x-ndjson", "text/event-stream"] {
        let headers = [all, json, ("accept", accept)];
        let stream = gateway.http.send("POST", "/v1/models:train", &headers, "{}").await;
        assert_eq!((stream.header("content-type"), stream.header("content-encoding")), (accept, ""));
    }
}

#[tokio::test]
async fn pages_of_other_origins_call_only_where_they_are_named() {
    let mut settings = settings(service::start().await);
    settings.gateway.cors_origins = vec!["https://shop.example.org".to_owned()];
    let gateway = gateway_with(settings, None).await;
    let asks = async |origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,content-type"),
        ];
        gateway.http.send("OPTIONS", "/v1/recommendations:query", &headers, "").await
    };
    let named = asks("https://shop.example.org").await;
    assert_eq!(named.header("access-control-allow-origin"), "https://shop.example.org");
    assert!(named.header("access-control-allow-headers").contains("authorization"));
    assert_eq!(named.header("access-control-allow-credentials"), "", "no cookies");
    assert_eq!(asks("https://shop.example.org.evil.example").await.header("access-control-allow-origin"), "");

    let answer = get(&gateway, "/v1/products/a", &[("origin", "https://shop.example.org")]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example.org");
    assert!(answer.header("access-control-expose-headers").contains("x-correlation-id"));
    let stranger = get(&gateway, "/v1/products/a", &[("origin", "https://elsewhere.example")]).await;
    assert_eq!(stranger.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn without_origins_no_page_may_call() {
    let gateway = gateway().await;
    let answer = get(&gateway, "/v1/products/a", &[("origin", "https://shop.example.org")]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn every_answer_says_what_no_page_may_do_with_it() {
    let gateway = gateway().await;
    for target in ["/v1/products/a", "/v1/products/missing", "/nowhere", "/openapi.json"] {
        let answer = get(&gateway, target, &[]).await;
        let expected = [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-permitted-cross-domain-policies", "none"),
        ];
        for (name, value) in expected {
            assert_eq!(answer.header(name), value, "{target}");
        }
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{target}");
    }
}
