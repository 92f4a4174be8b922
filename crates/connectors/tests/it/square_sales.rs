//! Sales, catalogue and stock over several pages, with late and changed orders.

use jiff::SignedDuration;
use larder_connectors::ConnectorError;
use larder_connectors::square::{
    ActualState, Period, ProductReference, SalesQuery, actual_state, window_to_ask,
};
use larder_testkit::stand_in::Fault;
use larder_testkit::stand_in::square::SquareStandIn;
use serde_json::{Value, json};

use crate::outside::{asking, at, connected};

pub(crate) fn order(id: &str, created_at: &str, closed_at: &str, quantity: &str) -> Value {
    json!({
        "id": id, "location_id": "L1", "state": "COMPLETED", "version": 1,
        "created_at": created_at, "updated_at": closed_at, "closed_at": closed_at,
        "line_items": [{
            "uid": "a", "name": "Sourdough", "quantity": quantity, "catalog_object_id": "V1", "item_type": "ITEM",
            "base_price_money": {"amount": 600, "currency": "USD"},
            "total_money": {"amount": 600, "currency": "USD"},
        }],
        "total_money": {"amount": 600, "currency": "USD"},
    })
}

pub(crate) fn market_day(stand_in: &SquareStandIn, orders: usize) {
    for number in 0..orders {
        let time = at("2026-11-21T17:00:00Z") + SignedDuration::from_secs(number as i64);
        let time = format!("{time:.3}");
        stand_in.put_order(order(&format!("O{number:04}"), &time, &time, "1"));
    }
}

pub(crate) fn saturday() -> SalesQuery {
    let period = Period { from: at("2026-11-21T00:00:00Z"), to: at("2026-11-22T00:00:00Z") };
    SalesQuery { location_ids: vec!["L1".to_owned()], period }
}

#[tokio::test]
async fn every_page_is_read_and_every_order_counted_once() {
    let (stand_in, square, mut tokens) = connected().await;
    market_day(&stand_in, 23);
    stand_in.set_page_size(5);
    let sales = square.search_sales(&mut tokens, &saturday(), &asking("2026-11-23T12:00:00Z")).await.unwrap();
    let ids: Vec<String> = sales.lines.iter().map(|line| line.order_id.clone()).collect();
    assert_eq!(ids, (0..23).map(|number| format!("O{number:04}")).collect::<Vec<_>>());
    assert_eq!(stand_in.server.count("/v2/orders/search"), 5);
    assert!(sales.refused.is_empty());
}

#[tokio::test]
async fn more_than_ten_locations_are_asked_for_in_turns() {
    let (stand_in, square, mut tokens) = connected().await;
    market_day(&stand_in, 3);
    let mut query = saturday();
    query.location_ids = (1..=23).map(|number| format!("L{number}")).collect();
    let sales = square.search_sales(&mut tokens, &query, &asking("2026-11-23T12:00:00Z")).await.unwrap();
    assert_eq!(sales.lines.len(), 3);
    assert_eq!(stand_in.server.count("/v2/orders/search"), 3);
}

#[tokio::test]
async fn a_day_with_a_return_an_offline_order_and_a_strange_one() {
    let (stand_in, square, mut tokens) = connected().await;
    stand_in.put_order(order("sale", "2026-11-21T17:00:00.000Z", "2026-11-21T17:00:05.000Z", "3"));
    let mut offline = order("offline", "2026-11-21T18:00:00.000Z", "2026-11-23T07:30:00.000Z", "2");
    offline["version"] = json!(7);
    stand_in.put_order(offline);
    let mut returned = order("return", "2026-11-22T09:00:00.000Z", "2026-11-22T09:00:05.000Z", "1");
    let mut line = returned["line_items"][0].take();
    line["source_line_item_uid"] = json!("a");
    returned["line_items"] = json!([]);
    returned["returns"] = json!([{"uid": "r", "source_order_id": "sale", "return_line_items": [line]}]);
    stand_in.put_order(returned);
    stand_in.put_order(json!({"id": "strange", "location_id": "L1", "state": "COMPLETED", "closed_at": "2026-11-22T10:00:00.000Z", "created_at": 5}));

    let now = asking("2026-11-23T12:00:00Z");
    let window = window_to_ask(Some(at("2026-11-21T20:00:00Z")), at("2026-01-01T00:00:00Z"), now.now);
    let query = SalesQuery { location_ids: vec!["L1".to_owned()], period: window };
    let sales = square.search_sales(&mut tokens, &query, &now).await.unwrap();
    let told: Vec<(&str, f64, String)> = sales
        .lines
        .iter()
        .map(|line| (line.order_id.as_str(), line.quantity, line.sold_at.to_string()))
        .collect();
    assert_eq!(
        told,
        [
            ("sale", 3.0, "2026-11-21T17:00:00Z".to_owned()),
            ("offline", 2.0, "2026-11-21T18:00:00Z".to_owned()),
            ("return", -1.0, "2026-11-22T09:00:00Z".to_owned()),
        ]
    );
    assert_eq!(sales.lines[2].return_of.as_ref().unwrap().order_id.as_deref(), Some("sale"));
    assert_eq!(sales.lines[0].product, ProductReference::CatalogObject("V1".to_owned()));
    let refused: Vec<&str> = sales.refused.iter().map(|row| row.order_id.as_str()).collect();
    assert_eq!(refused, ["strange"]);
    let provisional = actual_state(at("2026-11-21T22:00:00Z"), Some(now.now), now.now);
    assert_eq!(provisional, ActualState::Provisional { final_at: at("2026-11-24T22:00:00Z") });
}

