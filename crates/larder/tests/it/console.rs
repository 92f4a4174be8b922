//! The console on the demo shop as a browser without scripts uses it: every page is there, small, and shows whatever
//! stands in names as text.

use serde_json::json;

use super::browser;
use super::larder::{DataDir, Up};

mod files;

/// What a page may weigh with everything it loads, in bytes.
const MOST_BYTES: usize = 150_000;
/// A flag with a rule.
const FLAGS: &str = r#"{"flags": {"recommendation-model": {
    "state": "ENABLED", "variants": {"new": "20261123T060000.000000Z-5c1e", "promoted": ""}, "defaultVariant": "promoted",
    "targeting": {"if": [{"in": [{"var": "tenant"}, ["bakery"]]}, "new", null]}}}}"#;
/// One row that is right, one that is not, and a title that is guessed.
const BUDGETS: &str = "Budget ID,Nmae,Amount,Currency,Starts on,Ends on\n\
    autumn,Autumn fruit,1200.50,ZAR,2026-09-01,2026-11-30\nwinter,Winter,much,ZAR,2026-12-01,03/04/2027\n";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");
/// A text that would run if it were not escaped, in a document, an attribute or a script.
const HOSTILE: &str = "</title></script><script>alert('x')</script>\"><img src=x onerror=alert(1)>{{7*7}}";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: starts a whole platform with the demo shop, and a browser"]
async fn the_console_of_the_demo_shop() {
    let data = DataDir::new();
    let (settings, flags) = (data.beside("larder.toml"), data.beside("flags.json"));
    std::fs::write(&flags, FLAGS).unwrap();
    std::fs::write(&settings, format!("[flags]\nfile = \"{}\"\n", flags.display())).unwrap();
    let up = Up::start(&data.path(), &["--demo", "--config", settings.to_str().unwrap()]).await;
    let backup = drilled_backup(&up).await;
    // Meals are planned from products whose nutrients are known, and a shop's own are matched with generic foods first.
    up.post("/v1/nutrition/food-matches:matchCatalog", &json!({})).await;
    is_whole(&up).await;
    let import = files::upload(&up, "budgets", "budgets.csv", BUDGETS).await;
    browser::shows_the_console(&up, &[format!("backups/{backup}"), format!("imports/{import}")]).await;
    assert_eq!(up.stop().await, Some(0));
}

async fn is_whole(up: &Up) {
    every_page_is_small_and_needs_no_script(up).await;
    a_plan_is_tried_kept_and_printed(up).await;
    feedback_is_given_and_counted(up).await;
    files::come_in_and_can_be_taken_back(up).await;
    files::leave_as_they_are_narrowed(up).await;
    flags_are_shown_and_tried_out(up).await;
    a_product_is_changed_and_keeps_the_rest(up).await;
    no_name_runs(up).await;
}

const PAGES: [&str; 26] = [
    "/console",
    "/console/recommendations",
    "/console/recommendations?customer=household-1501&other=promoted&limit=20",
    "/console/market",
    "/console/feedback",
    "/console/statistics",
    "/console/catalogue",
    "/console/catalogue/916122",
    "/console/customers",
    "/console/customers/household-1501",
    "/console/incidents",
    "/console/backups",
    "/console/models",
    "/console/nutrition",
    "/console/nutrition?sex=SEX_FEMALE&born=1990-02-03&height=170&weight=65&activity=ACTIVITY_LEVEL_LIGHT&goal=NUTRITION_GOAL_MAINTAIN&days=2&unknown_allergens=true",
    "/console/promotions",
    "/console/exports",
    "/console/imports",
    "/console/experiments",
    "/console/on-call",
    "/console/access",
    "/console/tenants",
    "/console/flags",
    "/console/privacy",
    "/console/privacy/documents/inventory",
    "/console/audit",
];

/// The first backup, once a drill has proven it and its page says so.
async fn drilled_backup(up: &Up) -> String {
    let id = loop_until(async || {
        let listed = up.get("/v1/backups").await;
        listed["backups"][0]["backupId"].as_str().map(str::to_owned)
    });
    let id = id.await;
    let (status, _, before) = up.page(&format!("/console/backups/{id}")).await;
    assert!(status == 200 && before.contains("not drilled yet"), "{status} {before}");
    up.post("/v1/backups:drill", &json!({ "backupId": id })).await;
    let (_, _, page) = up.page(&format!("/console/backups/{id}")).await;
    assert!(page.contains("It is proven.") && page.contains("<th scope=\"row\">amcheck</th>"), "{page}");
    id
}

/// Asks again and again for two minutes.
async fn loop_until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("it never came");
}

