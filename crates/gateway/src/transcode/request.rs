//! Makes one request message of a path, a query and a body. Whatever does not fit is told
//! with the field's name as the client wrote it and what would be accepted.

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage, Value};

use super::batch::{self, RefusedRow};
use super::rule::{RequestBody, Route};
use super::{accepted, diagnose, percent, text};

/// One thing wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The path of the field, such as `products[2].price`; empty when no field is to blame.
    pub(crate) field: String,
    pub(crate) description: String,
}

/// Why a request could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadRequest {
    /// The body is not JSON at all.
    Malformed { reason: String, line: usize, column: usize },
    /// It is JSON, but not of this request.
    Fields(Vec<Violation>),
}

impl BadRequest {
    /// One sentence for all of `violations`: the first, and how many more there are.
    pub(crate) fn summary(violations: &[Violation]) -> String {
        let Some(first) = violations.first() else { return "the request cannot be read".into() };
        let mut sentence = match first.field.as_str() {
            "" => first.description.clone(),
            field => format!("{field}: {}", first.description),
        };
        if violations.len() > 1 {
            sentence.push_str(&format!(" (and {} more)", violations.len() - 1));
        }
        sentence
    }
}

/// A request as the upstream takes it.
#[derive(Debug)]
pub(crate) struct BuiltRequest {
    pub(crate) message: Bytes,
    /// Rows of a batch that could not be read; an empty row stands in for each, which the
    /// upstream refuses, and its verdict is replaced on the way back.
    pub(crate) refused_rows: Vec<RefusedRow>,
}

/// Builds the request of `route`. `captures` and `query` are still percent-encoded.
pub(crate) fn build(
    route: &Route,
    captures: &[String],
    query: Option<&str>,
    body: &[u8],
) -> Result<BuiltRequest, BadRequest> {
    let input = route.rpc.input();
    let mut refused_rows = Vec::new();
    let mut message = match &route.body {
        RequestBody::None => DynamicMessage::new(input),
        RequestBody::Field(field) => read_field_body(&input, field, body)?,
        RequestBody::Whole if body.trim_ascii().is_empty() => DynamicMessage::new(input),
        RequestBody::Whole => match read_json(&input, body) {
            Ok(message) => message,
            Err(refusal) => match &route.batch {
                Some(shape) => batch::read_rows(shape, &input, body, &mut refused_rows).ok_or(refusal)?,
                None => return Err(refusal),
            },
        },
    };
    let mut violations = Vec::new();
    fill_from_path(route, captures, &mut message, &mut violations);
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        fill_from_query(route, query, &mut message, &mut violations);
    }
    if violations.is_empty() {
        Ok(BuiltRequest { message: message.encode_to_vec().into(), refused_rows })
    } else {
        Err(BadRequest::Fields(violations))
    }
}

/// Reads `body` as a message of `descriptor`.
pub(crate) fn read_json(descriptor: &MessageDescriptor, body: &[u8]) -> Result<DynamicMessage, BadRequest> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = DynamicMessage::deserialize(descriptor.clone(), &mut deserializer)
        .and_then(|message| deserializer.end().map(|()| message));
    read.map_err(|error| match serde_json::from_slice(body) {
        Ok(value) => BadRequest::Fields(diagnose::explain(descriptor, &value, &error)),
        Err(error) => malformed(&error),
    })
}

fn read_field_body(
    input: &MessageDescriptor,
    field: &FieldDescriptor,
    body: &[u8],
) -> Result<DynamicMessage, BadRequest> {
    if body.trim_ascii().is_empty() {
        return Ok(DynamicMessage::new(input.clone()));
    }
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    let whole = serde_json::json!({ field.json_name(): value });
    DynamicMessage::deserialize(input.clone(), &whole)
        .map_err(|error| BadRequest::Fields(diagnose::explain(input, &whole, &error)))
}

fn malformed(error: &serde_json::Error) -> BadRequest {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
    BadRequest::Malformed { reason, line: error.line(), column: error.column() }
}

fn fill_from_path(
    route: &Route,
    captures: &[String],
    message: &mut DynamicMessage,
    violations: &mut Vec<Violation>,
) {
    let variables = route.template.variables.iter().zip(&route.variables);
    for ((variable, fields), raw) in variables.zip(captures) {
        let mut refuse = |description: String| {
            violations.push(Violation { field: json_path(fields), description });
        };
        let value = match percent::decode(raw, false, variable.multi) {
            Ok(decoded) => text::read(&fields[fields.len() - 1], &decoded),
            Err(reason) => Err(format!("its part of the path {reason}")),
        };
        match value {
            Ok(value) if differs(message, fields, &value) => {
                refuse("is set by the path, and the body says otherwise".into());
            }
            Ok(value) => set(message, fields, value),
            Err(reason) => refuse(reason),
        }
    }
}

