//! Start and stop: what is refused at the start, and how requests in flight end.

use std::time::Duration;

use http_body_util::BodyExt;
use larder_gateway::{App, GatewayAppSettings, GatewayError};
use larder_telemetry::MetricsHandle;
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
