//! Traces through the whole house into a fake collector, and collectors that do not behave.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use larder_settings::TelemetrySettings;
use larder_telemetry::TracePipeline;
use larder_telemetry::http::HttpTelemetryLayer;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::rpc;
use crate::support::{Captured, Collector, Service, hanging_collector, identity};

const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const TRACE_PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn request_once(router: &Router, trace_parent: &str) {
    let request = Request::get("/things/7").header("traceparent", trace_parent).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    axum::body::to_bytes(response.into_body(), 1024).await.unwrap();
}

#[tokio::test]
async fn one_request_is_one_tree_of_spans_in_the_callers_trace() {
    let collector = Collector::start().await;
    let traces = TracePipeline::start(&collector.endpoint, 1.0, &identity()).unwrap();
    let captured = Captured::start(&TelemetrySettings::default(), Some(&traces));
    let client = rpc::connect(Service::new(|_| {
        tracing::info_span!("recommend.rank").in_scope(|| tracing::info!("ranked"));
        Ok(())
    }))
    .await;
    let router = Router::new()
        .route(
            "/things/{id}",
            get(move || async move {
                client.clone().export(rpc::request()).await.unwrap();
            }),
        )
        .layer(HttpTelemetryLayer::new("gateway"));

    request_once(&router, TRACE_PARENT).await;

    let http = collector.span("GET /things/{id}", SERVER).await;
    let outgoing = collector.span(Service::METHOD, CLIENT).await;
    let incoming = collector.span(Service::METHOD, SERVER).await;
    let rank = collector.span("recommend.rank", 1).await;
    assert_eq!(hex(&http.parent_span_id), "b7ad6b7169203331");
    assert_eq!(outgoing.parent_span_id, http.span_id);
    assert_eq!(incoming.parent_span_id, outgoing.span_id);
    assert_eq!(rank.parent_span_id, incoming.span_id);
    for span in [&http, &outgoing, &incoming, &rank] {
        assert_eq!(hex(&span.trace_id), &TRACE_PARENT[3..35]);
    }
    let lines = captured.json();
    let ranked = lines.iter().find(|line| line["message"] == "ranked").unwrap();
    assert_eq!(ranked["span_id"].as_str(), Some(hex(&rank.span_id).as_str()));
    assert_eq!(ranked["trace_id"].as_str(), Some(&TRACE_PARENT[3..35]));
    assert_eq!(collector.len(), 4, "nothing but our own spans is exported");
}

#[tokio::test]
async fn an_unsampled_request_makes_no_span_at_all() {
    let collector = Collector::start().await;
    let traces = TracePipeline::start(&collector.endpoint, 1.0, &identity()).unwrap();
    let _captured = Captured::start(&TelemetrySettings::default(), Some(&traces));
    let router = Router::new()
        .route("/things/{id}", get(async || assert!(tracing::info_span!("recommend.rank").is_disabled())))
        .layer(HttpTelemetryLayer::new("gateway"));
    request_once(&router, &TRACE_PARENT.replace("-01", "-00")).await;
    tokio::task::spawn_blocking(move || traces.shut_down(Duration::from_secs(2))).await.unwrap();
    assert_eq!(collector.len(), 0);
}

#[tokio::test]
async fn a_collector_that_hangs_delays_neither_requests_nor_the_end() {
    let traces = TracePipeline::start(&hanging_collector().await, 1.0, &identity()).unwrap();
    let settings = TelemetrySettings { log_filter: "off".into(), ..Default::default() };
    let _captured = Captured::start(&settings, Some(&traces));
    let router =
        Router::new().route("/things/{id}", get(async || ())).layer(HttpTelemetryLayer::new("gateway"));
    let mut slowest = Duration::ZERO;
    // More than the queue holds.
    for _ in 0..6_000 {
        let started = Instant::now();
        request_once(&router, TRACE_PARENT).await;
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let started = Instant::now();
    let limit = Duration::from_millis(500);
    tokio::task::spawn_blocking(move || traces.shut_down(limit)).await.unwrap();
    assert!(started.elapsed() < limit + Duration::from_secs(1), "{:?}", started.elapsed());
}