#[tokio::test]
async fn half_a_day_never_passes_for_all_of_it() {
    let (stand_in, square, mut tokens) = connected().await;
    market_day(&stand_in, 12);
    stand_in.set_page_size(5);
    let asking = asking("2026-11-23T12:00:00Z");
    let all = square.search_sales(&mut tokens, &saturday(), &asking).await.unwrap();
    assert_eq!(all.lines.len(), 12);
    // The second page is lost for good: an error, and not ten lines out of twelve.
    let first_page = r#"{"orders": [], "cursor": "orders-5"}"#;
    stand_in.server.fail(Fault::Body(first_page.to_owned()));
    let error = square.search_sales(&mut tokens, &saturday(), &asking).await.unwrap_err();
    assert_eq!(error.kind(), "not_understood", "a cursor that leads nowhere ends the question");
}

#[tokio::test]
async fn a_passing_failure_is_tried_again() {
    for fault in [Fault::Status(503), Fault::HalfPage, Fault::Html, Fault::CutConnection] {
        // A new client each time: the retry budget of a quiet one is small.
        let (stand_in, square, mut tokens) = connected().await;
        market_day(&stand_in, 2);
        stand_in.server.fail_times(2, fault.clone());
        let asking = asking("2026-11-23T12:00:00Z");
        let sales = square.search_sales(&mut tokens, &saturday(), &asking).await;
        assert_eq!(sales.map(|sales| sales.lines.len()), Ok(2), "{fault:?}");
    }
    let (stand_in, square, mut tokens) = connected().await;
    let before = stand_in.server.seen().len();
    stand_in.server.fail(Fault::Status(500));
    square.search_sales(&mut tokens, &saturday(), &asking("2026-11-23T12:00:00Z")).await.unwrap_err();
    assert_eq!(stand_in.server.seen().len() - before, 3, "three tries and no more");
}

#[tokio::test]
async fn the_catalogue_names_each_variation_once() {
    let (stand_in, square, mut tokens) = connected().await;
    let variation = |id: &str, name: &str, price: Value| {
        json!({"type": "ITEM_VARIATION", "id": id, "item_variation_data": {
            "item_id": "I1", "name": name, "sku": "S-1", "pricing_type": "FIXED_PRICING", "price_money": price,
        }})
    };
    let loaf = variation("V1", "Regular", json!({"amount": 600, "currency": "USD"}));
    let half = variation("V2", "Half", json!({"amount": 350, "currency": "USD"}));
    stand_in.put_object(
        json!({"type": "ITEM", "id": "I1", "item_data": {"name": "Sourdough", "variations": [loaf, half]}}),
    );
    stand_in.put_object(loaf);
    stand_in.put_object(half);
    stand_in.put_object(json!({"type": "ITEM_VARIATION", "id": "V9", "is_deleted": true, "item_variation_data": {"item_id": "I1"}}));
    stand_in.set_page_size(1);
    let catalog = square.list_catalog(&mut tokens, &asking("2026-11-23T12:00:00Z")).await.unwrap();
    let told: Vec<(&str, &str, i64)> = catalog
        .iter()
        .map(|row| (row.id.as_str(), row.name.as_str(), row.price.as_ref().map_or(0, |price| price.micros)))
        .collect();
    assert_eq!(told, [("V1", "Sourdough", 6_000_000), ("V2", "Sourdough, Half", 3_500_000)]);
    assert_eq!(stand_in.server.count("/v2/catalog/list"), 4);
}

