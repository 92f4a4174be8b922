//! Files in and out as a browser sends and fetches them: one with titles of its own is settled, judged, written and
//! taken back.

use super::{OURS, post, token_of};
use crate::larder::Up;

const BOUNDARY: (&str, &str) = ("content-type", "multipart/form-data; boundary=pear");
/// More than are written between two requests.
const LONG_ROWS: usize = 100_000;
const FILE: &str = "Art. no.;Name;Price;Currency\nconsole-pear;Pear;1,50;EUR\nconsole-plum;;2,00;EUR\n";

pub(super) async fn come_in_and_can_be_taken_back(up: &Up) {
    let import = upload(up, "products", "spring.csv", FILE).await;
    let here = format!("/console/imports/{import}");
    let (status, _, lacking) = up.page(&here).await;
    assert_eq!(status, 200);
    assert!(lacking.contains("need &quot;product_id&quot;"), "{lacking}");
    assert!(
        lacking.contains("name=\"column.Art. no.\""),
        "its titles can be settled all the same: {lacking}"
    );

    let settled = [
        ("deed", "settle"),
        ("column.Art. no.", "product_id"),
        ("column.Name", "name"),
        ("column.Price", "price"),
        ("column.Currency", "currency"),
        ("decimal_mark", ","),
    ];
    let (status, page) = post(up, &here, &settled).await;
    assert_eq!(status, 303, "{page}");
    let (_, _, judged) = up.page(&here).await;
    assert!(judged.contains("class=\"row_outcome_new\"") && judged.contains("console-pear"), "{judged}");
    assert!(judged.contains("class=\"row_outcome_refused\""), "{judged}");
    assert_eq!(
        up.request("GET", "/v1/products/console-pear", None).await.unwrap().0,
        404,
        "nothing is written"
    );

    let (status, page) = post(up, &here, &[("deed", "commit"), ("mode", "IMPORT_MODE_VALID_ROWS")]).await;
    assert_eq!(status, 303, "{page}");
    let written = when_it_ended(up, &here).await;
    assert!(written.contains("value=\"undo\"") && written.contains("/problems\""), "{written}");
    assert_eq!(up.get("/v1/products/console-pear").await["product"]["name"], "Pear");
    let (status, name, bytes) = up.file(&format!("/console/download/v1/imports/{import}/problems")).await;
    assert!(status == 200 && name.contains(".xlsx") && bytes.starts_with(b"PK"), "{status} {name}");

    let (status, page) = post(up, &here, &[("deed", "undo")]).await;
    assert_eq!(status, 303, "{page}");
    let (_, _, undone) = up.page(&here).await;
    assert!(undone.contains("taken back"), "{undone}");
    assert_eq!(up.request("GET", "/v1/products/console-pear", None).await.unwrap().0, 404);
    a_long_one_is_cancelled(up).await;
    wrong_files_are_refused(up).await;
}

async fn a_long_one_is_cancelled(up: &Up) {
    let rows: String = (0..LONG_ROWS).map(|row| format!("console-long-{row},Long {row}\n")).collect();
    let import = upload(up, "products", "long.csv", &format!("product_id,name\n{rows}")).await;
    let here = format!("/console/imports/{import}");
    let (status, page) = post(up, &here, &[("deed", "commit"), ("mode", "IMPORT_MODE_VALID_ROWS")]).await;
    assert_eq!(status, 303, "{page}");
    let (_, _, running) = up.page(&here).await;
    assert!(running.contains("value=\"cancel\"") && running.contains("id=\"progress\""), "{running}");
    let (status, page) = post(up, &here, &[("deed", "cancel")]).await;
    assert_eq!(status, 303, "{page}");
    let ended = when_it_ended(up, &here).await;
    assert!(ended.contains("<dd>cancelled"), "{ended}");
    assert_eq!(up.request("GET", "/v1/products/console-long-0", None).await.unwrap().0, 404);
}

async fn wrong_files_are_refused(up: &Up) {
    for (kind, name, content, told) in [
        ("products", "", "", "choose a file"),
        ("products", "empty.csv", "", "choose a file"),
        ("feedback", "a.csv", "a\n1\n", "feedback are not imported"),
    ] {
        let (status, page) = send(up, kind, name, content).await;
        assert!(status == 200 && page.contains("role=\"alert\"") && page.contains(told), "{status} {page}");
    }
    let (status, page) = post(up, "/console/imports/no-such-import", &[("deed", "undo")]).await;
    assert_eq!(status, 404, "{page}");
}

/// Uploads a file and answers with the id of its import.
pub(super) async fn upload(up: &Up, kind: &str, name: &str, content: &str) -> String {
    let (status, page) = send(up, kind, name, content).await;
    assert_eq!(status, 303, "{page}");
    let imports = up.get("/v1/imports").await;
    imports["imports"][0]["importId"].as_str().unwrap().to_owned()
}

async fn send(up: &Up, kind: &str, name: &str, content: &str) -> (u16, String) {
    let (_, _, page) = up.page("/console/imports").await;
    let field = |name: &str, value: &str| {
        format!("--pear\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n");
    let form = field("form_token", &token_of(&page)) + &field("kind", kind);
    let form = format!("{form}--pear\r\n{file}Content-Type: text/csv\r\n\r\n{content}\r\n--pear--\r\n");
    up.send("/console/imports", &[BOUNDARY, OURS], &form).await
}

async fn when_it_ended(up: &Up, path: &str) -> String {
    for _ in 0..100 {
        let (_, _, page) = up.page(path).await;
        if !page.contains("data-goes-on") {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the import does not end: {}", up.get("/v1/imports").await);
}

pub(super) async fn leave_as_they_are_narrowed(up: &Up) {
    let narrowed =
        "/console/exports/transactions?format=csv&customer_id=household-1501&product_id=&from_at=&until_at=";
    let (status, name, bytes) = up.file(narrowed).await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(status == 200 && name.contains("transactions") && name.contains(".csv"), "{status} {name}");
    let others = text.lines().skip(1).filter(|line| !line.contains("household-1501")).count();
    assert!(text.lines().count() > 10 && others == 0, "{text}");
    let (status, _, page) = up.page("/console/exports/transactions?from_at=soon").await;
    assert_eq!(status, 200);
    assert!(page.contains("role=\"alert\"") && page.contains("from_at must be a day"), "{page}");
    assert!(page.contains("value=\"soon\"") || page.contains("<details open>"), "what was typed is in reach");
    let (status, _, bytes) = up.file("/console/exports/market-plans?format=xlsx&from_on=2026-01-01").await;
    assert!(status == 200 && bytes.starts_with(b"PK"), "{status}");
}
