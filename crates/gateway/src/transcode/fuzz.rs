//! The way of JSON into messages, fed with what nobody would send: documents that fit a route, broken at random. A second of it
//! with every run of the tests, and as many as `LARDER_FUZZ_SECONDS` says, a minute in CI. The same seed each time finds the same.

use std::time::Duration;

use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::*;

/// Deeper documents are made by the breaking.
const DEPTH: usize = 4;
/// So many documents, however slow the machine.
const AT_LEAST: u64 = 500;
const LARGEST_BYTES: usize = 64 * 1024;
/// Whatever it is, a document of that size is read or refused in this time, also without optimisation.
const SLOWEST: Duration = Duration::from_secs(5);
/// What breaks parsers, and what the JSON of protobuf has of its own.
const WORDS: [&str; 34] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "null",
    "true",
    "-",
    "1e400",
    "-0",
    "1.5",
    "\"NaN\"",
    "\"Infinity\"",
    "9223372036854775808",
    "\"-1\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "{\"a\":",
    "[[[[[[[[",
    "}}}}}}}}",
    "\"2026-02-30T00:00:00Z\"",
    "\"1.0000000001s\"",
    "\"@type\"",
    "\"limit\"",
    "\"products\"",
    "\"productId\"",
    "\"product_id\"",
    "\u{feff}",
    "//",
    "\t",
    "\"\"",
];

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// A document that fits a message, with some of its fields.
fn document(message: &MessageDescriptor, chance: &mut Chance, depth: usize) -> Value {
    match message.full_name() {
        "google.protobuf.Timestamp" => return json!("2026-11-23T08:00:00.123456789Z"),
        "google.protobuf.Duration" => return json!("1.5s"),
        "google.protobuf.FieldMask" => return json!("name,displayName"),
        "google.protobuf.Struct" => return json!({"a": [1, null, {"b": "c"}]}),
        "google.protobuf.Value" => return json!([1, "two", {}]),
        name if name.starts_with("google.protobuf.") => return Value::Null,
        _ => {}
    }
    let mut fields = Map::new();
    for field in message.fields() {
        if chance.below(3) == 0 {
            continue;
        }
        let name = if chance.below(4) == 0 { field.name() } else { field.json_name() };
        let value = match field.kind() {
            Kind::Message(_) if depth == 0 => continue,
            Kind::Message(entry) if field.is_map() => {
                let value = entry.map_entry_value_field();
                json!({"1": value.kind().as_message().map_or(json!("x"), |inner| document(inner, chance, depth - 1))})
            }
            Kind::Message(inner) => document(&inner, chance, depth - 1),
            Kind::String => json!(["", "apple", "a/b?c=d", "\u{1f34e}", "x y"][chance.below(5)]),
            Kind::Bytes => json!("AAECAw=="),
            Kind::Bool => json!(chance.below(2) == 0),
            Kind::Enum(of) => {
                let values: Vec<_> = of.values().collect();
                json!(values[chance.below(values.len())].name())
            }
            Kind::Double | Kind::Float => json!(chance.below(1_000) as f64 / 8.0),
            _ => json!(chance.below(100)),
        };
        let value = if field.is_list() { json!([value.clone(), value]) } else { value };
        fields.insert(name.to_owned(), value);
    }
    Value::Object(fields)
}

/// Breaks a document in up to eight places.
fn broken(mut bytes: Vec<u8>, chance: &mut Chance) -> Vec<u8> {
    for _ in 0..chance.below(9) {
        let at = chance.below(bytes.len() + 1);
        let until = (at + chance.below(16)).min(bytes.len());
        match chance.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 => drop(bytes.drain(at..until)),
            2 => {
                let piece = bytes[at..until].to_vec();
                let place = chance.below(bytes.len() + 1);
                bytes.splice(place..place, piece);
            }
            3 => bytes.truncate(at),
            4 => {
                let piece = WORDS[chance.below(WORDS.len())].repeat(1 + chance.below(40));
                bytes.splice(at..at, piece.into_bytes());
            }
            _ => {
                let piece = WORDS[chance.below(WORDS.len())];
                bytes.splice(at..until, piece.bytes());
            }
        }
    }
    bytes.truncate(LARGEST_BYTES);
    bytes
}

/// What an accepted request tells the service, as JSON.
fn told(route: &Route, built: &BuiltRequest) -> Value {
    let message = DynamicMessage::decode(route.rpc.input(), built.message.clone());
    serde_json::to_value(message.expect("what is accepted is a message")).unwrap()
}

#[test]
fn no_document_breaks_the_way_and_what_is_accepted_is_accepted_again_as_it_was_understood() {
    let seconds = std::env::var("LARDER_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let pool = DescriptorPool::decode(larder_proto::FILE_DESCRIPTOR_SET).unwrap();
    let table = RouteTable::new(routes_of(&pool).unwrap()).unwrap();
    let routes: Vec<&Route> = table.iter().filter(|route| matches!(route.body, RequestBody::Whole)).collect();
    let mut chance = Chance(20_261_123);
    let (mut accepted, mut refused) = (0_u64, 0_u64);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end || accepted + refused < AT_LEAST {
        let route = routes[chance.below(routes.len())];
        let captures = vec!["apple-1".to_owned(); route.variables.len()];
        let whole = document(&route.rpc.input(), &mut chance, DEPTH).to_string().into_bytes();
        let body = broken(whole, &mut chance);
        let began = Instant::now();
        let built = build_request(route, &captures, None, &body);
        assert!(began.elapsed() < SLOWEST, "{}: {}", route.label, String::from_utf8_lossy(&body));
        let Ok(built) = built else {
            refused += 1;
            continue;
        };
        accepted += 1;
        let understood = told(route, &built);
        let again = build_request(route, &captures, None, understood.to_string().as_bytes());
        let again = again.unwrap_or_else(|error| panic!("{}: {understood}: {error:?}", route.label));
        assert_eq!(told(route, &again), understood, "{}: {}", route.label, String::from_utf8_lossy(&body));
    }
    assert!(
        accepted > AT_LEAST / 50 && refused > AT_LEAST / 50,
        "{accepted} were accepted and {refused} refused"
    );
}
