//! Finds out what is wrong with a JSON body that could not be read, and names every field
//! to blame. Runs only after the fast reader has refused, so it may take its time.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use super::accepted;
use super::request::Violation;

/// No answer lists more than this many.
pub(crate) const MAX_VIOLATIONS: usize = 20;

/// Everything wrong with `value` as a message of `descriptor`; never empty, since `error`
/// is told when nothing better is found.
pub(crate) fn explain(
    descriptor: &MessageDescriptor,
    value: &Value,
    error: &serde_json::Error,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    check_message(descriptor, value, "", &mut violations);
    if violations.is_empty() {
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
        violations.push(Violation { field: String::new(), description: reason });
    }
    violations
}

fn check_message(descriptor: &MessageDescriptor, value: &Value, path: &str, found: &mut Vec<Violation>) {
    if descriptor.full_name().starts_with("google.protobuf.") {
        if DynamicMessage::deserialize(descriptor.clone(), value).is_err() {
            refuse(path, &accepted::describe(&Kind::Message(descriptor.clone())), value, found);
        }
        return;
    }
    let Value::Object(members) = value else {
        return refuse(path, "an object", value, found);
    };
    for (name, member) in members {
        if found.len() >= MAX_VIOLATIONS {
            return;
        }
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let field = descriptor.get_field_by_json_name(name).or_else(|| descriptor.get_field_by_name(name));
        match field {
            Some(field) => check_field(&field, member, &path, found),
            None => {
                let description = accepted::unknown_field(descriptor, name);
                found.push(Violation { field: accepted::shortened(&path), description });
            }
        }
    }
}

fn check_field(field: &FieldDescriptor, value: &Value, path: &str, found: &mut Vec<Violation>) {
    if value.is_null() {
        return;
    }
    if field.is_list() {
        let Value::Array(elements) = value else {
            return refuse(path, "a list", value, found);
        };
        for (at, element) in elements.iter().enumerate() {
            if found.len() >= MAX_VIOLATIONS {
                return;
            }
            check_one(&field.kind(), element, &format!("{path}[{at}]"), found);
        }
    } else if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
        let Value::Object(members) = value else {
            return refuse(path, "an object", value, found);
        };
        for (name, member) in members {
            if found.len() >= MAX_VIOLATIONS {
                return;
            }
            check_one(&entry.map_entry_value_field().kind(), member, &format!("{path}.{name}"), found);
        }
    } else {
        check_one(&field.kind(), value, path, found);
    }
}

fn check_one(kind: &Kind, value: &Value, path: &str, found: &mut Vec<Violation>) {
    let fits = match kind {
        Kind::Message(descriptor) => return check_message(descriptor, value, path, found),
        Kind::Enum(descriptor) => {
            if let Value::String(name) = value
                && descriptor.get_value_by_name(name).is_none()
            {
                let description = accepted::unknown_enum_value(descriptor, name);
                found.push(Violation { field: accepted::shortened(path), description });
                return;
            }
            value.is_string() || integer(value).is_some_and(|number| i32::try_from(number).is_ok())
        }
        Kind::Bool => value.is_boolean(),
        Kind::String => value.is_string(),
        Kind::Bytes => value.as_str().is_some_and(|text| accepted::base64(text).is_some()),
        Kind::Double | Kind::Float => {
            value.is_number() || value.as_str().is_some_and(|text| text.parse::<f64>().is_ok())
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            integer(value).is_some_and(|number| i32::try_from(number).is_ok())
        }
        Kind::Uint32 | Kind::Fixed32 => integer(value).is_some_and(|number| u32::try_from(number).is_ok()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            integer(value).is_some_and(|number| i64::try_from(number).is_ok())
        }
        Kind::Uint64 | Kind::Fixed64 => integer(value).is_some_and(|number| u64::try_from(number).is_ok()),
    };
    if !fits {
        refuse(path, &accepted::describe(kind), value, found);
    }
}

/// A whole number, written as a number or as a string.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => Some(number.into()),
            (_, Some(number), _) => Some(number.into()),
            (_, _, Some(number)) if number.fract() == 0.0 && number.abs() < 1e19 => Some(number as i128),
            _ => None,
        },
        _ => None,
    }
}

fn refuse(path: &str, expected: &str, value: &Value, found: &mut Vec<Violation>) {
    let given = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("the string {}", accepted::quoted(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    let description = format!("expected {expected}, not {given}");
    found.push(Violation { field: accepted::shortened(path), description });
}
