//! What tenants use: counted through every door, kept over a restart, and refused when the month is used up.

use std::path::PathBuf;
use std::time::Duration;

use larder_identity::TokenSigner;
use larder_proto::larder::catalog::v1::GetProductRequest;
use larder_proto::larder::catalog::v1::catalog_service_client::CatalogServiceClient;
use larder_settings::Settings;
use serde_json::{Value, json};
use tonic::{Code, Request};
use tonic_types::StatusExt;

use crate::accounts::Shop;
use crate::support::{Answer, gateway_with, signer, token};

/// A file of plans in a folder that lives as long as the test.
struct PlansFile(tempfile::TempDir);

impl PlansFile {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plans.toml"), text).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("plans.toml")
    }
}

const PLANS: &str = "default_plan = \"free\"\n[plans.free]\nrequests_per_month = 3\n[plans.business]\n\
                     requests_per_month = 1000\nsent_bytes_per_month = 20000\n[plans.whole]\n";

fn quick(settings: &mut Settings, plans: &PlansFile) {
    settings.quotas.plans_file = Some(plans.path());
    settings.quotas.write_interval = Duration::from_millis(50);
}

fn tester(tenant: &str) -> String {
    token(&signer(), tenant, "catalog.read usage.read")
}

fn operator() -> String {
    token(&signer(), "platform", "tenants.read tenants.write")
}

async fn get(shop: &Shop, credential: &str, path: &str) -> Answer {
    shop.call(credential, "GET", path, &Value::Null).await
}

/// Waits until so many requests of the tenant are in the database.
async fn until_written(shop: &Shop, tenant: &str, requests: i64) -> Value {
    until(shop, tenant, |usage| usage["requestCount"].as_str() == Some(requests.to_string().as_str())).await
}

/// Waits until what is in the database of the tenant is as wanted.
async fn until(shop: &Shop, tenant: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let look = async {
        loop {
            let listed = get(shop, &operator(), "/v1/tenants:usage?pageSize=100").await.json();
            let usage = listed["usage"].as_array().unwrap();
            let found = usage.iter().find(|one| one["tenantId"] == tenant).cloned().unwrap_or_default();
            if is_wanted(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look).await.expect("what was counted is written")
}

#[tokio::test]
async fn a_month_that_is_used_up_is_refused_with_the_moment_it_begins_anew() {
    let plans = PlansFile::new(PLANS);
    let shop = Shop::open_with(|settings| quick(settings, &plans)).await;
    let credential = tester("orchard");
    let first = get(&shop, &credential, "/v1/products/a").await;
    assert_eq!(first.status, 200);
    for left in [1, 0] {
        let answer = get(&shop, &credential, "/v1/products/a").await;
        let header = answer.header("ratelimit");
        assert!(header.starts_with(&format!("\"requests-per-month\";r={left};t=")), "{header}");
        let policy = answer.header("ratelimit-policy");
        assert!(policy.starts_with("\"requests-per-month\";q=3;qu=\"requests\";w=2"), "{policy}");
    }
    let refused = get(&shop, &credential, "/v1/products/a").await;
    let wait_s: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=31 * 86_400).contains(&wait_s), "{wait_s}");
    let problem = refused.problem(429);
    assert_eq!(problem["reason"], "QUOTA_EXCEEDED");
    assert_eq!(problem["metadata"], json!({"quota": "requests-per-month", "limit": "3"}));
    assert!(problem["detail"].as_str().unwrap().starts_with("quota exceeded"), "{problem}");

    // The same over gRPC, and what was used can be looked at all the same.
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", shop.gateway.app.address()));
    let mut client = CatalogServiceClient::new(channel.unwrap().connect().await.unwrap());
    let mut request = Request::new(GetProductRequest { product_id: "a".into() });
    request.metadata_mut().insert("authorization", format!("Bearer {credential}").parse().unwrap());
    let refused = client.get_product(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "QUOTA_EXCEEDED");
    let told = get(&shop, &credential, "/v1/usage").await.json();
    assert_eq!(told["usage"]["plan"], "free");
    let quota = &told["quotas"][0];
    assert_eq!(
        (&quota["name"], &quota["limit"], &quota["remaining"]),
        (&json!("requests-per-month"), &json!("3"), &json!("0"))
    );
    assert_eq!(get(&shop, &tester("dairy"), "/v1/products/a").await.status, 200, "others are not touched");
}

