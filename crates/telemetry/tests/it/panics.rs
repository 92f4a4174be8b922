//! Panics inside requests: answered, logged with the correlation id, counted once.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use http_body_util::BodyExt;
use larder_settings::TelemetrySettings;
use larder_telemetry::http::HttpTelemetryLayer;
use larder_telemetry::panics::{self, CatchPanicLayer};
use tower::ServiceExt;

use crate::support::Captured;

#[tokio::test]
async fn a_panic_is_a_500_problem_that_leads_to_its_line() {
    panics::install_hook("larder");
    let captured = Captured::start(&TelemetrySettings::default(), None);
    let recorder = larder_telemetry::metrics::recorder().unwrap();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let router = Router::new()
        .route("/panics", get(async || -> String { panic!("the shelf fell down") }))
        .layer(CatchPanicLayer)
        .layer(HttpTelemetryLayer::new("gateway"));
    let request = Request::get("/panics").header("x-correlation-id", "order-7").body(Body::empty()).unwrap();

    let response = router.oneshot(request).await.unwrap();

    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["correlationId"], "order-7");
    assert!(!problem.to_string().contains("shelf"), "{problem}");

    let lines = captured.json();
    assert_eq!(lines[0]["message"], "panicked");
    assert_eq!(lines[0]["panic.message"], "the shelf fell down");
    assert_eq!(lines[0]["correlation_id"], "order-7");
    assert_eq!(lines[1]["http.response.status_code"], 500);

    let text = recorder.handle().render();
    assert!(text.contains(r#"larder_panics_total{service="gateway"} 1"#), "{text}");
    assert!(text.contains(r#"larder_errors_total{service="gateway",kind="panic"} 1"#), "{text}");
    assert!(!text.contains(r#"kind="internal""#), "{text}");
}
