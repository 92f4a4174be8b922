//! The OpenAPI document and the page that shows it.

use serde_json::Value;

use crate::support::gateway;

/// The only calls without credentials: whoever makes them has none yet.
const NO_CREDENTIALS: [&str; 3] = ["CreateSession", "RequestPasswordReset", "ResetPassword"];

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

/// Words in capitals that stand in quotes in the file at `path` below the crates' folder.
fn reasons_in(path: &str) -> Vec<String> {
    let file = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).unwrap();
    let quoted = text.split('"').skip(1).step_by(2);
    let is_reason =
        |word: &&str| word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    quoted.filter(is_reason).map(str::to_owned).collect()
}

#[test]
fn every_error_is_on_the_page_of_errors() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/errors.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut wanted: Vec<String> = (1..=16)
        .map(|number| {
            let code = format!("{:?}", tonic::Code::from_i32(number));
            let words = code.chars().enumerate().fold(String::new(), |mut words, (place, letter)| {
                if letter.is_ascii_uppercase() && place > 0 {
                    words.push('-');
                }
                words.push(letter.to_ascii_lowercase());
                words
            });
            format!("urn:larder:problem:{words}")
        })
        .collect();
    for service in ["gateway", "identity", "recommendation", "backup", "alerting"] {
        let reasons = reasons_in(&format!("{service}/src/error.rs"));
        assert!(!reasons.is_empty(), "{service} has no reasons");
        wanted.extend(reasons);
    }
    wanted.extend(reasons_in("gateway/src/accounts/error.rs"));
    wanted.extend(reasons_in("recommendation/src/convert/target.rs"));
    wanted.extend(["MALFORMED_JSON", "NO_SUCH_PATH"].map(str::to_owned));
    let missing: Vec<_> = wanted.iter().filter(|word| !page.contains(&format!("| `{word}` |"))).collect();
    assert!(missing.is_empty(), "docs/reference/errors.md says nothing of {missing:?}");
    let known = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let stale: Vec<_> =
        known.map(|(word, _)| word).filter(|word| !wanted.iter().any(|it| it == word)).collect();
    assert!(stale.is_empty(), "docs/reference/errors.md still has {stale:?}");
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
            let is_public = NO_CREDENTIALS.contains(&id);
            assert_eq!(operation["security"] == serde_json::json!([]), is_public, "{place}");
            assert!(is_public || operation["security"][0]["bearer"][0].is_string(), "{place} names no scope");
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

/// A text as one segment of a path or one value of a query.
fn encoded(text: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| if is_plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[tokio::test]
async fn every_example_is_read_as_the_contract_has_it() {
    let gateway = gateway().await;
    let document = gateway.http.get("/openapi.json").await.json();
    let mut sent = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let body = &operation["requestBody"]["content"]["application/json"]["example"];
            let mut target = path.clone();
            let mut query = Vec::new();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let (name, example) = (parameter["name"].as_str().unwrap(), &parameter["example"]);
                let example = example.get(0).unwrap_or(example);
                let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
                let text = encoded(&text);
                if parameter["in"] == "path" {
                    let text = if example.is_null() { "x".to_owned() } else { text.clone() };
                    target = target.replace(&format!("{{{name}}}"), &text);
                } else if !example.is_null() {
                    query.push(format!("{name}={text}"));
                }
            }
            if !query.is_empty() {
                target = format!("{target}?{}", query.join("&"));
            }
            let headers = [("content-type", "application/json"), ("grpc-timeout", "2S")];
            let text = if body.is_null() { String::new() } else { body.to_string() };
            let answer =
                gateway.http.send(&method.to_ascii_uppercase(), &target, &headers, text.clone()).await;
            let said = String::from_utf8_lossy(&answer.body);
            assert!(
                ![400, 404, 405, 415].contains(&answer.status.as_u16()),
                "{method} {target} {text}: {said}"
            );
            sent += usize::from(!body.is_null());
        }
    }
    assert!(sent > 40, "{sent}");
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
