//! Orders in Square's shape and the lines they become.

use super::super::Period;
use super::*;
use proptest::prelude::*;
use serde_json::json;

fn read(order: Value) -> Sales {
    let period = Period { from: Timestamp::UNIX_EPOCH, to: Timestamp::MAX };
    let mut sales = Sales { period, lines: Vec::new(), refused: Vec::new() };
    read_order(serde_json::from_value(order).unwrap(), &mut sales);
    sales
}

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

fn line(uid: &str, quantity: &str) -> Value {
    json!({
        "uid": uid, "name": "Sourdough", "variation_name": "Regular", "quantity": quantity,
        "catalog_object_id": "V1", "item_type": "ITEM",
        "base_price_money": usd(600), "gross_sales_money": usd(1200), "total_discount_money": usd(100),
        "total_tax_money": usd(90), "total_money": usd(1190),
    })
}

fn order(lines: Value) -> Value {
    json!({
        "id": "O1", "location_id": "L1", "state": "COMPLETED", "version": 3,
        "created_at": "2026-11-21T17:00:00Z", "closed_at": "2026-11-21T17:01:30Z", "line_items": lines,
    })
}

#[test]
fn a_line_keeps_quantity_money_and_time() {
    let sales = read(order(json!([line("a", "2"), line("b", "0.75")])));
    assert_eq!(sales.refused, []);
    let first = &sales.lines[0];
    assert_eq!(first.id, "square:O1:a");
    assert_eq!(first.product, ProductReference::CatalogObject("V1".to_owned()));
    assert_eq!((first.name.as_str(), first.quantity, first.total.micros), ("Sourdough", 2.0, 11_900_000));
    assert_eq!(first.discount.as_ref().map(|money| money.micros), Some(1_000_000));
    assert_eq!(first.sold_at, "2026-11-21T17:00:00Z".parse().unwrap());
    assert_eq!(sales.lines[1].quantity, 0.75);
}

#[test]
fn a_return_is_negative_and_names_what_it_undoes() {
    let mut wire = order(json!([]));
    let mut returned = line("r", "1");
    returned["source_line_item_uid"] = json!("a");
    wire["id"] = json!("O2");
    wire["returns"] = json!([{"source_order_id": "O1", "return_line_items": [returned]}]);
    let sales = read(wire);
    let line = &sales.lines[0];
    assert_eq!((line.quantity, line.total.micros), (-1.0, -11_900_000));
    let undone = ReturnOf { order_id: Some("O1".to_owned()), line_uid: Some("a".to_owned()) };
    assert_eq!(line.return_of, Some(undone));
}

#[test]
fn an_offline_order_counts_when_it_was_made_and_a_preorder_when_it_was_handed_over() {
    let sold = |created: &str, closed: &str, fulfillments: Value| {
        let mut wire = order(json!([line("a", "1")]));
        wire["created_at"] = json!(created);
        wire["closed_at"] = json!(closed);
        wire["fulfillments"] = fulfillments;
        read(wire).lines[0].sold_at.to_string()
    };
    assert_eq!(sold("2026-11-21T17:00:00Z", "2026-11-23T09:00:00Z", json!([])), "2026-11-21T17:00:00Z");
    let pickup = json!([{"type": "PICKUP", "state": "COMPLETED"}]);
    assert_eq!(sold("2026-11-20T08:00:00Z", "2026-11-21T16:00:00Z", pickup), "2026-11-21T16:00:00Z");
    assert_eq!(sold("2026-11-01T08:00:00Z", "2026-11-21T16:00:00Z", json!([])), "2026-11-21T16:00:00Z");
}

#[test]
fn a_strange_line_spoils_no_other() {
    let mut euros = line("euros", "1");
    euros["base_price_money"] = json!({"amount": 1, "currency": "EUR"});
    let mut nameless = line("nameless", "1");
    nameless["catalog_object_id"] = Value::Null;
    nameless["name"] = Value::Null;
    let mut free_of_total = line("total", "1");
    free_of_total["total_money"] = Value::Null;
    let strange =
        [euros, nameless, free_of_total, line("minus", "-1"), line("zero", "0"), json!({"uid": "bare"})];
    let mut lines = strange.to_vec();
    lines.push(line("good", "1"));
    let sales = read(order(json!(lines)));
    let refused: Vec<(&str, &str)> = sales
        .refused
        .iter()
        .map(|row| (row.line_uid.as_deref().unwrap_or_default(), row.reason.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            ("euros", "the line mixes currencies"),
            ("nameless", "the line names no product"),
            ("total", "the line has no total"),
            ("minus", "the quantity is no decimal number above zero"),
            ("zero", "the quantity is no decimal number above zero"),
            ("bare", "the line is of another shape"),
        ]
    );
    assert_eq!(sales.lines.len(), 1);
}

#[test]
fn only_goods_of_completed_orders_count() {
    let mut open = order(json!([line("a", "1")]));
    open["state"] = json!("OPEN");
    assert_eq!(read(open).lines, []);
    let mut card = line("card", "1");
    card["item_type"] = json!("GIFT_CARD");
    let sales = read(order(json!([card])));
    assert_eq!((sales.lines.len(), sales.refused.len()), (0, 0));
}

#[test]
fn something_typed_in_by_hand_is_known_by_its_name() {
    let mut custom = line("a", "1");
    custom["catalog_object_id"] = Value::Null;
    custom["item_type"] = json!("CUSTOM_AMOUNT");
    custom["variation_name"] = json!("large");
    let sales = read(order(json!([custom])));
    assert_eq!(sales.lines[0].product, ProductReference::Named("Sourdough".to_owned()));
    assert_eq!(sales.lines[0].name, "Sourdough, large");
}

#[test]
fn quantities_are_plain_decimals() {
    for (text, value) in [("1", 1.0), ("0.5", 0.5), ("12.34567", 12.34567), ("999999999", 999_999_999.0)] {
        assert_eq!(quantity(text), Ok(value), "{text}");
    }
    for text in
        ["", ".", "1.", ".5", "1e3", "+1", "-1", "1,5", "NaN", "inf", " 1", "0", "0.00000", "1.234567"]
    {
        assert!(quantity(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_quantity_is_refused_or_finite_and_above_zero(text in "[-+0-9.,eE ]{0,14}") {
        if let Ok(quantity) = quantity(&text) {
            prop_assert!(quantity.is_finite() && quantity > 0.0, "{text} became {quantity}");
        }
    }
}

#[test]
fn a_strange_order_is_refused_or_read_without_strange_numbers() {
    let mut whole = order(json!([line("a", "2")]));
    let mut returned = line("r", "1");
    returned["source_line_item_uid"] = json!("a");
    whole["returns"] = json!([{"source_order_id": "O1", "return_line_items": [returned]}]);
    whole["fulfillments"] = json!([{"type": "PICKUP"}]);
    let period = Period { from: Timestamp::UNIX_EPOCH, to: Timestamp::MAX };
    for variant in crate::strange::variants(&whole) {
        let mut sales = Sales { period, lines: Vec::new(), refused: Vec::new() };
        let Ok(order) = serde_json::from_value(variant.clone()) else { continue };
        read_order(order, &mut sales);
        for line in &sales.lines {
            assert!(line.quantity.is_finite() && line.quantity != 0.0, "{variant}");
            assert_eq!(line.quantity < 0.0, line.return_of.is_some(), "{variant}");
            assert_eq!(line.total.currency.len(), 3, "{variant}");
        }
    }
}