async fn flags_are_shown_and_tried_out(up: &Up) {
    let (_, _, page) = up.page("/console/flags?flag=recommendation-model&who=household-1501").await;
    assert!(page.contains("&quot;bakery&quot;") && page.contains("the default holds"), "{page}");
    let (_, _, page) = up.page("/console/flags?flag=no-such-flag&context=placement%3Dbasket").await;
    assert!(page.contains("there is no such flag") && page.contains("as built in"), "{page}");
}

async fn every_page_is_small_and_needs_no_script(up: &Up) {
    let mut beside = 0;
    for name in ["console.css", "console.js", "icon.svg"] {
        let (status, _, text) = up.page(&format!("/console/static/{name}")).await;
        assert_eq!(status, 200, "{name}");
        beside += text.len();
    }
    for path in PAGES {
        let (status, kind, page) = up.page(path).await;
        assert_eq!((status, kind.as_str()), (200, "text/html; charset=utf-8"), "{path}: {page}");
        assert!(page.len() + beside < MOST_BYTES, "{path}: {} bytes", page.len() + beside);
        assert!(page.contains("<main id=\"main\"") && page.contains("class=\"skip\""), "{path}");
        assert_eq!(page.matches("<h1>").count(), 1, "{path}: {page}");
        assert_eq!(page.matches("role=\"alert\"").count(), 0, "{path}: {page}");
        assert_eq!(unlabelled(&page), Vec::<String>::new(), "{path}");
    }
}

/// The ids of fields that nothing names.
fn unlabelled(page: &str) -> Vec<String> {
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
        Some(rest.split('"').next().unwrap_or_default().to_owned())
    };
    let fields = ["<input", "<select", "<textarea"].into_iter().flat_map(|start| page.split(start).skip(1));
    fields
        .map(|rest| format!(" {}", rest.split('>').next().unwrap_or_default()))
        .filter(|tag| {
            !tag.contains("type=\"hidden\"")
                && !tag.contains("type=\"checkbox\"")
                && !tag.contains("aria-label=")
        })
        .map(|tag| attribute(&tag, "id").unwrap_or(tag))
        .filter(|id| !page.contains(&format!("<label for=\"{id}\"")))
        .collect()
}

fn token_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"form_token\" value=\"").expect("a page with a form");
    rest.split('"').next().unwrap().to_owned()
}

/// Sends a form of a page and returns the status and the page that answers.
pub(super) async fn post(up: &Up, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let (_, _, page) = up.page("/console/privacy").await;
    let token = token_of(&page);
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("form_token", &token).extend_pairs(fields);
    up.send(path, &[FORM, OURS], &form.finish()).await
}