/// Whether the body has already set the field, to something else.
fn differs(message: &DynamicMessage, fields: &[FieldDescriptor], value: &Value) -> bool {
    let (field, rest) = (&fields[0], &fields[1..]);
    if !message.has_field(field) {
        return false;
    }
    let present = message.get_field(field);
    match present.as_message() {
        Some(nested) if !rest.is_empty() => differs(nested, rest, value),
        _ => present.as_ref() != value,
    }
}

fn set(message: &mut DynamicMessage, fields: &[FieldDescriptor], value: Value) {
    let (field, rest) = (&fields[0], &fields[1..]);
    if rest.is_empty() {
        if field.is_list() {
            if let Value::List(values) = message.get_field_mut(field) {
                values.push(value);
            }
        } else {
            message.set_field(field, value);
        }
    } else if let Value::Message(nested) = message.get_field_mut(field) {
        set(nested, rest, value);
    }
}

fn fill_from_query(
    route: &Route,
    query: &str,
    message: &mut DynamicMessage,
    violations: &mut Vec<Violation>,
) {
    let mut given: Vec<Vec<FieldDescriptor>> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if let Err(violation) = fill_one(route, name, value, message, &mut given) {
            violations.push(violation);
        }
        if violations.len() >= diagnose::MAX_VIOLATIONS {
            return;
        }
    }
}

fn fill_one(
    route: &Route,
    name: &str,
    value: &str,
    message: &mut DynamicMessage,
    given: &mut Vec<Vec<FieldDescriptor>>,
) -> Result<(), Violation> {
    let refuse = |field: &str, description: String| Violation { field: field.to_owned(), description };
    let name = percent::decode(name, true, false)
        .map_err(|reason| refuse("", format!("the name of a query parameter {reason}")))?;
    let value = percent::decode(value, true, false).map_err(|reason| refuse(&name, reason.into()))?;
    if matches!(route.body, RequestBody::Whole) {
        return Err(refuse(&name, "this route takes its fields from the body, not from the query".into()));
    }
    let fields = resolve(&message.descriptor(), &name).map_err(|description| refuse(&name, description))?;
    if route.variables.contains(&fields) {
        return Err(refuse(&name, "is set by the path and may not be given again".into()));
    }
    if matches!(&route.body, RequestBody::Field(field) if fields[0] == *field) {
        return Err(refuse(&name, "is set by the body and may not be given again".into()));
    }
    let last = &fields[fields.len() - 1];
    if !last.is_list() {
        if given.contains(&fields) {
            return Err(refuse(&name, "is given more than once and takes one value".into()));
        }
        if let Some(other) = other_of_oneof(&fields, given) {
            return Err(refuse(&name, format!("cannot be given together with {other}")));
        }
    }
    let value = text::read(last, &value).map_err(|description| refuse(&name, description))?;
    set(message, &fields, value);
    given.push(fields);
    Ok(())
}

fn other_of_oneof(fields: &[FieldDescriptor], given: &[Vec<FieldDescriptor>]) -> Option<String> {
    let (last, parents) = fields.split_last()?;
    let oneof = last.containing_oneof()?;
    given
        .iter()
        .filter(|other| other.len() == fields.len() && other.starts_with(parents))
        .find(|other| other[parents.len()].containing_oneof().as_ref() == Some(&oneof))
        .map(|other| json_path(other))
}

/// The fields a dotted name leads through, in camel case or as the proto spells them.
fn resolve(input: &MessageDescriptor, name: &str) -> Result<Vec<FieldDescriptor>, String> {
    let mut message = input.clone();
    let mut fields = Vec::new();
    let mut parts = name.split('.').peekable();
    while let Some(part) = parts.next() {
        let field = message
            .get_field_by_json_name(part)
            .or_else(|| message.get_field_by_name(part))
            .ok_or_else(|| accepted::unknown_field(&message, part))?;
        let kind = field.kind();
        let nested = kind.as_message().filter(|nested| !text::has_text_form(nested));
        if field.is_map() || (field.is_list() && nested.is_some()) {
            return Err("holds objects and cannot be given in the query".into());
        }
        match (nested, parts.peek()) {
            (Some(nested), Some(_)) => message = nested.clone(),
            (Some(nested), None) => return Err(needs_a_field(name, nested)),
            (None, Some(_)) => {
                return Err(format!("{part} is {} and has no fields", accepted::describe(&kind)));
            }
            (None, None) => {}
        }
        fields.push(field);
    }
    Ok(fields)
}

fn needs_a_field(name: &str, message: &MessageDescriptor) -> String {
    match message.fields().next() {
        Some(field) => {
            format!("is an object; give its fields one by one, such as {name}.{}", field.json_name())
        }
        None => "is an object without fields".into(),
    }
}

fn json_path(fields: &[FieldDescriptor]) -> String {
    fields.iter().map(FieldDescriptor::json_name).collect::<Vec<_>>().join(".")
}
