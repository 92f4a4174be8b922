//! What each path answers, and that no check can make one fail.

use super::*;
use std::future::pending;

#[tokio::test]
async fn a_healthy_service_says_so_everywhere() {
    let port = OpsPort::start().await;
    port.registry.startup_complete();
    port.registry.register(required("postgresql", || async { CheckOutcome::healthy() }));
    for path in ["/livez", "/readyz", "/startupz", "/health", "/health/detailed"] {
        assert_eq!(port.get_json(path).await.0, 200, "{path}");
    }
    assert_eq!(port.get_json("/health").await.1, serde_json::json!({ "level": "healthy" }));
    assert_eq!(port.get("/metrics").await.0, 200);
    assert_eq!(port.get("/nothing").await.0, 404);
}

#[tokio::test]
async fn the_detailed_report_is_complete() {
    let port = OpsPort::start().await;
    port.registry.startup_complete();
    port.registry.register(required("models", || async { CheckOutcome::degraded("two days old") }));
    let (status, report) = port.get_json("/health/detailed").await;
    assert_eq!(status, 200, "degraded still serves");
    assert_eq!(report["level"], "degraded");
    assert_eq!(report["service"], "pantry");
    assert_eq!(report["version"], "1.2.3");
    assert_eq!(report["environment"], "testing");
    assert_eq!(report["phase"], "serving");
    assert!(report["uptime_s"].is_u64() && report["response_time_ms"].is_f64());
    let check = &report["checks"][0];
    assert_eq!(check["name"], "models");
    assert_eq!(check["cause"], "two days old");
    assert!(check["latency_ms"].is_f64());
}

#[tokio::test]
async fn the_report_can_be_read_back_by_another_service() {
    let port = OpsPort::start().await;
    port.registry.register(required("models", || async { CheckOutcome::unhealthy("none") }));
    let (status, body) = port.get("/health/detailed").await;
    let report: larder_lifecycle::HealthReport = serde_json::from_str(&body).unwrap();
    assert_eq!((status, report.level), (503, larder_lifecycle::Level::Unhealthy));
}

#[tokio::test]
async fn readiness_names_what_is_in_the_way() {
    let port = OpsPort::start().await;
    assert_eq!(port.get_json("/startupz").await.0, 503);
    let (status, body) = port.get_json("/readyz").await;
    assert_eq!((status, &body["phase"]), (503, &Value::from("starting")));
    port.registry.startup_complete();
    assert_eq!(port.get_json("/startupz").await.0, 200);
    assert_eq!(port.get_json("/readyz").await.0, 200);
    port.registry
        .register(required("postgresql", || async { CheckOutcome::unhealthy("connection refused") }));
    let (status, body) = port.get_json("/readyz").await;
    assert_eq!(status, 503);
    assert_eq!(body["failing"][0]["name"], "postgresql");
    assert_eq!(body["failing"][0]["cause"], "connection refused");
    assert_eq!(port.get_json("/livez").await.0, 200, "a broken dependency is no reason to be restarted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn checks_that_hang_block_or_panic_break_no_endpoint() {
    let port = OpsPort::start().await;
    port.registry.startup_complete();
    port.registry.register(required("hangs", pending));
    port.registry.register(required("panics", || async { panic!("spilled") }));
    #[expect(clippy::disallowed_methods, reason = "the point is to block the thread")]
    port.registry.register(required("blocks", || async {
        std::thread::sleep(Duration::from_millis(600));
        CheckOutcome::healthy()
    }));
    let (status, report) = port.get_json("/health/detailed").await;
    assert_eq!((status, &report["level"]), (503, &Value::from("unhealthy")));
    for check in report["checks"].as_array().unwrap() {
        assert_eq!(check["level"], "unhealthy", "{check}");
        assert!(check["cause"].is_string(), "{check}");
    }
    for path in ["/livez", "/startupz", "/metrics"] {
        assert_eq!(port.get(path).await.0, 200, "{path}");
    }
}