async fn a_plan_is_tried_kept_and_printed(up: &Up) {
    let (_, _, plain) = up.page("/console/market?market=old-town").await;
    assert!(plain.contains("class=\"interval\"") && plain.contains("Hawaiian"), "{plain}");
    let (_, _, small) = up.page("/console/market?market=old-town&van_volume=40").await;
    assert!(small.contains("expected profit differs by"), "{small}");
    let (_, _, refused) = up.page("/console/market?market=old-town&van_volume=lots").await;
    assert!(refused.contains("role=\"alert\"") && refused.contains("vanVolumeL"), "{refused}");
    assert!(refused.contains("value=\"lots\""), "what was typed is still there");
    let day = {
        let (_, rest) = plain.split_once("name=\"day\" type=\"date\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let sheet = format!("/console/download/v1/markets/old-town/days/{day}/sheet");
    let (status, answer) =
        post(up, "/console/market", &[("market", "old-town"), ("day", &day), ("van_volume", "40")]).await;
    assert_eq!(status, 303, "{answer}");
    let (status, kind, printed) = up.page(&sheet).await;
    assert!(
        status == 200 && kind.starts_with("text/html") && printed.contains("Hawaiian"),
        "{status} {kind}"
    );
}

async fn feedback_is_given_and_counted(up: &Up) {
    let (_, _, form) = up.page("/console/feedback?market=old-town").await;
    let (_, rest) = form.split_once("type=\"hidden\" name=\"day\" value=\"").unwrap();
    let day = rest.split('"').next().unwrap();
    let fields = [
        ("market", "old-town"),
        ("day", day),
        ("brought.pizza-hawaiian", "14"),
        ("sold.pizza-hawaiian", "11,0"),
    ];
    let (status, answer) = post(up, "/console/feedback", &fields).await;
    assert_eq!(status, 303, "{answer}");
    let (_, _, again) = up.page(&format!("/console/feedback?market=old-town&day={day}")).await;
    assert!(again.contains("name=\"brought.pizza-hawaiian\" inputmode=\"decimal\" value=\"14\""), "{again}");
    let (_, _, statistics) = up.page("/console/statistics").await;
    assert!(statistics.contains("Hawaiian Pizza") && statistics.contains("class=\"chart\""), "{statistics}");
    let refused = [("market", "old-town"), ("day", "2026-02-30"), ("brought.pizza-hawaiian", "14")];
    let (status, page) = post(up, "/console/feedback", &refused).await;
    assert!(
        status == 200 && page.contains("role=\"alert\"") && page.contains("value=\"14\""),
        "{status} {page}"
    );
}

async fn a_product_is_changed_and_keeps_the_rest(up: &Up) {
    let product = json!({
        "productId": "console-bread", "name": "Bread", "category": "BAKERY", "inStock": true,
        "nutritionPer100g": {"energyKcal": 250.0}, "attributes": {"oven": "2"},
        "price": {"currencyCode": "EUR", "units": "3", "nanos": 500_000_000},
    });
    up.post("/v1/products:batchUpsert", &json!({"products": [product]})).await;
    let form = [
        ("name", "Rye bread"),
        ("category", "BAKERY"),
        ("price", "3,90"),
        ("currency", "EUR"),
        ("in_stock", "true"),
    ];
    let (status, answer) = post(up, "/console/catalogue/console-bread", &form).await;
    assert_eq!(status, 303, "{answer}");
    let kept = up.get("/v1/products/console-bread").await["product"].clone();
    assert_eq!((&kept["name"], &kept["attributes"]["oven"]), (&json!("Rye bread"), &json!("2")), "{kept}");
    assert_eq!(kept["price"]["nanos"], 900_000_000, "{kept}");
    assert_eq!(kept["nutritionPer100g"]["energyKcal"], 250.0, "{kept}");
    let (status, page) = post(
        up,
        "/console/catalogue/console-bread",
        &[("name", "Rye"), ("price", "dear"), ("currency", "EUR")],
    )
    .await;
    assert!(
        status == 200 && page.contains("role=\"alert\"") && page.contains("value=\"dear\""),
        "{status} {page}"
    );
}

/// Texts of every kind that people or programs may store, and every page that shows them.
async fn no_name_runs(up: &Up) {
    let money = json!({"currencyCode": "USD", "units": "5"});
    let product = json!({
        "productId": "hostile", "name": HOSTILE, "category": "<b>", "brand": "<i onclick=x>", "packageSize": "<u>",
        "tags": ["<script>"], "allergens": ["<script>"], "price": money,
    });
    up.post("/v1/products:batchUpsert", &json!({"products": [product]})).await;
    let terms = json!({"productId": "hostile", "price": money, "unitCost": money});
    up.post("/v1/market-products:batchUpsert", &json!({"marketProducts": [terms]})).await;
    let market = json!({
        "marketId": "hostile", "name": HOSTILE, "timeZone": "UTC", "currencyCode": "USD", "usualVisitors": 100,
    });
    up.post("/v1/markets:batchUpsert", &json!({"markets": [market]})).await;
    let customer = json!({"customerId": "hostile", "name": HOSTILE, "profile": {"diets": ["vegan"]}});
    up.post("/v1/customers:batchUpsert", &json!({"customers": [customer]})).await;
    let alert = json!({"labels": {"alertname": "Hostile", "severity": "warning", "note": HOSTILE}, "annotations": {"summary": HOSTILE}});
    up.post("/v1/alerts:send", &json!({"alerts": [alert]})).await;
    let incident = first_incident(up).await;
    let mut pages = vec![
        "/console".to_owned(),
        "/console/catalogue?category=%3Cb%3E".to_owned(),
        "/console/catalogue/hostile".to_owned(),
        "/console/customers".to_owned(),
        "/console/customers/hostile".to_owned(),
        "/console/recommendations?customer=hostile".to_owned(),
        "/console/market?market=hostile".to_owned(),
        "/console/feedback?market=hostile".to_owned(),
        "/console/statistics".to_owned(),
        "/console/incidents".to_owned(),
        format!("/console/incidents/{incident}"),
    ];
    // What stands in a link is stored nowhere, and shown all the same.
    let typed: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    for path in [
        "recommendations?customer",
        "market?budget",
        "catalogue?category",
        "sign-in?next",
        "x?done",
        "backups?restore",
    ] {
        pages.push(format!("/console/{path}={typed}"));
    }
    for path in pages {
        let (status, _, page) = up.page(&path).await;
        assert!(status == 200 || status == 404, "{path}: {status} {page}");
        assert_eq!(page.matches("<script").count(), 1, "{path}: {page}");
        for raw in ["<img", "<b>", "<i onclick", "<u>"] {
            assert!(!page.contains(raw), "{path}: {raw}: {page}");
        }
    }
}

async fn first_incident(up: &Up) -> String {
    let first = async || {
        let listed = up.get("/v1/incidents").await;
        listed["incidents"][0]["incidentId"].as_str().map(str::to_owned)
    };
    loop_until(first).await
}
