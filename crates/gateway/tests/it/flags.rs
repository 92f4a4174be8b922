//! Flags at the gateway: shown, tried out, changed while it runs, kept in the log, and switching calls off.

use std::time::Duration;

use serde_json::{Value, json};

use crate::accounts::Shop;
use crate::support::{signer, token};

const SWITCH: &str = "rpc.larder.catalog.v1.CatalogService/GetProduct";

fn file(default: &str) -> Value {
    json!({"flags": {
        SWITCH: {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": default,
                 "targeting": {"if": [{"in": [{"var": "tenant"}, ["orchard"]]}, "off", null]}},
        "tenants": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
                    "targeting": {"if": [{"==": [{"var": "tenant"}, "orchard"]}, "on", "off"]}},
        "new-model": {"state": "ENABLED", "variants": {"new": "m-2", "old": "m-1"}, "defaultVariant": "old",
                      "targeting": {"fractional": [["new", 50], ["old", 50]]}, "metadata": {"owner": "shop"}},
    }})
}

#[tokio::test]
async fn a_flag_switches_a_call_off_for_one_tenant_and_for_all_and_each_change_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flags.json");
    std::fs::write(&path, file("on").to_string()).unwrap();
    let shop = Shop::open_with(|settings| settings.flags.file = Some(path.clone())).await;
    let of = |tenant: &str| token(&signer(), tenant, "catalog.read flags.read audit.read");
    let get = async |tenant: &str, path: &str| shop.call(&of(tenant), "GET", path, &Value::Null).await;
    assert_eq!(get("dairy", "/v1/products/a").await.status, 200);
    let problem = get("orchard", "/v1/products/a").await.problem(503);
    assert_eq!((&problem["reason"], &problem["metadata"]["flag"]), (&json!("SWITCHED_OFF"), &json!(SWITCH)));

    std::fs::write(&path, file("off").to_string()).unwrap();
    let off = async {
        while get("dairy", "/v1/products/a").await.status == 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), off).await.expect("the file is followed");
    let kept = async {
        loop {
            let listed = get("platform", "/v1/audit-events?action=flags.changed").await.json();
            if let Some(event) = listed["events"].as_array().unwrap().first() {
                return event.clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let event = tokio::time::timeout(Duration::from_secs(20), kept).await.expect("the change is kept");
    assert_eq!((&event["actor"], &event["target"]), (&json!("file:flags"), &json!(SWITCH)));

    std::fs::write(&path, "{").unwrap();
    let told = async {
        loop {
            let health = shop.gateway.http.get("/health/detailed").await;
            let report = get("platform", "/health/detailed").await;
            let checks = crate::support::Http::new(shop.gateway.app.ops_address())
                .get("/health/detailed")
                .await
                .json();
            let flags =
                checks["checks"].as_array().unwrap().iter().find(|check| check["name"] == "flags").cloned();
            if flags.unwrap()["level"] == "degraded" {
                return (health.status, report.status);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), told).await.expect("health tells of it");
    assert_eq!(get("dairy", "/v1/products/a").await.status, 503, "what was in force stays so");
}

#[tokio::test]
async fn flags_are_listed_for_the_operator_and_evaluated_for_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flags.json");
    std::fs::write(&path, file("on").to_string()).unwrap();
    let shop = Shop::open_with(|settings| settings.flags.file = Some(path)).await;
    let of = |tenant: &str| token(&signer(), tenant, "flags.read");
    assert_eq!(
        shop.call(&of("dairy"), "GET", "/v1/flags", &Value::Null).await.problem(403)["reason"],
        "NOT_THE_OPERATOR"
    );
    let listed = shop.call(&of("platform"), "GET", "/v1/flags", &Value::Null).await.json();
    let flag = &listed["flags"][0];
    assert_eq!(
        (&flag["flagKey"], &flag["enabled"], &flag["defaultVariant"]),
        (&json!("new-model"), &json!(true), &json!("old"))
    );
    assert_eq!(flag["variants"], json!([{"name": "new", "value": "m-2"}, {"name": "old", "value": "m-1"}]));
    assert_eq!(flag["targeting"], json!({"fractional": [["new", 50.0], ["old", 50.0]]}));

    let evaluate = async |key: &str, body: Value| {
        shop.call(&of("dairy"), "POST", &format!("/v1/flags/{key}:evaluate"), &body).await
    };
    let found = evaluate("new-model", json!({"targetingKey": "customer-7"})).await.json();
    assert_eq!(
        (&found["reason"], &found["metadata"]),
        (&json!("TARGETING_MATCH"), &json!({"owner": "shop"}))
    );
    let again = evaluate("new-model", json!({"targetingKey": "customer-7"})).await.json();
    assert_eq!(again["value"], found["value"], "whoever is in a share stays there");
    let nobody = evaluate("new-model", json!({})).await.json();
    assert_eq!((&nobody["value"], &nobody["reason"]), (&json!("m-1"), &json!("DEFAULT")));
    let missing = evaluate("gone", json!({})).await.json();
    assert_eq!((&missing["errorCode"], &missing["reason"]), (&json!("FLAG_NOT_FOUND"), &json!("ERROR")));
    // Nobody is another tenant by saying so.
    let context = json!({"context": {"tenant": "orchard"}});
    assert_eq!(evaluate("tenants", context).await.json()["variant"], "off");
}
