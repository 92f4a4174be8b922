//! The OpenAPI document and the page that shows it.

use serde_json::Value;

use crate::support::gateway;

async fn document() -> Value {
    gateway().await.http.get("/openapi.json").await.json()
}

/// Every `$ref` in the document.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.push(reference.clone());
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(elements) => elements.iter().for_each(|element| references(element, found)),
        _ => {}
    }
}

#[tokio::test]
async fn one_route_reads_well() {
    let document = document().await;
    insta::assert_json_snapshot!(
        "recommend",
        document["paths"]["/v1/customers/{customer_id}/recommendations"]
    );
    insta::assert_json_snapshot!("train", document["paths"]["/v1/models:train"]);
    insta::assert_json_snapshot!(
        "interaction",
        document["components"]["schemas"]["larder.catalog.v1.Interaction"]
    );
}

#[tokio::test]
async fn the_committed_document_is_what_the_contract_says() {
    let mut fresh = serde_json::to_string_pretty(&document().await).unwrap();
    fresh.push('\n');
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/openapi.json");
    if std::env::var_os("LARDER_UPDATE_GENERATED").is_some() {
        std::fs::write(path, fresh).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == fresh, "docs/reference/openapi.json is stale: run `cargo xtask gen`");
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some_and(Value::is_object), "{reference}");
    }
}

#[tokio::test]
async fn every_operation_is_complete() {
    let document = document().await;
    let mut ids = std::collections::BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let place = format!("{method} {path}");
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{place}: {id} is used twice");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{place} has no summary");
            assert!(operation["responses"]["default"].is_object(), "{place}");
            assert!(operation["security"][0]["bearer"][0].is_string(), "{place} names no scope");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path: Vec<&str> = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            assert_eq!(in_path.len(), path.matches('{').count(), "{place}");
            assert!(in_path.iter().all(|name| path.contains(&format!("{{{name}}}"))), "{place}");
        }
    }
    assert!(ids.contains("Recommend") && ids.contains("RecommendByPostQuery"), "{ids:?}");
}

#[tokio::test]
async fn the_page_needs_no_internet() {
    let gateway = gateway().await;
    assert_eq!(gateway.http.get("/docs").await.header("location"), "/docs/");
    let page = gateway.http.get("/docs/").await;
    assert_eq!(page.header("content-type"), "text/html");
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(page.contains("swagger-ui"));
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    let start = gateway.http.get("/docs/swagger-initializer.js").await;
    let start = String::from_utf8(start.body.to_vec()).unwrap();
    assert!(start.contains("/openapi.json") && !start.contains("https://"), "{start}");
    for name in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js"] {
        assert_eq!(gateway.http.get(&format!("/docs/{name}")).await.status, 200, "{name}");
    }
}
