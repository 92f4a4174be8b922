//! Square's JSON as far as we read it. Fields that Square leaves out when they are empty are optional here; rows are
//! read one by one, so that a strange one spoils no page.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(super) struct OrdersPage {
    #[serde(default)]
    pub(super) orders: Vec<Value>,
    pub(super) cursor: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct OneOrder {
    pub(super) order: Value,
}

#[derive(Deserialize)]
pub(super) struct ObjectsPage {
    #[serde(default)]
    pub(super) objects: Vec<Value>,
    pub(super) cursor: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct CountsPage {
    #[serde(default)]
    pub(super) counts: Vec<Value>,
    pub(super) cursor: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct LocationsPage {
    #[serde(default)]
    pub(super) locations: Vec<Value>,
}

#[derive(Deserialize)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) location_id: String,
    #[serde(default)]
    pub(super) version: i64,
    pub(super) state: Option<String>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) closed_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) line_items: Vec<Value>,
    #[serde(default)]
    pub(super) returns: Vec<Return>,
    #[serde(default)]
    pub(super) fulfillments: Vec<Value>,
}

#[derive(Deserialize)]
pub(super) struct Return {
    pub(super) source_order_id: Option<String>,
    #[serde(default)]
    pub(super) return_line_items: Vec<Value>,
}

/// A line of an order, or of a return.
#[derive(Deserialize)]
pub(super) struct Line {
    pub(super) uid: String,
    pub(super) name: Option<String>,
    pub(super) variation_name: Option<String>,
    pub(super) quantity: String,
    pub(super) catalog_object_id: Option<String>,
    pub(super) item_type: Option<String>,
    pub(super) base_price_money: Option<WireMoney>,
    pub(super) total_discount_money: Option<WireMoney>,
    pub(super) total_tax_money: Option<WireMoney>,
    pub(super) total_money: Option<WireMoney>,
    pub(super) source_line_item_uid: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireMoney {
    #[serde(default)]
    pub(super) amount: i64,
    pub(super) currency: String,
}

#[derive(Deserialize)]
pub(super) struct CatalogObject {
    pub(super) id: String,
    #[serde(default)]
    pub(super) is_deleted: bool,
    pub(super) item_data: Option<ItemData>,
    pub(super) item_variation_data: Option<VariationData>,
}

#[derive(Deserialize)]
pub(super) struct ItemData {
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) variations: Vec<CatalogObject>,
}

#[derive(Deserialize)]
pub(super) struct VariationData {
    pub(super) item_id: String,
    pub(super) name: Option<String>,
    pub(super) sku: Option<String>,
    pub(super) price_money: Option<WireMoney>,
}

#[derive(Deserialize)]
pub(super) struct Count {
    pub(super) catalog_object_id: String,
    pub(super) location_id: String,
    pub(super) state: String,
    pub(super) quantity: String,
    pub(super) calculated_at: Timestamp,
}
