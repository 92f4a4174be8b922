//! Messages and enums as JSON Schema (2020-12), the way proto JSON writes them.

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::comments::Comments;
use super::rules;

/// The schemas that the document refers to; what is referred to is written too.
pub(crate) struct Schemas<'a> {
    comments: &'a Comments,
    written: BTreeMap<String, Value>,
}

impl<'a> Schemas<'a> {
    pub(crate) fn new(comments: &'a Comments) -> Self {
        let written = BTreeMap::from([("Problem".to_owned(), problem())]);
        Self { comments, written }
    }

    /// All schemas by name.
    pub(crate) fn finish(self) -> Value {
        Value::Object(self.written.into_iter().collect())
    }

    /// A message where it is used.
    pub(crate) fn message(&mut self, message: &MessageDescriptor) -> Value {
        if let Some(schema) = well_known(message.full_name()) {
            return schema;
        }
        let name = message.full_name().to_owned();
        if !self.written.contains_key(&name) {
            // Taken first, so that a message that holds itself ends.
            self.written.insert(name.clone(), Value::Null);
            let schema = self.write_message(message);
            self.written.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    /// A field where it is used, with its comment.
    pub(crate) fn field(&mut self, field: &FieldDescriptor) -> Value {
        let mut schema = if field.is_map() {
            let values = match field.kind() {
                Kind::Message(entry) => self.kind(&entry.map_entry_value_field().kind()),
                other => self.kind(&other),
            };
            json!({"type": "object", "additionalProperties": values})
        } else if field.is_list() {
            json!({"type": "array", "items": self.kind(&field.kind())})
        } else {
            self.kind(&field.kind())
        };
        if let Some(comment) = self.comments.of_field(field) {
            schema["description"] = json!(comment);
        }
        rules::write(field, &mut schema);
        schema
    }

    fn kind(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Double => json!({"type": "number", "format": "double"}),
            Kind::Float => json!({"type": "number", "format": "float"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({"type": "integer", "format": "int32"}),
            Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "format": "int64", "minimum": 0}),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({"type": "string", "format": "int64"}),
            Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "format": "uint64"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Enum(descriptor) => self.enumeration(descriptor),
            Kind::Message(message) => self.message(message),
        }
    }

    fn write_message(&mut self, message: &MessageDescriptor) -> Value {
        let mut properties = Map::new();
        for field in message.fields() {
            properties.insert(field.json_name().to_owned(), self.field(&field));
        }
        let mut schema = json!({"type": "object", "properties": properties});
        let required: Vec<String> =
            message.fields().filter(rules::is_required).map(|field| field.json_name().to_owned()).collect();
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if let Some(comment) = self.comments.of_message(message) {
            schema["description"] = json!(comment);
        }
        schema
    }

    fn enumeration(&mut self, descriptor: &EnumDescriptor) -> Value {
        let name = descriptor.full_name().to_owned();
        if !self.written.contains_key(&name) {
            let values: Vec<String> = descriptor.values().map(|value| value.name().to_owned()).collect();
            let mut about = self.comments.of_enum(descriptor).unwrap_or_default().to_owned();
            for value in descriptor.values() {
                if let Some(comment) = self.comments.of_enum_value(&value) {
                    about.push_str(&format!("\n- `{}`: {comment}", value.name()));
                }
            }
            let schema = json!({"type": "string", "enum": values, "description": about.trim()});
            self.written.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }
}

/// Types that proto JSON does not write as objects of their fields.
fn well_known(full_name: &str) -> Option<Value> {
    Some(match full_name {
        "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
        "google.protobuf.Duration" => json!({"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$"}),
        "google.protobuf.FieldMask" | "google.protobuf.StringValue" => json!({"type": "string"}),
        "google.protobuf.BoolValue" => json!({"type": "boolean"}),
        "google.protobuf.BytesValue" => json!({"type": "string", "contentEncoding": "base64"}),
        "google.protobuf.DoubleValue" | "google.protobuf.FloatValue" => json!({"type": "number"}),
        "google.protobuf.Int32Value" | "google.protobuf.UInt32Value" => json!({"type": "integer"}),
        "google.protobuf.Int64Value" | "google.protobuf.UInt64Value" => json!({"type": "string"}),
        "google.protobuf.Struct" | "google.protobuf.Empty" => json!({"type": "object"}),
        "google.protobuf.ListValue" => json!({"type": "array"}),
        "google.protobuf.Value" => json!({}),
        "google.protobuf.Any" => json!({
            "type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"],
            "additionalProperties": true,
        }),
        _ => return None,
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "A problem document (RFC 9457).",
        "required": ["type", "title", "status", "detail", "instance", "code"],
        "properties": {
            "type": {"type": "string", "description": "A URN that names the kind of problem."},
            "title": {"type": "string"},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {"type": "string", "description": "What was refused and what would be accepted."},
            "instance": {"type": "string", "description": "The path that was asked for."},
            "code": {"type": "string", "description": "The google.rpc.Code, such as INVALID_ARGUMENT."},
            "correlationId": {"type": "string", "description": "Finds the request in the logs."},
            "reason": {"type": "string", "description": "A word that programs can compare."},
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "description"],
                    "properties": {"field": {"type": "string"}, "description": {"type": "string"}},
                },
            },
        },
    })
}
