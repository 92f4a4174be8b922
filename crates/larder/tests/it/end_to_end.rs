//! One `larder up` from its first start to its end, used the way a newcomer uses it.

use std::time::Duration;

use serde_json::{Value, json};

use super::documented;
use super::imports;
use super::larder::{DataDir, Up, finish};
use super::load;

const CUSTOMER: &str = "household-1501";

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shop_from_the_first_start_to_the_end() {
    let data = DataDir::new();
    let up = Up::start(&data.path(), &["--demo"]).await;
    assert!(up.said().contains("anonymous access is on"), "{}", up.said());

    recommendations_come_with_reasons(&up).await;
    what_was_just_bought_is_in_the_next_answer(&up).await;
    the_tour_is_shown_on_a_shop_that_is_there(&up).await;
    documented::calls_are_answered(&up).await;
    an_api_key_works_until_it_is_revoked(&up).await;
    people_sign_in_until_they_are_shut_out(&up).await;
    imports::bad_rows_are_told_and_good_ones_go_in(&up, &data).await;
    lists_leave_as_files(&up).await;
    imports::files_go_out_and_come_in_as_a_whole(&up, &data).await;
    healthcheck_and_load_answer(&up).await;
    load::suites_are_judged(&up, &data).await;
    a_second_one_on_the_same_folder_is_refused(&up).await;

    assert_eq!(up.stop().await, Some(0));
    assert!(!data.cluster().join("postmaster.pid").exists(), "no PostgreSQL is left behind");

    let again = Up::start(&data.path(), &["--demo"]).await;
    assert!(again.first_user.is_null(), "a first user is made once");
    recommendations_come_with_reasons(&again).await;
    assert_eq!(again.stop().await, Some(0));
}

async fn recommendations_come_with_reasons(up: &Up) {
    let answer = up.get(&format!("/v1/customers/{CUSTOMER}/recommendations?limit=5")).await;
    let recommendations = answer["recommendations"].as_array().unwrap();
    assert_eq!(recommendations.len(), 5, "{answer}");
    assert!(recommendations.iter().all(|one| !one["reasons"].as_array().unwrap().is_empty()), "{answer}");
    assert_eq!(answer["degraded"], false, "{answer}");
    assert_ne!(answer["modelVersion"], "", "{answer}");
}

async fn what_was_just_bought_is_in_the_next_answer(up: &Up) {
    let path = "/v1/customers/somebody-new/recommendations?limit=3";
    let product = "916122";
    let before = up.get(path).await;
    assert_ne!(before["recommendations"][0]["productId"], product, "{before}");
    let interactions: Vec<Value> = (0..3)
        .map(|number| {
            json!({
                "eventId": format!("new-{number}"),
                "customerId": "somebody-new",
                "productId": product,
                "kind": "INTERACTION_KIND_PURCHASE",
                "quantity": 1,
            })
        })
        .collect();
    let recorded = up.post("/v1/interactions:batchRecord", &json!({ "interactions": interactions })).await;
    assert_eq!(recorded["acceptedCount"], 3, "{recorded}");
    let after = up.get(path).await;
    assert_eq!(after["recommendations"][0]["productId"], product, "{after}");
    assert_eq!(after["recommendations"][0]["source"], "RECOMMENDATION_SOURCE_PERSONAL", "{after}");
}

