//! One value written as text, in a path or a query, read as the field's type. Accepts what
//! proto JSON accepts inside quotes, and says what it would have accepted.

use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value};
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::accepted;

/// Whether a message can be written as one piece of text, such as a Timestamp.
pub(crate) fn has_text_form(message: &MessageDescriptor) -> bool {
    accepted::text_form(message.full_name()).is_some()
}

/// Reads `text` as one value of `field` (of one element, when it is a list).
///
/// # Errors
/// What would be accepted instead.
pub(crate) fn read(field: &FieldDescriptor, text: &str) -> Result<Value, String> {
    let expected = || format!("{text:?} is not {}", accepted::describe(&field.kind()));
    let value = match field.kind() {
        Kind::Double => real(text).map(Value::F64),
        Kind::Float => real(text).map(|number| Value::F32(number as f32)),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => text.parse().ok().map(Value::I32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => text.parse().ok().map(Value::I64),
        Kind::Uint32 | Kind::Fixed32 => text.parse().ok().map(Value::U32),
        Kind::Uint64 | Kind::Fixed64 => text.parse().ok().map(Value::U64),
        Kind::Bool => boolean(text).map(Value::Bool),
        Kind::String => Some(Value::String(text.to_owned())),
        Kind::Bytes => accepted::base64(text).map(|bytes| Value::Bytes(bytes.into())),
        Kind::Enum(descriptor) => return enumeration(&descriptor, text).map(Value::EnumNumber),
        Kind::Message(descriptor) => message(&descriptor, text).map(Value::Message),
    };
    value.ok_or_else(expected)
}

fn real(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => text.parse::<f64>().ok().filter(|number| number.is_finite()),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn enumeration(descriptor: &EnumDescriptor, text: &str) -> Result<i32, String> {
    if let Some(value) = descriptor.get_value_by_name(text) {
        return Ok(value.number());
    }
    let number = text.parse().ok().filter(|number| descriptor.get_value(*number).is_some());
    number.ok_or_else(|| accepted::unknown_enum_value(descriptor, text))
}

fn message(descriptor: &MessageDescriptor, text: &str) -> Option<DynamicMessage> {
    if descriptor.full_name() == "google.protobuf.BoolValue" {
        let mut wrapper = DynamicMessage::new(descriptor.clone());
        wrapper.set_field_by_name("value", Value::Bool(boolean(text)?));
        return Some(wrapper);
    }
    has_text_form(descriptor).then_some(())?;
    let deserializer: StrDeserializer<'_, ValueError> = text.into_deserializer();
    DynamicMessage::deserialize(descriptor.clone(), deserializer).ok()
}
