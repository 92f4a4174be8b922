//! A vendor's shop over HTTP: connected, told of by signed messages, planned from, and its tokens sealed anew while
//! everything runs.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use larder_testkit::stand_in::square::{CLIENT_ID, CLIENT_SECRET, CODE, MERCHANT, SquareStandIn};
use serde_json::{Value, json};

use super::larder::{DataDir, Up, finish, larder};

const WEBHOOK: &str = "/v1/connectors/square/webhook";

#[expect(clippy::disallowed_methods, reason = "the program under test has the machine's clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// The settings of an installation with an application at the stand-in.
fn settings(stand_in: &SquareStandIn, keys: &str) -> String {
    format!(
        r#"[connectors]
square_url = "{}"
square_client_id = "{CLIENT_ID}"
square_client_secret = "{CLIENT_SECRET}"
square_redirect_url = "https://shop.example.com/connected"
square_webhook_url = "https://larder.example.com{WEBHOOK}"
square_webhook_keys = "signature-key"
secret_keys = "{keys}"
"#,
        stand_in.server.url()
    )
}

async fn made_key(id: &str) -> String {
    let made = finish(&mut larder(&["secrets", "generate-key", "--id", id])).await.expect_code(0);
    made.stdout.trim().to_owned()
}

/// A Saturday's order, so many weeks ago; of this week it may be a later day's.
fn order(weeks: i64, quantity: i64) -> Value {
    let today = now().in_tz("UTC").unwrap().date();
    let since_saturday = i64::from(today.weekday().since(jiff::civil::Weekday::Saturday));
    let day = today.saturating_sub(jiff::Span::new().days(since_saturday + 7 * weeks));
    let at = day.at(0, 0, 0, 0).in_tz("UTC").unwrap().timestamp() + SignedDuration::from_mins(30);
    // What a message is about is of the last three days, which every synchronisation asks for again.
    let earliest = if weeks == 0 { now() - SignedDuration::from_hours(48) } else { at };
    let at = format!("{:.3}", at.max(earliest).min(now()));
    json!({
        "id": format!("O{weeks}"), "location_id": "L1", "state": "COMPLETED", "version": 1,
        "created_at": at, "updated_at": at, "closed_at": at, "line_items": [{
            "uid": "a", "name": "Sourdough", "quantity": quantity.to_string(), "catalog_object_id": "V1",
            "item_type": "ITEM", "total_money": {"amount": 400 * quantity, "currency": "EUR"},
        }],
    })
}

async fn message(up: &Up, event_id: &str, key: &str) -> u16 {
    let body = json!({
        "merchant_id": MERCHANT, "type": "order.updated", "event_id": event_id, "created_at": now().to_string(),
        "data": {"type": "order", "id": "O0"},
    })
    .to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let signature =
        STANDARD.encode(hmac::sign(&key, format!("https://larder.example.com{WEBHOOK}{body}").as_bytes()));
    up.send(WEBHOOK, &[("x-square-hmacsha256-signature", signature.as_str())], &body).await.0
}

/// Units sold since a year, once they are so many.
async fn sold(up: &Up, wanted: f64) {
    let year = now().in_tz("UTC").unwrap().year() - 1;
    let path = format!(
        "/v1/sales/analytics?groupBy=SALES_GROUP_PRODUCT&fromOn.year={year}&fromOn.month=1&fromOn.day=1"
    );
    let mut last = Value::Null;
    for _ in 0..300 {
        last = up.get(&path).await;
        if last["total"]["quantity"] == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{wanted} units never came: {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_is_followed_and_its_tokens_are_sealed_anew() {
    let stand_in = SquareStandIn::open(&(now() + SignedDuration::from_hours(24 * 30)).to_string()).await;
    let data = DataDir::new();
    let (one, two) = (made_key("one").await, made_key("two").await);
    let (file, next_file) = (data.beside("larder.toml"), data.beside("next.toml"));
    std::fs::write(&file, settings(&stand_in, &format!("{one},{two}"))).unwrap();
    std::fs::write(&next_file, settings(&stand_in, &format!("{two},{one}"))).unwrap();
    let up = Up::start(&data.path(), &["--config", file.to_str().unwrap()]).await;

    up.post("/v1/markets:batchUpsert", &json!({"markets": [{
        "marketId": "square", "name": "Market square", "timeZone": "UTC", "country": "DE", "currencyCode": "EUR",
        "weekdays": ["WEEKDAY_SATURDAY"], "squareLocationId": "L1",
    }]}))
    .await;
    let money = |units: i64| json!({"currencyCode": "EUR", "units": units.to_string()});
    up.post(
        "/v1/market-products:batchUpsert",
        &json!({"marketProducts": [
            {"productId": "square-V1", "price": money(4), "unitCost": money(1)},
        ]}),
    )
    .await;
    let begun = up.post("/v1/connectors/square:connect", &json!({})).await;
    assert!(begun["authorizeUrl"].as_str().unwrap().starts_with(stand_in.server.url()), "{begun}");
    for weeks in 1..9 {
        stand_in.put_order(order(weeks, 20 + weeks));
    }
    let code = json!({"code": CODE, "state": begun["state"]});
    let connected = up.post("/v1/connectors/square:finish", &code).await;
    assert_eq!(connected["connection"]["accountId"], MERCHANT, "{connected}");
    let total: i64 = (1..9).map(|weeks| 20 + weeks).sum();
    sold(&up, total as f64).await;

    stand_in.put_order(order(0, 30));
    assert_eq!(message(&up, "e1", "somebody else's key").await, 403);
    assert_eq!(message(&up, "e1", "signature-key").await, 204);
    sold(&up, (total + 30) as f64).await;
    assert_eq!(up.send(WEBHOOK, &[], "{}").await.0, 403);
    let (status, problem) = up.request("GET", WEBHOOK, None).await.unwrap();
    assert_eq!(status, 405, "{problem}");

    let today = now().in_tz("UTC").unwrap().date();
    let date = json!({"year": today.year(), "month": today.month(), "day": today.day()});
    let plan = up.post("/v1/markets/square/days:plan", &json!({"heldOn": date})).await;
    assert_eq!(plan["plan"]["sales"]["rung"], "square", "{plan}");
    let quantity = plan["plan"]["lines"][0]["quantity"].as_f64().unwrap();
    assert!((15.0..60.0).contains(&quantity), "{plan}");
    let lines = json!([{"productId": "square-V1", "brought": quantity, "sold": quantity - 1.0}]);
    up.post("/v1/markets/square/days:feedback", &json!({"heldOn": date, "lines": lines})).await;
    let stats = up.get("/v1/market-feedback/stats").await;
    assert_eq!(stats["total"]["rowCount"], 1, "{stats}");

    let rotate = ["secrets", "rotate", "--json", "--config", next_file.to_str().unwrap()];
    let rotated = finish(&mut up.command(&rotate)).await.expect_code(0).json();
    assert_eq!((&rotated["keyId"], &rotated["resealed"]), (&json!("two"), &json!(1)), "{rotated}");
    stand_in.put_order(order(20, 7));
    let (status, lines) =
        up.send("/v1/connectors/square:syncSales", &[("content-type", "application/json")], "{}").await;
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!((status, &last["operation"]["state"]), (200, &json!("OPERATION_STATE_SUCCEEDED")), "{lines}");
    assert_eq!(up.stop().await, Some(0));
}
