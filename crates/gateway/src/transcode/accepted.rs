//! Sentences that tell a client what a field would have accepted, and the nearest name to
//! one that does not exist.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

/// How a value of `kind` is written in JSON, with its article: "a string".
pub(crate) fn describe(kind: &Kind) -> String {
    match kind {
        Kind::Double | Kind::Float => "a number".into(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "a whole number from -2147483648 to 2147483647".into(),
        Kind::Uint32 | Kind::Fixed32 => "a whole number from 0 to 4294967295".into(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => "a whole number of 64 bits, as a string".into(),
        Kind::Uint64 | Kind::Fixed64 => "a whole number of 64 bits from 0, as a string".into(),
        Kind::Bool => "true or false".into(),
        Kind::String => "a string".into(),
        Kind::Bytes => "bytes in base64, as a string".into(),
        Kind::Enum(descriptor) => format!("one of {}", enum_names(descriptor)),
        Kind::Message(descriptor) => text_form(descriptor.full_name()).unwrap_or("an object").to_owned(),
    }
}

/// The text form of the well-known types that have one.
pub(crate) fn text_form(full_name: &str) -> Option<&'static str> {
    Some(match full_name {
        "google.protobuf.Timestamp" => {
            "an instant from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z, such as \"2026-11-22T08:30:00Z\""
        }
        "google.protobuf.Duration" => "a duration in seconds, such as \"1.5s\"",
        "google.protobuf.FieldMask" => "field names with commas between, such as \"name,brand\"",
        "google.protobuf.DoubleValue" | "google.protobuf.FloatValue" => "a number",
        "google.protobuf.Int32Value" => "a whole number from -2147483648 to 2147483647",
        "google.protobuf.UInt32Value" => "a whole number from 0 to 4294967295",
        "google.protobuf.Int64Value" => "a whole number of 64 bits, as a string",
        "google.protobuf.UInt64Value" => "a whole number of 64 bits from 0, as a string",
        "google.protobuf.BoolValue" => "true or false",
        "google.protobuf.StringValue" => "a string",
        "google.protobuf.BytesValue" => "bytes in base64, as a string",
        _ => return None,
    })
}

/// Says that an enum has no such value, with the nearest one when there is one near.
pub(crate) fn unknown_enum_value(descriptor: &EnumDescriptor, given: &str) -> String {
    let names: Vec<String> = descriptor.values().map(|value| value.name().to_owned()).collect();
    let hint = hint(given, names.iter().map(String::as_str));
    format!("{} is not one of {}{hint}", quoted(given), enum_names(descriptor))
}

/// Says that a message has no such field, with the nearest one when there is one near.
pub(crate) fn unknown_field(message: &MessageDescriptor, given: &str) -> String {
    let fields: Vec<FieldDescriptor> = message.fields().collect();
    let hint = hint(given, fields.iter().map(FieldDescriptor::json_name));
    if hint.is_empty() && fields.len() <= 16 && !fields.is_empty() {
        let names: Vec<&str> = fields.iter().map(FieldDescriptor::json_name).collect();
        return format!("there is no such field; there are {}", names.join(", "));
    }
    format!("there is no such field{hint}")
}

/// Text of a client, short enough to be repeated in an answer.
pub(crate) fn quoted(given: &str) -> String {
    if given.chars().count() > 64 {
        let short: String = given.chars().take(61).collect();
        return format!("{:?}", short + "...");
    }
    format!("{given:?}")
}

/// A path of fields, short enough to be repeated in an answer.
pub(crate) fn shortened(path: &str) -> String {
    if path.chars().count() > 256 {
        return path.chars().take(253).collect::<String>() + "...";
    }
    path.to_owned()
}

/// Base64 in either alphabet, padded or not.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, CONFIG).decode(text).ok()
}

fn enum_names(descriptor: &EnumDescriptor) -> String {
    let mut names: Vec<String> = Vec::new();
    for value in descriptor.values() {
        names.push(value.name().to_owned());
    }
    names.join(", ")
}

fn hint<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> String {
    if given.len() > 128 {
        return String::new();
    }
    let plain = |text: &str| text.replace('_', "").to_ascii_lowercase();
    let given = plain(given);
    let nearest = names.map(|name| (strsim::damerau_levenshtein(&plain(name), &given), name)).min();
    match nearest {
        Some((distance, name)) if distance <= tolerance(&given, &plain(name)) => {
            format!("; did you mean {name:?}?")
        }
        _ => String::new(),
    }
}

/// How many slips of the finger still count as near. What both begin with proves nothing:
/// every value of an enum begins alike.
fn tolerance(given: &str, name: &str) -> usize {
    let same = given.bytes().zip(name.bytes()).take_while(|(given, name)| given == name).count();
    let rest = given.len() - same;
    (1 + rest / 4).max(2).min(given.len() / 2)
}
