//! The rules of fields as tables, for every message that an RPC takes or gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

const EXTENSION: &str = "larder.rules.v1.rule";

/// The generated file.
pub(crate) fn write(descriptors: &[u8]) -> String {
    let pool = DescriptorPool::decode(descriptors).unwrap();
    let mut said = BTreeMap::new();
    let mut inputs = BTreeSet::new();
    for service in pool.services().filter(|service| service.full_name().starts_with("larder.")) {
        for method in service.methods() {
            // Each message of a caller's stream gets an answer of its own; a decoder could but end the stream.
            if !method.is_client_streaming() {
                inputs.insert(method.input().full_name().to_owned());
            }
            for message in [method.input(), method.output()] {
                said.insert(message.full_name().to_owned(), message);
            }
        }
    }
    let mut text = String::from(
        "// @generated from the larder.rules.v1.rule options in proto/\n\
         use larder_rules::{Field, Kind, Message, Rule, Ruled};\n\n",
    );
    let mut tables = BTreeMap::new();
    for name in &inputs {
        collect(&said[name], &mut tables);
    }
    for (name, message) in &tables {
        table(&mut text, name, message, &tables);
    }
    for (name, message) in &said {
        // Answers are never checked, and neither is what has no rule.
        let is_checked = inputs.contains(name) && tables.contains_key(name);
        let rules = if is_checked { format!("Some(&{})", constant(name)) } else { "None".to_owned() };
        writeln!(text, "impl Ruled for crate::{} {{", path(message)).unwrap();
        writeln!(text, "    const RULES: Option<&'static Message> = {rules};\n}}").unwrap();
    }
    text
}

/// Every message from here on that has a rule, or holds one that has.
fn collect(message: &MessageDescriptor, tables: &mut BTreeMap<String, MessageDescriptor>) {
    if has_rules(message, &mut BTreeSet::new())
        && tables.insert(message.full_name().to_owned(), message.clone()).is_none()
    {
        for field in message.fields() {
            if let Kind::Message(inner) = field.kind() {
                collect(&inner, tables);
            }
        }
    }
}

fn has_rules(message: &MessageDescriptor, seen: &mut BTreeSet<String>) -> bool {
    seen.insert(message.full_name().to_owned())
        && message.fields().any(|field| {
            let kind = field.kind();
            rule_of(&field).is_some() || kind.as_message().is_some_and(|inner| has_rules(inner, seen))
        })
}

fn rule_of(field: &FieldDescriptor) -> Option<DynamicMessage> {
    let extension = field.parent_pool().get_extension_by_name(EXTENSION).unwrap();
    let options = field.options();
    if !options.has_extension(&extension) {
        return None;
    }
    assert!(!field.is_map(), "{}: maps take no rule", field.full_name());
    options.get_extension(&extension).as_message().cloned()
}

fn table(
    text: &mut String,
    name: &str,
    message: &MessageDescriptor,
    tables: &BTreeMap<String, MessageDescriptor>,
) {
    writeln!(text, "static {}: Message = Message {{ fields: &[", constant(name)).unwrap();
    for field in message.fields() {
        let rule = rule_of(&field);
        let inner = field.kind().as_message().map(|inner| inner.full_name().to_owned());
        let inner = inner.filter(|inner| tables.contains_key(inner));
        if rule.is_none() && inner.is_none() {
            continue;
        }
        writeln!(
            text,
            "    Field {{ number: {}, name: {:?}, kind: Kind::{}, is_list: {}, has_presence: {}, rule: {}, inner: {} }},",
            field.number(),
            field.name(),
            kind(&field),
            field.is_list(),
            field.supports_presence(),
            rule.map_or_else(|| "Rule::NONE".to_owned(), |rule| spelled(&field, &rule)),
            inner.map_or_else(|| "None".to_owned(), |inner| format!("Some(&{})", constant(&inner))),
        )
        .unwrap();
    }
    text.push_str("] };\n");
}

fn spelled(field: &FieldDescriptor, rule: &DynamicMessage) -> String {
    let get = |name: &str| rule.get_field_by_name(name).unwrap().into_owned();
    let whole = |name: &str| get(name).as_i32().unwrap();
    let bound = |name: &str| match rule.has_field_by_name(name) {
        true => format!("Some({:?})", get(name).as_f64().unwrap()),
        false => "None".to_owned(),
    };
    let is_text = field.kind() == Kind::String;
    let (min, max) = (whole("min_length"), whole("max_length"));
    let Value::String(characters) = get("characters") else { panic!("a text") };
    assert!(is_text || (min, max, characters.as_str()) == (0, 0, ""), "{}: is no text", field.full_name());
    let is_bounded = rule.has_field_by_name("minimum") || rule.has_field_by_name("maximum");
    assert!(
        !is_bounded || !matches!(kind(field), "Text" | "Bytes" | "Message"),
        "{}: is no number",
        field.full_name()
    );
    assert!(field.is_list() || whole("max_items") == 0, "{}: is no list", field.full_name());
    format!(
        "Rule {{ required: {}, min_length: {min}, max_length: {max}, characters: {characters:?}, minimum: {}, maximum: {}, max_items: {} }}",
        get("required").as_bool().unwrap(),
        bound("minimum"),
        bound("maximum"),
        whole("max_items"),
    )
}

fn kind(field: &FieldDescriptor) -> &'static str {
    match field.kind() {
        Kind::String => "Text",
        Kind::Bytes => "Bytes",
        Kind::Message(_) => "Message",
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Enum(_) | Kind::Bool => "Whole",
        Kind::Sint32 | Kind::Sint64 => "ZigZag",
        Kind::Double => "Double",
        Kind::Float => "Float",
        other => panic!("{}: no rules are known for {other:?}", field.full_name()),
    }
}

fn constant(name: &str) -> String {
    name.replace('.', "_").to_ascii_uppercase()
}

/// `larder.catalog.v1.GetProductRequest` as Rust has it.
fn path(message: &MessageDescriptor) -> String {
    assert!(message.parent_message().is_none(), "{}: RPCs take messages of their own", message.full_name());
    message.full_name().replace('.', "::")
}
