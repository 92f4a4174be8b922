//! HTTP/JSON: what reaches the service, what comes back, and what is refused and how.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::support::{gateway, gateway_with, service, settings};

#[tokio::test]
async fn a_request_becomes_a_call_and_its_answer_json() {
    let gateway = gateway().await;
    let answer = gateway.http.get("/v1/products/apple%20pie").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    let product = &answer.json()["product"];
    assert_eq!(product["productId"], "apple pie");
    assert_eq!(product["name"], "", "fields without presence are always there");
    assert_eq!(product["tags"], json!([]));
    assert!(product.get("price").is_none(), "an absent message stays absent");
}

#[tokio::test]
async fn the_bindings_of_one_rpc_say_the_same() {
    let gateway = gateway().await;
    let by_get = gateway
        .http
        .get("/v1/customers/c-1/recommendations?limit=3&filter.categories=fruit&filter.inStockOnly=false")
        .await;
    let body =
        r#"{"customerId": "c-1", "limit": 3, "filter": {"categories": ["fruit"], "inStockOnly": false}}"#;
    let by_post = gateway.http.post("/v1/recommendations:query", body).await;
    assert_eq!(by_get.json(), by_post.json());
    let expected = json!([{
        "productId": "c-1", "score": 3.0, "source": "RECOMMENDATION_SOURCE_POPULAR", "reasons": ["fruit"],
        "repeat": false, "relevance": 0.0, "propensity": 0.0, "contributions": [],
    }]);
    assert_eq!(by_get.json()["recommendations"], expected);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let gateway = gateway().await;
    let answer = gateway.http.send("HEAD", "/v1/products/a", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
}

#[tokio::test]
async fn the_service_is_told_who_calls_and_nothing_secret() {
    let gateway = gateway().await;
    let headers = [
        ("x-larder-tenant", "shop-7"),
        ("x-correlation-id", "order-42"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("idempotency-key", "once"),
        ("cookie", "session=secret"),
        ("x-own", "not passed on"),
    ];
    let answer = gateway.http.send("GET", "/v1/products/a", &headers, "").await;
    let told = &answer.json()["product"]["attributes"];
    assert_eq!((&told["tenant"], &told["subject"]), (&json!("shop-7"), &json!("anonymous")));
    assert_eq!(told["x-correlation-id"], "order-42");
    assert_eq!(told["idempotency-key"], "once");
    assert!(told["traceparent"].as_str().unwrap().contains("0af7651916cd43dd8448eb211c80319c"));
    assert!(told.get("cookie").is_none() && told.get("x-own").is_none());
    assert_eq!(answer.header("x-correlation-id"), "order-42");
    let unnamed = gateway.http.get("/v1/products/a").await;
    assert_eq!(unnamed.json()["product"]["attributes"]["tenant"], "demo");
    assert!(!unnamed.header("x-correlation-id").is_empty(), "one is made when none is given");
}

#[tokio::test]
async fn a_failure_becomes_a_problem_document() {
    let gateway = gateway().await;
    let missing = gateway.http.get("/v1/products/missing").await.problem(404);
    assert_eq!(missing["code"], "NOT_FOUND");
    assert_eq!(missing["detail"], "no product missing");
    assert_eq!(missing["instance"], "/v1/products/missing");

    let broken = gateway.http.get("/v1/products/broken").await;
    assert!(!String::from_utf8_lossy(&broken.body).contains("SELECT"));
    broken.problem(500);

    let wrong = gateway.http.get("/v1/products/wrong").await;
    assert!(!String::from_utf8_lossy(&wrong.body).contains("stack frame"), "DebugInfo stays inside");
    let wrong = wrong.problem(400);
    assert_eq!(wrong["reason"], "PRICE_NEGATIVE");
    assert_eq!(wrong["detail"], "maxPrice.units: must not be negative", "named as JSON names it");
    assert_eq!(wrong["errors"], json!([{"field": "maxPrice.units", "description": "must not be negative"}]));

    let away = gateway.http.get("/v1/products/away").await;
    assert_eq!(away.header("retry-after"), "7");
    away.problem(503);
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_told_apart() {
    let gateway = gateway().await;
    for path in ["/", "/v2/products", "/v1/products/", "/v1//products", "/favicon.ico", "/docs/nothing.js"] {
        gateway.http.get(path).await.problem(404);
    }
    // A wrong content type does not hide that the path is wrong.
    let answer = gateway.http.send("POST", "/v1/nothing", &[("content-type", "text/plain")], "x").await;
    answer.problem(404);
    let answer = gateway.http.send("PUT", "/v1/products/a", &[], "").await;
    assert_eq!(answer.header("allow"), "DELETE, GET");
    answer.problem(405);
    let answer = gateway.http.send("POST", "/health", &[], "").await;
    assert_eq!(answer.header("allow"), "GET, HEAD");
    answer.problem(405);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let gateway = gateway().await;
    let target = "/v1/recommendations:query";
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
    {
        let answer = gateway.http.send("POST", target, &[("content-type", content_type)], "{}").await;
        let problem = answer.problem(415);
        assert!(problem["detail"].as_str().unwrap().contains("application/json"));
    }
    gateway.http.send("POST", target, &[], "{}").await.problem(415);
    let malformed = gateway.http.post(target, "{\"limit\": 1,}").await.problem(400);
    assert_eq!(malformed["reason"], "MALFORMED_JSON");
    assert!(malformed["detail"].as_str().unwrap().contains("line 1, column 13"));
    let unknown = gateway.http.post(target, r#"{"customrId": "c"}"#).await.problem(400);
    assert_eq!(unknown["errors"][0]["field"], "customrId");
    assert!(unknown["errors"][0]["description"].as_str().unwrap().contains("customerId"));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let gateway = gateway().await;
    let large = format!(r#"{{"customerId": "{}"}}"#, "x".repeat(70_000));
    gateway.http.post("/v1/recommendations:query", &large).await.problem(413);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_leaves_the_others_in() {
    let gateway = gateway().await;
    let body =
        json!({"products": [{"productId": "a"}, {"productId": "b", "inStock": "maybe"}, {"productId": "c"}]});
    let answer = gateway.http.post("/v1/products:batchUpsert", &body.to_string()).await;
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    assert_eq!((&answer["acceptedCount"], &answer["rejectedCount"]), (&json!(2), &json!(1)));
    assert_eq!(answer["verdicts"][1]["status"]["details"][0]["fieldViolations"][0]["field"], "inStock");
}

#[tokio::test]
async fn verdicts_name_fields_as_json_does() {
    let gateway = gateway().await;
    let body = json!({"products": [{"productId": "a"}, {"name": "nobody"}]});
    let answer = gateway.http.post("/v1/products:batchUpsert", &body.to_string()).await.json();
    assert_eq!(answer["verdicts"][0]["status"]["code"], 0);
    let status = &answer["verdicts"][1]["status"];
    assert_eq!(status["message"], "productId: must not be empty");
    assert_eq!(status["details"][0]["fieldViolations"][0]["field"], "productId");
}

#[tokio::test]
async fn a_client_may_ask_for_less_time() {
    let gateway = gateway().await;
    let started = Instant::now();
    let answer = gateway.http.send("GET", "/v1/products/slow", &[("grpc-timeout", "150m")], "").await;
    answer.problem(504);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    let told = gateway.http.send("GET", "/v1/products/a", &[("grpc-timeout", "1S")], "").await.json();
    let timeout = told["product"]["attributes"]["grpc-timeout"].as_str().unwrap().to_owned();
    let millis: u64 = timeout.strip_suffix('m').unwrap().parse().unwrap();
    assert!((1..=1000).contains(&millis), "{timeout}");
}

#[tokio::test]
async fn the_gateways_own_limit_ends_a_slow_call() {
    let mut settings = settings(service::start().await);
    settings.gateway.request_timeout = Duration::from_millis(200);
    let gateway = gateway_with(settings, None).await;
    gateway.http.get("/v1/products/slow").await.problem(504);
}

#[tokio::test]
async fn a_service_that_is_away_is_named_without_its_address() {
    let gateway = gateway_with(settings(([127, 0, 0, 1], 1).into()), None).await;
    let answer = gateway.http.get("/v1/products/a").await;
    assert!(!answer.header("retry-after").is_empty());
    let problem = answer.problem(503);
    assert_eq!(problem["reason"], "UPSTREAM_UNAVAILABLE");
    assert_eq!(problem["detail"], "the recommendation service cannot be reached");
}

#[tokio::test]
async fn browsers_are_told_what_not_to_do() {
    let gateway = gateway().await;
    for path in ["/v1/products/a", "/v1/nothing", "/health", "/docs/"] {
        let answer = gateway.http.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
    }
}
