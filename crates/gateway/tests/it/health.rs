//! The public health of the whole platform, and the gateway's own on its ops port.

use serde_json::{Value, json};

use crate::support::{Http, gateway, gateway_with, service, settings, strict_gateway, token};

fn services(report: &Value) -> Vec<(String, String)> {
    let services = report["services"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    services.map(|service| (text(&service["service"]), text(&service["level"]))).collect()
}

#[tokio::test]
async fn a_silent_service_makes_the_platform_unhealthy() {
    let gateway = gateway().await;
    let answer = gateway.http.get("/health").await;
    assert_eq!((answer.status.as_u16(), answer.json()), (503, json!({"level": "unhealthy"})));
    let detailed = gateway.http.get("/health/detailed").await.json();
    assert_eq!(services(&detailed)[1], ("recommendation".into(), "unhealthy".into()));
    assert!(detailed["response_time_ms"].as_f64().unwrap() < 600.0);
}

#[tokio::test]
async fn services_are_asked_on_their_ops_ports() {
    // A gateway's ops port speaks the same language as any other's.
    let behind = gateway().await;
    let mut settings = settings(service::start().await);
    settings.gateway.recommendation_ops_url = format!("http://{}", behind.app.ops_address()).parse().unwrap();
    let gateway = gateway_with(settings, None).await;
    let report = gateway.http.get("/health/detailed").await.json();
    let reported = &report["services"][1];
    assert_eq!(reported["service"], "gateway");
    assert!(reported["checks"].as_array().unwrap().len() >= 3);
}

#[tokio::test]
async fn details_need_their_scope() {
    let gateway = strict_gateway(None).await;
    gateway.http.get("/health/detailed").await.problem(401);
    let with = |scopes: &str| format!("Bearer {}", token(&gateway.signer, "ops", scopes));
    let headers = [("authorization", with("catalog.read"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    gateway.http.send("GET", "/health/detailed", &headers, "").await.problem(403);
    let allowed = with("platform.read");
    let answer = gateway.http.send("GET", "/health/detailed", &[("authorization", &allowed)], "").await;
    assert_eq!(answer.json()["services"][0]["service"], "gateway");
    assert!(gateway.http.get("/health").await.json().get("level").is_some(), "the level is for everybody");
}

#[tokio::test]
async fn the_ops_port_reports_checks_and_metrics() {
    let gateway = gateway().await;
    let ops = Http::new(gateway.app.ops_address());
    assert_eq!(ops.get("/livez").await.status, 200);
    assert_eq!(ops.get("/readyz").await.status, 200);
    let report = ops.get("/health/detailed").await.json();
    let checks = report["checks"].as_array().unwrap();
    let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    for name in ["recommendation", "memory", "cpu", "disk"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let recommendation = checks.iter().find(|check| check["name"] == "recommendation").unwrap();
    assert_eq!(recommendation["level"], "healthy");
    assert_eq!(ops.get("/metrics").await.status, 200);
    gateway.http.get("/metrics").await.problem(404);
}

/// The level and the cause that a gateway with this Redis tells of it.
async fn redis_check(url: Option<String>) -> (String, String) {
    let mut settings = settings(service::start().await);
    settings.redis.url = url.map(Into::into);
    let gateway = gateway_with(settings, None).await;
    let report = Http::new(gateway.app.ops_address()).get("/health/detailed").await.json();
    let checks = report["checks"].as_array().unwrap();
    let redis = checks.iter().find(|check| check["name"] == "redis").unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&redis["level"]), text(&redis["cause"]))
}

#[tokio::test]
async fn redis_is_healthy_missing_or_degraded() {
    let (level, cause) = redis_check(Some(larder_testkit::redis_url())).await;
    assert_eq!((level.as_str(), cause.as_str()), ("healthy", ""));
    let (level, cause) = redis_check(None).await;
    assert_eq!(level, "healthy");
    assert!(cause.starts_with("not configured"), "{cause}");
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (level, cause) = redis_check(Some(format!("redis://{closed}"))).await;
    assert_eq!(level, "degraded");
    assert!(cause.contains("does not answer"), "{cause}");
}