#[tokio::test]
async fn stock_is_read_from_decimal_strings() {
    let (stand_in, square, mut tokens) = connected().await;
    for (object, quantity) in [("V1", "12"), ("V2", "-0.5"), ("V3", "many")] {
        stand_in.put_count(json!({
            "catalog_object_id": object, "catalog_object_type": "ITEM_VARIATION", "state": "IN_STOCK",
            "location_id": "L1", "quantity": quantity, "calculated_at": "2026-11-21T20:00:00.000Z",
        }));
    }
    stand_in.set_page_size(2);
    let wanted = ["V1", "V2", "V3"].map(str::to_owned);
    let asking = asking("2026-11-23T12:00:00Z");
    let stock = square.count_stock(&mut tokens, &wanted, &["L1".to_owned()], &asking).await.unwrap();
    let told: Vec<(&str, f64)> =
        stock.iter().map(|count| (count.catalog_object_id.as_str(), count.quantity)).collect();
    assert_eq!(told, [("V1", 12.0), ("V2", -0.5)]);
}

#[tokio::test]
async fn an_order_that_comes_days_late_is_found_before_the_day_is_final() {
    let day_end = at("2026-11-21T22:00:00Z");
    // Whether such an order is closed when it was made or when it was sent, it counts for its day.
    for closed_at in ["2026-11-21T18:00:00.000Z", "2026-11-23T20:00:00.000Z"] {
        let (stand_in, square, mut tokens) = connected().await;
        stand_in.put_order(order("prompt", "2026-11-21T17:00:00.000Z", "2026-11-21T17:00:05.000Z", "3"));
        let mut last_answered = None;
        let mut sold = std::collections::BTreeMap::new();
        let mut told = Vec::new();
        for now in
            ["2026-11-22T06:00:00Z", "2026-11-23T21:00:00Z", "2026-11-24T21:59:00Z", "2026-11-24T23:00:00Z"]
        {
            if now >= "2026-11-23T20:00:00Z" {
                stand_in.put_order(order("late", "2026-11-21T18:00:00.000Z", closed_at, "2"));
            }
            let asking = asking(now);
            let period = window_to_ask(last_answered, at("2026-11-01T00:00:00Z"), asking.now);
            let query = SalesQuery { location_ids: vec!["L1".to_owned()], period };
            let sales = square.search_sales(&mut tokens, &query, &asking).await.unwrap();
            last_answered = Some(period.to);
            sold.extend(
                sales
                    .lines
                    .into_iter()
                    .filter(|line| line.sold_at < day_end)
                    .map(|line| (line.id, line.quantity)),
            );
            let total: f64 = sold.values().sum();
            told.push((total, actual_state(day_end, last_answered, asking.now) == ActualState::Final));
        }
        assert_eq!(told, [(3.0, false), (5.0, false), (5.0, false), (5.0, true)], "closed at {closed_at}");
    }
}

#[tokio::test]
async fn the_order_a_webhook_names_is_read_by_itself() {
    let (stand_in, square, mut tokens) = connected().await;
    market_day(&stand_in, 2);
    let asking = asking("2026-11-23T12:00:00Z");
    let sales = square.order_sales(&mut tokens, "O0001", &asking).await.unwrap();
    assert_eq!(sales.lines.iter().map(|line| line.id.as_str()).collect::<Vec<_>>(), ["square:O0001:a"]);
    let missing = square.order_sales(&mut tokens, "O9", &asking).await.unwrap_err();
    assert_eq!(missing, ConnectorError::Refused { status: 404, reason: "Order not found.".to_owned() });
    let before = stand_in.server.seen().len();
    for id in ["", "../locations", "a/b", "a?b", "%2e%2e"] {
        assert_eq!(square.order_sales(&mut tokens, id, &asking).await.unwrap_err().kind(), "refused", "{id}");
    }
    assert_eq!(stand_in.server.seen().len(), before, "what is no id is not asked for");
}
