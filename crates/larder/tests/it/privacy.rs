//! Personal data as people meet it: over HTTP, by the command and on pages, against one running platform.

use std::path::Path;

use serde_json::{Value, json};

use super::console::post;
use super::larder::{DataDir, Finished, Up, finish, larder, on_folder};

async fn privacy(data: &Path, arguments: &[&str]) -> Finished {
    let mut command = larder(&["privacy"]);
    command.args(arguments).arg("--json");
    on_folder(&mut command, data);
    finish(&mut command).await
}

async fn add_customer(up: &Up, id: &str) {
    let customer =
        json!({"customerId": id, "name": "Zoe Smith", "attributes": {"email": "zoe@shop.example"}});
    up.post("/v1/customers:batchUpsert", &json!({"customers": [customer]})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_exported_held_and_erased_by_command_and_over_http() {
    let data = DataDir::new();
    let up = Up::start(&data.path(), &[]).await;
    add_customer(&up, "zoe-smith").await;
    let file = data.beside("zoe.json");
    let to = file.to_str().unwrap();
    privacy(&data.path(), &["export", "zoe-smith", "--to", to]).await.expect_code(0);
    let exported: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(exported["tables"]["customers"]["rows"][0]["attributes"]["email"], "zoe@shop.example");
    let again = privacy(&data.path(), &["export", "zoe-smith", "--to", to]).await.expect_code(1);
    assert!(again.stderr.contains("zoe.json"), "{again:?}");
    let (status, kind, text) = up.page("/v1/privacy/customers/zoe-smith/export").await;
    assert_eq!((status, kind.as_str()), (200, "application/json"));
    let same: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(same["tables"], exported["tables"]);
    let (status, problem) = up.request("GET", "/v1/privacy/customers/nobody/export", None).await.unwrap();
    assert_eq!((status, &problem["code"]), (404, &json!("NOT_FOUND")), "{problem}");

    let held = privacy(&data.path(), &["holds", "add", "zoe-smith", "--reason", "case 7"]).await;
    let hold_id = held.expect_code(0).json()["holds"][0]["holdId"].as_str().unwrap().to_owned();
    let erase = ["erase", "zoe-smith", "--confirm", "zoe-smith", "--reason", "asked by letter"];
    let refused = privacy(&data.path(), &erase).await.expect_code(1);
    assert!(refused.stderr.contains("a legal hold is on the customer"), "{refused:?}");
    let (_, _, page) = up.page("/console/customers/zoe-smith").await;
    assert!(page.contains("case 7") && page.contains("Under a legal hold"), "{page}");
    let request = json!({"reason": "case 7 is closed"});
    up.post(&format!("/v1/privacy/holds/{hold_id}:release"), &request).await;
    let wrong = ["erase", "zoe-smith", "--confirm", "zoe", "--reason", "asked by letter"];
    privacy(&data.path(), &wrong).await.expect_code(2);
    let erased = privacy(&data.path(), &erase).await.expect_code(0).json();
    let id = erased["erasureId"].as_str().unwrap();
    let report = data.beside("report.json");
    std::fs::write(&report, erased["reportJson"].as_str().unwrap()).unwrap();
    let verify = ["erasures", "verify", id, "--report", report.to_str().unwrap(), "--customer", "zoe-smith"];
    assert_eq!(privacy(&data.path(), &verify).await.expect_code(0).json()["intact"], true);
    let changed = std::fs::read_to_string(&report).unwrap().replace("asked by letter", "asked by mail");
    std::fs::write(&report, changed).unwrap();
    let refused = privacy(&data.path(), &verify).await.expect_code(1);
    assert!(refused.stderr.contains("is not the one that was written"), "{refused:?}");
    assert_eq!(up.request("GET", "/v1/customers/zoe-smith", None).await.unwrap().0, 404);
    let (status, _, page) = up.page(&format!("/console/privacy/erasures/{id}")).await;
    assert!(status == 200 && page.contains("asked by letter"), "{page}");
    documents_are_there(&up, &data.path()).await;
    pages_hold_and_erase(&up).await;
    assert_eq!(up.stop().await, Some(0));
}

async fn documents_are_there(up: &Up, data: &Path) {
    for kind in ["inventory", "notice", "agreement"] {
        let printed = privacy(data, &[kind]).await.expect_code(0).json();
        let text = printed["markdown"].as_str().unwrap();
        assert!(
            text.starts_with("# ") && text.contains("[TO BE FILLED IN: privacy.controller_name]"),
            "{text}"
        );
        let (status, _, page) = up.page(&format!("/console/privacy/documents/{kind}")).await;
        assert!(status == 200 && page.contains("TO BE FILLED IN"), "{page}");
    }
    let periods = privacy(data, &["retention"]).await.expect_code(0).json();
    assert_eq!(periods["periods"].as_array().unwrap().len(), 6, "{periods}");
    let (status, _, page) = up.page("/console/privacy").await;
    assert!(status == 200 && page.matches("role=\"alert\"").count() == 0, "{page}");
}

async fn pages_hold_and_erase(up: &Up) {
    add_customer(up, "yan-jones").await;
    let here = "/console/customers/yan-jones";
    let hold = [("deed", "hold"), ("reason", "<script>case 8</script>")];
    assert_eq!(post(up, here, &hold).await.0, 303);
    let (_, _, page) = up.page(here).await;
    assert!(page.contains("&lt;script&gt;case 8") && !page.contains("<script>case 8"), "{page}");
    let (_, _, page) = up.page("/console/privacy").await;
    assert!(page.contains("&lt;script&gt;case 8"), "{page}");
    let erase = [("deed", "erase"), ("reason", "asked by mail"), ("confirm", "yan-jones")];
    let (_, page) = post(up, here, &erase).await;
    assert!(page.contains("role=\"alert\"") && page.contains("a legal hold is on the customer"), "{page}");
    let holds = up.get("/v1/privacy/holds?customerId=yan-jones").await;
    let hold_id = holds["holds"][0]["holdId"].as_str().unwrap();
    let release = [("deed", "release"), ("hold", hold_id), ("reason", "case 8 is closed")];
    assert_eq!(post(up, here, &release).await.0, 303);
    let (_, page) = post(up, here, &[("deed", "erase"), ("reason", "asked"), ("confirm", "yan")]).await;
    assert!(page.contains("letter by letter"), "{page}");
    let (_, page) = post(up, here, &[("deed", "erase"), ("reason", ""), ("confirm", "yan-jones")]).await;
    assert!(page.contains("<code>reason</code> must be 1 to 500"), "{page}");
    assert_eq!(up.request("GET", "/v1/customers/yan-jones", None).await.unwrap().0, 200);
    let (status, page) = post(up, here, &erase).await;
    assert!(
        status == 200 && page.contains("Every trace was removed") && page.contains("asked by mail"),
        "{page}"
    );
    assert_eq!(up.request("GET", "/v1/customers/yan-jones", None).await.unwrap().0, 404);
    let (_, page) = post(up, "/console/privacy", &[("deed", "apply"), ("confirm", "yes")]).await;
    assert!(page.contains("confirm must be delete"), "{page}");
    let apply = [("deed", "apply"), ("confirm", "delete")];
    assert_eq!(post(up, "/console/privacy", &apply).await.0, 303);
}