async fn the_tour_is_shown_on_a_shop_that_is_there(up: &Up) {
    let tour = finish(&mut up.command(&["demo", "--json"])).await.expect_code(0).json();
    assert_eq!(tour["loaded"]["already"], true, "{tour}");
    let tour = &tour["tour"];
    assert!(tour["purchaseCount"].as_u64().unwrap() > 100, "{tour}");
    assert_eq!(tour["similar"].as_array().unwrap().len(), 8, "{tour}");
    let change = &tour["change"];
    assert!(change["after"]["place"].as_u64() < change["before"]["place"].as_u64(), "{change}");

    let meals = tour["week"]["meals"].as_array().unwrap();
    assert_eq!(meals.len(), 28, "{tour}");
    assert!(meals.iter().all(|meal| !meal["dishes"].as_array().unwrap().is_empty()), "{tour}");
    let names: Vec<_> = meals.iter().flat_map(|meal| meal["dishes"].as_array().unwrap()).collect();
    for word in ["almond", "walnut", "cashew", "pecan", "beef", "chicken", "pork", "tuna"] {
        let named = names.iter().find(|dish| dish["name"].as_str().unwrap().to_lowercase().contains(word));
        assert!(named.is_none(), "{word}: {named:?}");
    }

    let saturday = &tour["saturday"];
    let lines = saturday["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 12, "{saturday}");
    assert!(lines.iter().all(|line| line["method"] == "FORECAST_METHOD_MODEL"), "{saturday}");
    assert!(lines.iter().all(|line| line["demandP10"].as_f64() < line["demandP90"].as_f64()), "{saturday}");
    let held_on = saturday["heldOn"].as_str().unwrap();
    let path = format!("/v1/markets/old-town/days/{held_on}/sheet");
    let (status, content_type, sheet) = up.page(&path).await;
    assert_eq!((status, content_type.as_str()), (200, "text/html; charset=utf-8"));
    assert!(sheet.contains("Old Town market") && sheet.contains("Classic Deluxe Pizza"), "{sheet}");
    let (status, content_type, table) = up.page("/v1/market-feedback:export").await;
    assert_eq!((status, content_type.as_str()), (200, "text/csv; charset=utf-8"), "{table}");
    assert!(table.starts_with("held_on,market_id"), "{table}");

    let shown = finish(&mut up.command(&["demo"])).await.expect_code(0).stdout;
    for part in [
        "Bananas",
        "you bought it",
        "customers who bought",
        "the next answer knows it",
        "allergic to nuts",
        "Old Town market",
    ] {
        assert!(shown.contains(part), "{part}:\n{shown}");
    }
}

async fn lists_leave_as_files(up: &Up) {
    let (status, named, file) = up.file("/v1/exports/products?format=csv&company=Corner%20Shop").await;
    assert_eq!(status, 200);
    assert!(named.starts_with("attachment; filename=\"corner-shop-products-20"), "{named}");
    assert!(named.ends_with("Z.csv\""), "{named}");
    let text = String::from_utf8(file).unwrap();
    assert!(text.starts_with("product_id,name,category,"), "{text}");
    let all = text.lines().count();
    assert!(all > 1_000, "no page ends it: {all} lines");
    let (_, _, bananas) = up.file("/v1/exports/products?format=csv&inStock=false").await;
    assert!(String::from_utf8(bananas).unwrap().lines().count() < all, "filters narrow it");
    let (status, named, workbook) = up.file("/v1/exports/transactions").await;
    assert_eq!(status, 200);
    assert!(named.contains("demo-transactions-") && named.ends_with(".xlsx\""), "{named}");
    assert!(workbook.starts_with(b"PK") && workbook.len() > 10_000, "{} bytes", workbook.len());
    let (status, _, problem) = up.file("/v1/exports/products?format=pdf").await;
    let problem = String::from_utf8(problem).unwrap();
    assert_eq!(status, 400);
    assert!(problem.contains("must be xlsx, csv or parquet"), "{problem}");
    let (status, named, _) = up.file("/v1/templates/budgets").await;
    assert_eq!((status, named.as_str()), (200, "attachment; filename=\"budgets-template.xlsx\""));
}

async fn an_api_key_works_until_it_is_revoked(up: &Up) {
    let create =
        ["token", "create-key", "--tenant", "demo", "--scope", "catalog.read", "--name", "till", "--json"];
    let created = finish(&mut up.command(&create)).await.expect_code(0).json();
    let (key_id, secret) = (created["keyId"].as_str().unwrap(), created["secret"].as_str().unwrap());
    let load = [
        "load",
        "--call",
        "list-products",
        "--target",
        "http",
        "--rate",
        "20",
        "--duration-s",
        "1",
        "--json",
    ];
    let loaded = finish(up.command(&load).env("LARDER_API_KEY", secret)).await.expect_code(0).json();
    assert_eq!(loaded["failed_count"], 0, "{loaded}");
    let refused = finish(up.command(&["load", "--duration-s", "1"]).env("LARDER_API_KEY", secret)).await;
    assert!(refused.stderr.contains("recommendations.read"), "the missing scope is named: {refused:?}");

    let listed =
        finish(&mut up.command(&["token", "list-keys", "--tenant", "demo"])).await.expect_code(0).stdout;
    assert!(listed.contains(key_id) && !listed.contains(secret), "{listed}");
    finish(&mut up.command(&["token", "revoke-key", "--tenant", "demo", key_id])).await.expect_code(0);
    let other = "018f0000-0000-7000-8000-000000000000";
    finish(&mut up.command(&["token", "revoke-key", "--tenant", "demo", other])).await.expect_code(1);
    let listed = finish(&mut up.command(&["token", "list-keys", "--tenant", "demo", "--json"])).await.json();
    assert!(listed["keys"][0]["revokedAt"].is_string(), "{listed}");
}

async fn people_sign_in_until_they_are_shut_out(up: &Up) {
    assert_eq!(up.first_user["tenantId"], "demo", "{}", up.first_user);
    let signed_in = up.post("/v1/sessions", &up.first_user).await;
    let session = signed_in["token"].as_str().unwrap();
    let load = [
        "load",
        "--call",
        "list-products",
        "--target",
        "http",
        "--rate",
        "20",
        "--duration-s",
        "1",
        "--json",
    ];
    let loaded = finish(up.command(&load).env("LARDER_TOKEN", session)).await.expect_code(0).json();
    assert_eq!(loaded["failed_count"], 0, "{loaded}");

    let user = [
        "user",
        "add",
        "--tenant",
        "demo",
        "--role",
        "viewer",
        "--name",
        "Bea",
        "bea@shop.example",
        "--json",
    ];
    let added = finish(&mut up.command(&user)).await.expect_code(0).json();
    let password = "three quinces and a pear";
    let body = json!({"token": added["passwordToken"], "newPassword": password});
    up.post("/v1/password-resets:complete", &body).await;
    let bea = json!({"tenantId": "demo", "email": "bea@shop.example", "password": password});
    assert!(up.post("/v1/sessions", &bea).await["token"].is_string());
    finish(&mut up.command(&user)).await.expect_code(1);
    let unknown = ["user", "add", "--tenant", "demo", "--role", "emperor", "x@shop.example"];
    let refused = finish(&mut up.command(&unknown)).await.expect_code(1);
    assert!(refused.stderr.contains("emperor") && refused.stderr.contains("viewer"), "{refused:?}");
    let reset = finish(&mut up.command(&["user", "reset", "--tenant", "demo", "bea@shop.example"])).await;
    assert!(reset.expect_code(0).stdout.starts_with("lrp_"));
    finish(&mut up.command(&["user", "disable", "--tenant", "demo", "bea@shop.example"]))
        .await
        .expect_code(0);
    let listed = finish(&mut up.command(&["user", "list", "--tenant", "demo"])).await.expect_code(0).stdout;
    let line = listed.lines().find(|line| line.contains("bea@shop.example")).unwrap();
    assert!(line.contains("viewer") && line.contains("disabled"), "{listed}");
}

async fn healthcheck_and_load_answer(up: &Up) {
    finish(&mut up.command(&["healthcheck", "--url", &up.gateway_ops])).await.expect_code(0);
    finish(&mut up.command(&["healthcheck"])).await.expect_code(0);
    let load = ["load", "--rate", "50", "--duration-s", "2", "--warmup-s", "0", "--json"];
    let loaded = finish(&mut up.command(&load)).await.expect_code(0).json();
    assert_eq!(loaded["answered_count"], 100, "{loaded}");
    assert_eq!(loaded["failed_count"], 0, "{loaded}");
    let closed = ["load", "--rate", "0", "--callers", "4", "--target", "http", "--duration-s", "1", "--json"];
    let loaded = finish(&mut up.command(&closed)).await.expect_code(0).json();
    assert!(loaded["answered_count"].as_u64().unwrap() > 4, "{loaded}");
}

async fn a_second_one_on_the_same_folder_is_refused(up: &Up) {
    let refused = tokio::time::timeout(Duration::from_secs(20), finish(&mut up.command(&["up"]))).await;
    let refused = refused.expect("it ends at once").expect_code(1);
    let holder = format!("process {}", up.pid());
    assert!(refused.stderr.contains(&holder) && refused.stderr.contains("LARDER_DATA_DIR"), "{refused:?}");
    up.get(&format!("/v1/customers/{CUSTOMER}/recommendations?limit=1")).await;
}
