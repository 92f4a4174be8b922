//! Examples in the document: what a field of this name could hold, and messages made of such fields. The names are those
//! that the contract uses everywhere, so no message is known here.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

/// Messages within messages are shown this deep.
const DEPTH: usize = 3;

/// Texts by the names of their fields.
const TEXTS: [(&str, &str); 44] = [
    ("backup_id", "0193f3a2-7c1e-7d30-9a55-3a1f6f0f8f11"),
    ("brand", "Mill & Sons"),
    ("budget_id", "groceries-november"),
    ("category", "bread"),
    ("categories", "bread"),
    ("country_code", "AT"),
    ("currency_code", "EUR"),
    ("customer_id", "ann"),
    ("diets", "vegetarian"),
    ("display_name", "Corner bakery"),
    ("email", "ann@shop.example"),
    ("erasure_id", "0193f3a2-7c1e-7d30-9a55-3a1f6f0f8f18"),
    ("event_id", "0193f3a2-7c1e-7d30-9a55-3a1f6f0f8f12"),
    ("exclude_product_ids", "rye-bread"),
    ("experiment_id", "diverse-home"),
    ("flag_key", "recommendation-model"),
    ("food_id", "rye-bread"),
    ("from_month", "2026-01"),
    ("hold_id", "0193f3a2-7c1e-7d30-9a55-3a1f6f0f8f19"),
    ("incident_id", "0193f3a2-7c1e-7d30-9a55-3a1f6f0f8f13"),
    ("key_id", "0193f3a2-7c1e-7d30-9a55-3a1f6f0f8f14"),
    ("market_id", "saturday-square"),
    ("model_version", "20261123T060000.000000Z-5c1e"),
    ("month", "2026-11"),
    ("name", "Rye bread"),
    ("note", "rain in the morning"),
    ("package_size", "500 g"),
    ("placement", "home"),
    ("plan", "business"),
    ("product_id", "rye-bread"),
    ("product_ids", "rye-bread"),
    ("promotion_id", "bread-week"),
    ("reason", "a sack of flour was wet"),
    ("role_id", "baker"),
    ("sale_id", "till-1-4711"),
    ("session_id", "0193f3a2-7c1e-7d30-9a55-3a1f6f0f8f15"),
    ("silence_id", "0193f3a2-7c1e-7d30-9a55-3a1f6f0f8f16"),
    ("tags", "organic"),
    ("targeting_key", "ann"),
    ("tenant_id", "bakery"),
    ("time_zone", "Europe/Vienna"),
    ("until_month", "2026-11"),
    ("user_id", "0193f3a2-7c1e-7d30-9a55-3a1f6f0f8f17"),
    ("zone", "Europe/Vienna"),
];
/// Numbers by the names of their fields.
const NUMBERS: [(&str, i64); 6] =
    [("day", 23), ("limit", 5), ("month", 11), ("page_size", 20), ("quantity", 2), ("year", 2026)];

/// What a field could hold, where its name or type says it.
pub(super) fn of_field(field: &FieldDescriptor) -> Option<Value> {
    field_within(field, DEPTH)
}

/// A message with every field that has an example; of each oneof the first.
pub(super) fn of_message(message: &MessageDescriptor) -> Option<Value> {
    message_within(message, DEPTH)
}

fn field_within(field: &FieldDescriptor, depth: usize) -> Option<Value> {
    if field.is_map() {
        return None;
    }
    let one = match field.kind() {
        Kind::String => TEXTS.iter().find(|(name, _)| *name == field.name()).map(|(_, text)| json!(text)),
        Kind::Int64 | Kind::Uint64 => number(field).map(|number| json!(number.to_string())),
        Kind::Int32 | Kind::Uint32 | Kind::Double | Kind::Float => number(field).map(|number| json!(number)),
        Kind::Enum(of) => first_value(&of),
        Kind::Message(message) => message_within(&message, depth),
        _ => None,
    }?;
    Some(if field.is_list() { json!([one]) } else { one })
}

fn message_within(message: &MessageDescriptor, depth: usize) -> Option<Value> {
    match message.full_name() {
        "google.protobuf.Timestamp" => return Some(json!("2026-11-23T08:00:00Z")),
        "google.protobuf.Duration" => return Some(json!("3600s")),
        "google.type.Money" => {
            return Some(json!({"currencyCode": "EUR", "units": "2", "nanos": 400_000_000}));
        }
        name if name.starts_with("google.protobuf.") => return None,
        _ => {}
    }
    let depth = depth.checked_sub(1)?;
    let mut fields = Map::new();
    for field in message.fields() {
        let is_further = field.containing_oneof().is_some_and(|oneof| {
            !oneof.is_synthetic() && oneof.fields().next().is_some_and(|first| first != field)
        });
        if let Some(value) = field_within(&field, depth).filter(|_| !is_further) {
            fields.insert(field.json_name().to_owned(), value);
        }
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

fn number(field: &FieldDescriptor) -> Option<i64> {
    NUMBERS.iter().find(|(name, _)| *name == field.name()).map(|(_, number)| *number)
}

/// The first value that says something.
fn first_value(of: &EnumDescriptor) -> Option<Value> {
    of.values().find(|value| value.number() != 0).map(|value| json!(value.name()))
}
