//! Start and stop: what is refused at the start, and how requests in flight end.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use larder_gateway::{App, GatewayAppSettings, GatewayError};
use larder_telemetry::MetricsHandle;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::support::{Gateway, Http, gateway, gateway_with, service, settings, signer};

#[tokio::test]
async fn a_taken_port_is_named() {
    let gateway = gateway().await;
    let mut settings = settings(gateway.app.address());
    settings.gateway.listen_address = gateway.app.address();
    let parts = GatewayAppSettings {
        settings,
        metrics: MetricsHandle::detached(),
        signer: signer(),
        page_token_key: [7; 32],
        database: None,
    };
    let refused = App::build(parts).await.unwrap().start().await.err().unwrap();
    assert!(matches!(refused, GatewayError::Listen { setting: "gateway.listen_address", .. }), "{refused}");
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_end() {
    let Gateway { app, http, .. } = gateway().await;
    let slow =
        tokio::spawn(
            async move { http.send("GET", "/v1/products/slow", &[("grpc-timeout", "700m")], "").await },
        );
    tokio::time::sleep(Duration::from_millis(200)).await;
    let drained = app.stop().await;
    assert!(drained.is_clean(), "{drained:?}");
    slow.await.unwrap().problem(504);
}

#[tokio::test]
async fn a_stream_without_an_end_does_not_hold_up_the_stop() {
    let mut settings = settings(service::start().await);
    settings.lifecycle.drain_timeout = Duration::from_millis(400);
    let Gateway { app, http, .. } = gateway_with(settings, None).await;
    let headers = [("x-larder-tenant", "endless"), ("content-type", "application/json")];
    let mut response = http.open("POST", "/v1/models:train", &headers, "").await;
    response.body_mut().frame().await.unwrap().unwrap();
    let started = Instant::now();
    app.stop().await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn after_the_stop_nobody_answers() {
    let Gateway { app, .. } = gateway().await;
    let address = app.address();
    app.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_service_that_comes_back_is_found_again() {
    let address = service::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = listener.local_addr().unwrap();
    drop(listener);
    let gateway = gateway_with(settings(elsewhere), None).await;
    gateway.http.get("/v1/products/a").await.problem(503);
    let listener = tokio::net::TcpListener::bind(elsewhere).await.unwrap();
    tokio::spawn(service::serve(listener));
    let healed = Instant::now();
    loop {
        if Http::new(gateway.app.address()).get("/v1/products/a").await.status == 200 {
            break;
        }
        assert!(healed.elapsed() < Duration::from_secs(15), "not healed; service at {address}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Reads a connection to its end; how long that took.
async fn until_the_end(stream: &mut TcpStream) -> (String, Duration) {
    let started = Instant::now();
    let mut said = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut said))
        .await
        .expect("the gateway ends the connection");
    (String::from_utf8_lossy(&said).into_owned(), started.elapsed())
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_let_go() {
    let gateway = gateway().await;
    let mut stream = TcpStream::connect(gateway.app.address()).await.unwrap();
    let (said, took) = until_the_end(&mut stream).await;
    assert_eq!(said, "");
    assert!((9..15).contains(&took.as_secs()), "{took:?}");
}

/// An HTTP/2 connection of its own to a gateway, and what tells when it ends.
async fn connection(
    gateway: &Gateway,
) -> (http2::SendRequest<Full<Bytes>>, JoinHandle<Result<(), hyper::Error>>) {
    let stream = TcpStream::connect(gateway.app.address()).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    (sender, tokio::spawn(connection))
}

fn asking(method: &str, path: &str, tenant: &str) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(format!("http://gateway{path}"));
    let request = request.header("x-larder-tenant", tenant).header("content-type", "application/json");
    request.body(Full::default()).unwrap()
}

#[tokio::test]
async fn a_connection_that_asks_for_nothing_is_ended_and_one_that_asks_stays() {
    let mut settings = settings(service::start().await);
    settings.gateway.connection_idle = Duration::from_millis(600);
    let gateway = gateway_with(settings, None).await;
    let (mut busy, busy_end) = connection(&gateway).await;
    let (_idle, idle_end) = connection(&gateway).await;
    for _ in 0..20 {
        busy.ready().await.unwrap();
        let answer = busy.send_request(asking("GET", "/v1/products/a", "demo")).await.unwrap();
        assert_eq!(answer.status(), 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(idle_end.is_finished() && !busy_end.is_finished());
    idle_end.await.unwrap().unwrap();
    busy_end.abort();
}

#[tokio::test]
async fn an_old_connection_is_told_to_come_back_and_its_calls_have_a_grace() {
    let mut settings = settings(service::start().await);
    settings.gateway.connection_max_age = Duration::from_millis(500);
    settings.gateway.connection_grace = Duration::from_millis(1_500);
    let gateway = gateway_with(settings, None).await;
    let began = Instant::now();
    // One without a call leaves at once, with GOAWAY and no error.
    let (mut fresh, fresh_end) = connection(&gateway).await;
    assert_eq!(fresh.send_request(asking("GET", "/v1/products/a", "demo")).await.unwrap().status(), 200);
    // One with a stream that never ends takes no further calls and is cut when the grace is over.
    let (mut endless, endless_end) = connection(&gateway).await;
    let mut stream = endless.send_request(asking("POST", "/v1/models:train", "endless")).await.unwrap();
    stream.body_mut().frame().await.unwrap().unwrap();
    fresh_end.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_millis(1_400), "{:?}", began.elapsed());
    assert!(fresh.ready().await.is_err());
    let last = loop {
        match stream.body_mut().frame().await {
            Some(Ok(_)) => {}
            last => break last,
        }
    };
    assert!(last.is_some_and(|last| last.is_err()), "it is cut, and does not look whole");
    assert!((1_800..4_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert!(endless.ready().await.is_err());
    endless_end.abort();
    // HTTP/1.1 is told with a header, or by the end.
    let mut old = TcpStream::connect(gateway.app.address()).await.unwrap();
    old.write_all(b"GET /v1/products/a HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let (said, took) = until_the_end(&mut old).await;
    assert!(said.starts_with("HTTP/1.1 200 OK"), "{said}");
    assert!(took < Duration::from_secs(2), "{took:?}");
}
