//! The HTTP layer on an axum router: ids in and out, the access line, the metrics.

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode};
use axum::routing::get;
use http_body_util::BodyExt;
use larder_settings::TelemetrySettings;
use larder_telemetry::http::{HttpTelemetryLayer, RouteTemplate};
use larder_telemetry::{CorrelationId, RequestContext, propagation};
use tokio_stream::StreamExt;
use tower::ServiceExt;

use crate::support::Captured;

const TRACE_PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

fn router() -> Router {
    Router::new()
        .route(
            "/things/{id}",
            get(async || {
                RequestContext::set_tenant("demo");
                CorrelationId::current().unwrap().to_string()
            }),
        )
        .route(
            "/onward",
            get(async || {
                let mut headers = axum::http::HeaderMap::new();
                propagation::inject(&mut headers);
                headers["traceparent"].to_str().unwrap().to_owned()
            }),
        )
        .route("/broken", get(async || StatusCode::SERVICE_UNAVAILABLE))
        .route(
            "/generated",
            get(async || {
                let mut response = Response::new(Body::empty());
                response.extensions_mut().insert(RouteTemplate("/v1/generated/{name}".into()));
                response
            }),
        )
        .layer(HttpTelemetryLayer::new("gateway"))
}

async fn get_with(path: &str, headers: &[(&str, &str)]) -> (axum::http::response::Parts, String) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_callers_correlation_id_is_used_and_echoed() {
    let (parts, body) = get_with("/things/7", &[("x-correlation-id", "order-7")]).await;
    assert_eq!(body, "order-7");
    assert_eq!(parts.headers["x-correlation-id"], "order-7");
}

#[tokio::test]
async fn an_unusable_correlation_id_is_replaced() {
    let (parts, body) = get_with("/things/7", &[("x-correlation-id", "<script>")]).await;
    assert_eq!(parts.headers["x-correlation-id"], body.as_str());
    assert_eq!(body.len(), 36);
}

#[tokio::test]
async fn an_unsampled_trace_is_passed_on_as_it_came() {
    let (_, onward) = get_with("/onward", &[("traceparent", TRACE_PARENT)]).await;
    assert_eq!(onward, TRACE_PARENT);
}

#[tokio::test]
async fn a_malformed_trace_parent_starts_a_new_trace() {
    let malformed = TRACE_PARENT.replace("0af", "0AF");
    let (_, onward) = get_with("/onward", &[("traceparent", &malformed)]).await;
    assert!(onward.starts_with("00-") && onward.len() == TRACE_PARENT.len(), "{onward}");
    assert_ne!(onward[3..35], TRACE_PARENT[3..35]);
}

#[tokio::test]
async fn a_request_leaves_one_line_with_its_ids_and_no_raw_path() {
    let captured = Captured::start(&TelemetrySettings::default(), None);
    let headers = [("traceparent", TRACE_PARENT), ("x-correlation-id", "order-7")];
    get_with("/things/anna@example.org?q=secret", &headers).await;
    let lines = captured.json();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let mut line = lines[0].clone();
    assert!(line["duration_ms"].as_f64().unwrap() >= 0.0);
    line["duration_ms"] = 0.into();
    line["timestamp"] = "T".into();
    insta::assert_snapshot!(line, @r#"{"correlation_id":"order-7","duration_ms":0,"environment":"testing","http.request.method":"GET","http.response.status_code":200,"http.route":"/things/{id}","level":"INFO","message":"request completed","service":"gateway","span_id":"b7ad6b7169203331","target":"larder::access","tenant_id":"demo","timestamp":"T","trace_id":"0af7651916cd43dd8448eb211c80319c","version":"1.2.3"}"#);
}

#[tokio::test]
async fn the_level_follows_whose_fault_it_is() {
    let captured = Captured::start(&TelemetrySettings::default(), None);
    get_with("/generated", &[]).await;
    get_with("/nowhere", &[]).await;
    get_with("/broken", &[]).await;
    let said: Vec<_> = captured
        .json()
        .iter()
        .map(|line| format!("{} {} {}", line["level"], line["http.route"], line["error.kind"]))
        .collect();
    assert_eq!(
        said,
        [
            r#""INFO" "/v1/generated/{name}" null"#,
            r#""WARN" "unmatched" "not_found""#,
            r#""ERROR" "/broken" "unavailable""#,
        ]
    );
}

#[tokio::test]
async fn durations_and_errors_are_counted_by_route_and_kind() {
    let recorder = larder_telemetry::metrics::recorder().unwrap();
    let _guard = metrics::set_default_local_recorder(&recorder);
    get_with("/things/1", &[]).await;
    get_with("/things/2", &[]).await;
    get_with("/made/up", &[]).await;
    let text = recorder.handle().render();
    for expected in [
        r#"http_server_request_duration_seconds_count{service="gateway",http_request_method="GET",http_route="/things/{id}",http_response_status_code="200"}"#,
        r#"http_route="unmatched",http_response_status_code="404",le="0.0005"}"#,
        r#"larder_errors_total{service="gateway",kind="not_found"} 1"#,
        r#"http_server_active_requests{service="gateway"} 0"#,
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
}

#[tokio::test]
async fn a_caller_gone_is_no_error() {
    let captured = Captured::start(&TelemetrySettings::default(), None);
    let endless = Router::new()
        .route("/endless", get(std::future::pending::<String>))
        .layer(HttpTelemetryLayer::new("gateway"));
    let request = Request::get("/endless").body(Body::empty()).unwrap();
    let wait = std::time::Duration::from_millis(20);
    assert!(tokio::time::timeout(wait, endless.oneshot(request)).await.is_err());
    let line = &captured.json()[0];
    assert_eq!(
        (line["level"].as_str(), line["http.response.status_code"].as_u64()),
        (Some("INFO"), Some(499))
    );
}

#[tokio::test]
async fn a_panic_in_the_middle_of_an_answer_is_an_error() {
    let captured = Captured::start(&TelemetrySettings::default(), None);
    let half = || async {
        Body::from_stream(tokio_stream::once(()).map(|()| -> Result<Bytes, Infallible> { panic!() }))
    };
    let router = Router::new().route("/half", get(half)).layer(HttpTelemetryLayer::new("gateway"));
    let response = router.oneshot(Request::get("/half").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let reading = tokio::spawn(response.into_body().collect());
    assert!(reading.await.unwrap_err().is_panic());
    let lines = captured.json();
    let line = lines.iter().find(|line| line["message"] == "request completed").unwrap();
    assert_eq!(
        (line["level"].as_str(), line["http.response.status_code"].as_u64()),
        (Some("ERROR"), Some(500))
    );
}
