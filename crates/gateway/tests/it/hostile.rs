//! Clients that mean harm, byte by byte: slow ones, huge ones, ambiguous ones. Each is turned away
//! by itself, and everybody else is answered as ever.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::{Gateway, gateway, gateway_with, service, settings, strict_gateway};

/// Sends bytes over a connection of its own and reads what comes back until its end, or as long as is said.
async fn exchange(address: SocketAddr, bytes: &[u8], wait: Duration) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The gateway may have heard enough in the middle.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(wait, stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn is_well(gateway: &Gateway) {
    assert_eq!(gateway.http.get("/v1/products/a").await.status, 200);
}

fn status_of(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_default()
}

#[tokio::test]
async fn more_header_than_anybody_needs_is_refused() {
    let gateway = gateway().await;
    let address = gateway.app.address();
    let huge = format!("GET /v1/products/a HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(1 << 20));
    let answer = exchange(address, huge.as_bytes(), Duration::from_secs(2)).await;
    assert!(["431", ""].contains(&status_of(&answer)), "{answer}");
    let many: String = (0..5_000).map(|at| format!("x-{at}: y\r\n")).collect();
    let many = format!("GET /v1/products/a HTTP/1.1\r\nhost: a\r\n{many}\r\n");
    let answer = exchange(address, many.as_bytes(), Duration::from_secs(2)).await;
    assert!(["431", ""].contains(&status_of(&answer)), "{answer}");
    is_well(&gateway).await;
}

#[tokio::test]
async fn a_request_whose_end_is_ambiguous_is_refused() {
    let gateway = gateway().await;
    for head in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: +5",
        "content-length: -1",
        "content-length: 5, 6",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding : chunked",
    ] {
        let request = format!(
            "POST /v1/products:batchUpsert HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{head}\r\n\r\n\
             0\r\n\r\nGET /v1/products/smuggled HTTP/1.1\r\nhost: a\r\n\r\n"
        );
        let answer = exchange(gateway.app.address(), request.as_bytes(), Duration::from_secs(1)).await;
        // A connection that ends with bytes nobody read may take the refusal with it.
        assert!(["400", ""].contains(&status_of(&answer)), "{head}: {answer}");
        assert!(!answer.contains("smuggled"), "{head}: {answer}");
    }
    is_well(&gateway).await;
}

#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    let gateway = gateway().await;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packer, &vec![b' '; 50 << 20]).unwrap();
    let bomb = packer.finish().unwrap();
    for encoding in ["gzip", "br", "zstd", "deflate"] {
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        let started = Instant::now();
        let answer = gateway.http.send("POST", "/v1/products:batchUpsert", &headers, bomb.clone()).await;
        answer.problem(415);
        assert!(started.elapsed() < Duration::from_secs(2), "{encoding}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn an_id_is_never_a_path() {
    let gateway = gateway().await;
    let product = gateway.http.get("/v1/products/a%2Fb%2f..").await.json();
    assert_eq!(product["product"]["productId"], "a/b/..");
    for path in [
        "/v1/products/../../health",
        "/v1/../health/detailed",
        "/docs/../Cargo.toml",
        "/docs/..%2f..%2fCargo.toml",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "/v1/products/a/b",
        "//v1/products/a",
        "/v1//products/a",
    ] {
        let answer = gateway.http.get(path).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
    for path in ["/v1/products/%ff%fe", "/v1/products/%00", "/v1/products/%zz"] {
        let status = gateway.http.get(path).await.status.as_u16();
        assert!(status < 500, "{path}: {status}");
    }
}

#[tokio::test]
async fn deep_and_broken_json_is_refused_where_it_breaks() {
    let gateway = gateway().await;
    let deep = format!("{{\"products\": {}", "[".repeat(50_000));
    gateway.http.post("/v1/products:batchUpsert", &deep).await.problem(400);
    let deep =
        format!("{{\"products\": [{{\"attributes\": {}1{}}}]}}", "{\"a\":".repeat(9_000), "}".repeat(9_000));
    assert!(gateway.http.post("/v1/products:batchUpsert", &deep).await.status.as_u16() < 500);
    let headers = [("content-type", "application/json")];
    for body in [&b"{\"products\": [{\"productId\": \"\xff\xfe\"}]}"[..], b"\xef\xbb\xbf{}x", b"\x00"] {
        let answer = gateway.http.send("POST", "/v1/products:batchUpsert", &headers, body.to_vec()).await;
        assert!([200, 400].contains(&answer.status.as_u16()), "{answer:?}");
    }
    is_well(&gateway).await;
}

#[tokio::test]
async fn a_repeated_parameter_may_stand_once_and_a_single_one_not_twice() {
    let gateway = gateway().await;
    let path = "/v1/customers/7/recommendations?filter.categories=bread";
    let answer = gateway.http.get(path).await.json();
    assert_eq!(answer["recommendations"][0]["reasons"], json!(["bread"]));
    let twice = gateway.http.get("/v1/customers/7/recommendations?limit=1&limit=2").await;
    assert_eq!(twice.problem(400)["errors"][0]["field"], "limit");
}

#[tokio::test]
async fn a_body_that_trickles_in_ends_at_the_time_limit() {
    let mut settings = settings(service::start().await);
    settings.gateway.request_timeout = Duration::from_millis(500);
    let gateway = gateway_with(settings, None).await;
    let head = "POST /v1/products:batchUpsert HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                content-length: 1000\r\n\r\n{";
    let started = Instant::now();
    let answer = exchange(gateway.app.address(), head.as_bytes(), Duration::from_secs(3)).await;
    assert_eq!(status_of(&answer), "504", "{answer}");
    assert!(started.elapsed() < Duration::from_millis(3_500), "{:?}", started.elapsed());
    is_well(&gateway).await;
}

#[tokio::test]
async fn a_token_without_a_signature_is_none() {
    let gateway = strict_gateway(None).await;
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = part(json!({
        "iss": "larder", "aud": "larder", "sub": "admin", "tenant": "demo", "scope": "*", "exp": 4_000_000_000_u64,
    }));
    for algorithm in ["none", "None", "HS256", "EdDSA"] {
        let head = part(json!({"alg": algorithm, "typ": "JWT"}));
        for signature in ["", "AAAA"] {
            let bearer = format!("Bearer {head}.{claims}.{signature}");
            let answer = gateway.http.send("GET", "/v1/products/a", &[("authorization", &bearer)], "").await;
            answer.problem(401);
        }
    }
}

#[tokio::test]
async fn a_client_that_opens_and_resets_streams_without_end_is_sent_away() {
    let gateway = gateway().await;
    let mut stream = TcpStream::connect(gateway.app.address()).await.unwrap();
    let mut attack = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    attack.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    for at in 0..5_000_u32 {
        let id = (at * 2 + 1).to_be_bytes();
        // HEADERS with END_STREAM and END_HEADERS: GET http://a/, then RST_STREAM with CANCEL.
        attack.extend([0, 0, 6, 1, 5, id[0], id[1], id[2], id[3], 0x82, 0x86, 0x84, 0x41, 0x01, b'a']);
        attack.extend([0, 0, 4, 3, 0, id[0], id[1], id[2], id[3], 0, 0, 0, 8]);
    }
    let (mut from, mut to) = stream.split();
    let sending = async {
        let _ = to.write_all(&attack).await;
        std::future::pending::<()>().await;
    };
    let reading = async {
        let mut answer = Vec::new();
        let _ = from.read_to_end(&mut answer).await;
        answer
    };
    let answer = tokio::select! {
        () = sending => unreachable!("sending does not end"),
        answer = reading => answer,
        () = tokio::time::sleep(Duration::from_secs(10)) => panic!("the connection goes on"),
    };
    // The last frame is GOAWAY, when there was still somebody to read it.
    let mut rest = answer.as_slice();
    let mut kinds = Vec::new();
    while rest.len() >= 9 {
        let length = usize::from(rest[0]) << 16 | usize::from(rest[1]) << 8 | usize::from(rest[2]);
        kinds.push(rest[3]);
        rest = rest.get(9 + length..).unwrap_or_default();
    }
    assert!(kinds.is_empty() || kinds.contains(&7), "{kinds:?}");
    is_well(&gateway).await;
}