#[tokio::test]
async fn another_plan_holds_at_once_and_bytes_are_counted_too() {
    let plans = PlansFile::new(PLANS);
    let shop = Shop::open_with(|settings| quick(settings, &plans)).await;
    let ann = shop.sign_in("shop-1", "ann@shop.example").await;
    for _ in 0..3 {
        get(&shop, &ann, "/v1/products/a").await;
    }
    assert_eq!(get(&shop, &ann, "/v1/products/a").await.status, 429);
    let path = "/v1/tenants/shop-1:setPlan";
    let unknown = shop.call(&operator(), "POST", path, &json!({"plan": "gold"})).await.problem(400);
    assert_eq!(unknown["errors"][0]["field"], "plan");
    assert!(unknown["errors"][0]["description"].as_str().unwrap().contains("business, free, whole"));
    assert_eq!(shop.call(&ann, "POST", path, &json!({"plan": "business"})).await.status, 403);
    let set = shop.call(&operator(), "POST", path, &json!({"plan": "business"})).await.json();
    assert_eq!(set["tenant"]["plan"], "business");
    let let_in = async {
        while get(&shop, &ann, "/v1/products/a").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), let_in).await.expect("the new plan holds");
    let over = async {
        loop {
            let answer = get(&shop, &ann, "/v1/products/a").await;
            if answer.status == 429 {
                return answer.problem(429);
            }
        }
    };
    let problem =
        tokio::time::timeout(Duration::from_secs(20), over).await.expect("20,000 bytes are soon sent");
    assert_eq!(problem["metadata"]["quota"], "sent-bytes-per-month");
    let policy = get(&shop, &ann, "/v1/account").await;
    assert!(policy.header("ratelimit-policy").contains(";qu=\"content-bytes\";"), "{policy:?}");
}

#[tokio::test]
async fn what_was_counted_is_written_exported_and_goes_on_after_a_restart() {
    let plans = PlansFile::new(PLANS);
    let shop = Shop::open_with(|settings| quick(settings, &plans)).await;
    let body = json!({"products": [{"productId": "a", "displayName": "Pear"}]});
    let writer = token(&signer(), "dairy", "catalog.write usage.read");
    assert_eq!(shop.call(&writer, "POST", "/v1/products:batchUpsert", &body).await.status, 200);
    get(&shop, &writer, "/v1/usage").await.json();
    until_written(&shop, "dairy", 2).await;
    let bytes = body.to_string().len().to_string();
    let written = until(&shop, "dairy", |usage| usage["receivedBytes"] == bytes).await;
    let sent: u64 = written["sentBytes"].as_str().unwrap().parse().unwrap();
    assert!(sent > 50, "{written}");

    let csv = get(&shop, &writer, "/v1/usage:export?format=USAGE_FORMAT_CSV").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
    let text = String::from_utf8(csv.body.to_vec()).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("tenant_id,month,plan,request_count,received_bytes,sent_bytes"));
    assert!(lines.next().unwrap().starts_with("dairy,20"), "{text}");
    let exported = get(&shop, &writer, "/v1/usage:export?fromMonth=2024-01").await;
    assert_eq!(exported.status, 200, "also when the month is used up");
}

#[tokio::test]
async fn months_that_are_none_are_refused() {
    let shop = Shop::open().await;
    let reader = tester("shop-1");
    for (path, field) in [
        ("/v1/usage?month=2026-13", "month"),
        ("/v1/usage:export?fromMonth=November", "fromMonth"),
        ("/v1/usage:export?fromMonth=2026-02&untilMonth=2026-01", "fromMonth"),
        ("/v1/usage:export?fromMonth=1970-01", "fromMonth"),
    ] {
        let problem = get(&shop, &reader, path).await.problem(400);
        assert_eq!(problem["errors"][0]["field"], field, "{path}");
    }
    let exported = get(&shop, &reader, "/v1/usage:export?fromMonth=2026-01").await;
    assert_eq!(exported.header("content-type"), "application/json");
    assert!(exported.json().is_array());
    assert_eq!(get(&shop, &reader, "/v1/tenants:usage").await.status, 403);
}

#[tokio::test]
async fn two_gateways_count_together_and_one_that_stops_writes_what_is_left() {
    let plans = PlansFile::new("default_plan = \"free\"\n[plans.free]\nrequests_per_month = 8\n");
    let shop = Shop::open_with(|settings| quick(settings, &plans)).await;
    let mut settings = crate::support::strict_settings().await;
    quick(&mut settings, &plans);
    let other = gateway_with(settings, Some(shop.database.server().clone())).await;
    let credential = tester("orchard");
    let bearer = format!("Bearer {credential}");
    for _ in 0..4 {
        let headers = [("authorization", bearer.as_str())];
        assert_eq!(other.http.send("GET", "/v1/products/a", &headers, "").await.status, 200);
    }
    assert!(other.app.stop().await.is_clean());
    until_written(&shop, "orchard", 4).await;
    get(&shop, &credential, "/v1/products/a").await;
    until_written(&shop, "orchard", 5).await;
    let mut let_in = 1;
    while get(&shop, &credential, "/v1/products/a").await.status == 200 {
        let_in += 1;
        assert!(let_in < 10);
    }
    assert_eq!(let_in, 4, "eight together");
}

#[tokio::test]
async fn a_file_of_plans_that_is_wrong_keeps_the_gateway_from_starting() {
    let plans = PlansFile::new("default_plan = \"gold\"\n");
    let mut settings = crate::support::strict_settings().await;
    quick(&mut settings, &plans);
    let parts = larder_gateway::GatewayAppSettings {
        settings,
        metrics: larder_telemetry::MetricsHandle::detached(),
        signer: TokenSigner::from_pem(&crate::support::service::SIGNING_KEY).unwrap(),
        page_token_key: [7; 32],
        database: None,
    };
    let refused = larder_gateway::App::build(parts).await.err().unwrap().to_string();
    assert!(
        refused.contains("quotas.plans_file") && refused.contains("accepted is one of [plans]"),
        "{refused}"
    );
}
