//! The rules of fields (`larder.rules.v1`) as JSON Schema says them.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind};
use serde_json::{Value, json};

/// Whether a field may not be left out.
pub(super) fn is_required(field: &FieldDescriptor) -> bool {
    rule_of(field).is_some_and(|rule| get(&rule, "required").as_bool() == Some(true))
}

/// Adds the rule of a field, if it has one, to its schema.
pub(super) fn write(field: &FieldDescriptor, schema: &mut Value) {
    let Some(rule) = rule_of(field) else { return };
    let whole = |name: &str| get(&rule, name).as_i32().filter(|number| *number > 0);
    if let Some(most) = whole("max_items") {
        schema["maxItems"] = json!(most);
    }
    let is_list = field.is_list();
    let is_required = get(&rule, "required").as_bool() == Some(true);
    if is_list && is_required {
        schema["minItems"] = json!(1);
    }
    let Some(of) = (if is_list { schema.get_mut("items") } else { Some(schema) }) else { return };
    let least =
        whole("min_length").or(Some(1).filter(|_| is_required && !is_list && field.kind() == Kind::String));
    if let Some(least) = least.filter(|_| is_required || is_list) {
        of["minLength"] = json!(least);
    }
    if let Some(most) = whole("max_length") {
        of["maxLength"] = json!(most);
    }
    if let Some(characters) = get(&rule, "characters").as_str().filter(|characters| !characters.is_empty()) {
        of["pattern"] = json!(format!("^[{characters}]*$"));
    }
    for name in ["minimum", "maximum"] {
        // Numbers that the JSON of protobuf writes as texts have no bounds in a schema.
        if rule.has_field_by_name(name) && of["type"] != "string" {
            let bound = get(&rule, name).as_f64().unwrap_or_default();
            of[name] = if bound.fract() == 0.0 { json!(bound as i64) } else { json!(bound) };
        }
    }
}

fn rule_of(field: &FieldDescriptor) -> Option<DynamicMessage> {
    let extension = field.parent_pool().get_extension_by_name("larder.rules.v1.rule")?;
    let options = field.options();
    if !options.has_extension(&extension) {
        return None;
    }
    options.get_extension(&extension).as_message().cloned()
}

fn get(rule: &DynamicMessage, name: &str) -> prost_reflect::Value {
    rule.get_field_by_name(name).map_or(prost_reflect::Value::Bool(false), std::borrow::Cow::into_owned)
}
