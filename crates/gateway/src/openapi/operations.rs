//! One route as an OpenAPI operation: parameters from the path and the query, the body, the
//! answers and the scope it needs.

use http::Method;
use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor, MethodDescriptor, Value as Field};
use serde_json::{Value, json};

use super::comments::Comments;
use super::examples;
use super::schemas::Schemas;
use crate::http_json::raw;
use crate::rpcs::PUBLIC_SCOPE;
use crate::transcode::{RequestBody, Route, has_text_form};

const PROBLEM: &str = "#/components/responses/Problem";
/// What every route may answer instead; `docs/reference/errors.md` has the types and reasons.
const REFUSALS: [(&str, &str); 7] = [
    ("400", "The request cannot be read, or a field has a value that is never right"),
    ("401", "No credentials, or none that are valid"),
    ("403", "The caller may not do this"),
    ("404", "No such thing for this tenant"),
    ("429", "A limit or a quota is over; `Retry-After` says when it is not"),
    ("503", "Something needed is away; `Retry-After` says when to ask again"),
    ("504", "There was no answer in time"),
];

/// Query parameters may be nested this deep.
const DEPTH_LIMIT: usize = 4;

/// Writes the operation of `route`.
pub(crate) fn write(
    pool: &DescriptorPool,
    route: &Route,
    comments: &Comments,
    schemas: &mut Schemas<'_>,
) -> Value {
    let rpc = &route.rpc;
    let comment = comments.of_rpc(rpc).unwrap_or_default();
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [rpc.parent_service().name()],
        "summary": comment.split_inclusive(". ").next().unwrap_or_default().trim().trim_end_matches('.'),
        "description": description(pool, rpc, comment),
        "responses": {"200": answer(route, schemas), "default": {"$ref": PROBLEM}},
    });
    for (status, why) in REFUSALS {
        let is_public = required_scope(pool, rpc).as_deref() == Some(PUBLIC_SCOPE);
        if !(is_public && matches!(status, "401" | "403")) {
            operation["responses"][status] = json!({"$ref": PROBLEM, "description": why});
        }
    }
    match required_scope(pool, rpc).as_deref() {
        Some(PUBLIC_SCOPE) => operation["security"] = json!([]),
        Some(scope) => operation["security"] = json!([{"bearer": [scope]}, {"apiKey": [scope]}]),
        None => {}
    }
    let parameters = parameters(route, schemas);
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    let body = match &route.body {
        RequestBody::None => None,
        RequestBody::Whole => Some((schemas.message(&rpc.input()), examples::of_message(&rpc.input()))),
        RequestBody::Field(field) => Some((schemas.field(field), examples::of_field(field))),
    };
    if let Some((schema, example)) = body {
        let mut content = json!({"schema": schema});
        if let Some(example) = example {
            content["example"] = example;
        }
        operation["requestBody"] = json!({"required": true, "content": {"application/json": content}});
    }
    if route.http_method == Method::GET && is_kept(pool, rpc) {
        let etag =
            json!({"description": "Names this answer, for `If-None-Match`.", "schema": {"type": "string"}});
        operation["responses"]["200"]["headers"] = json!({"ETag": etag});
        operation["responses"]["304"] = json!({"description": "The answer is still the one that `If-None-Match` names.", "headers": {"ETag": etag}});
    }
    operation
}

/// Unique also for an RPC with several routes: `Recommend`, `RecommendByPost`.
fn operation_id(route: &Route) -> String {
    let name = route.rpc.name();
    if route.is_additional {
        let method = route.http_method.as_str();
        let verb = route.template.verb.clone().unwrap_or_default();
        return format!("{name}By{}{}{}", &method[..1], method[1..].to_ascii_lowercase(), capitalised(&verb));
    }
    name.to_owned()
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + characters.as_str())
        .unwrap_or_default()
}

fn description(pool: &DescriptorPool, rpc: &MethodDescriptor, comment: &str) -> String {
    let call = format!("gRPC: `{}/{}`.", rpc.parent_service().full_name(), rpc.name());
    match required_scope(pool, rpc) {
        Some(scope) if scope == PUBLIC_SCOPE => format!("{comment}\n\nNeeds no credentials. {call}"),
        Some(scope) => format!("{comment}\n\nNeeds the scope `{scope}`. {call}"),
        None => format!("{comment}\n\n{call}"),
    }
}

fn required_scope(pool: &DescriptorPool, rpc: &MethodDescriptor) -> Option<String> {
    let extension = pool.get_extension_by_name("larder.identity.v1.required_scope")?;
    match rpc.options().get_extension(&extension).as_ref() {
        Field::String(scope) if !scope.is_empty() => Some(scope.clone()),
        _ => None,
    }
}

/// Whether answers may be kept, and so asked for by what names them.
fn is_kept(pool: &DescriptorPool, rpc: &MethodDescriptor) -> bool {
    let extension = pool.get_extension_by_name("larder.cache.v1.cached");
    extension.is_some_and(|extension| rpc.options().has_extension(&extension))
}

fn answer(route: &Route, schemas: &mut Schemas<'_>) -> Value {
    if raw::is_raw(route) {
        let schema = json!({"type": "string", "format": "binary"});
        let description = "The body itself; its content type says what it is.";
        return json!({"description": description, "content": {"*/*": {"schema": schema}}});
    }
    let schema = match &route.response_body {
        Some(field) => schemas.field(field),
        None => schemas.message(&route.rpc.output()),
    };
    if route.rpc.is_server_streaming() {
        return json!({
            "description": "One message a line; an error in mid-stream is a last line with `error`.",
            "content": {
                "application/x-ndjson": {"schema": schema.clone()},
                "text/event-stream": {"schema": schema},
            },
        });
    }
    json!({"description": "OK", "content": {"application/json": {"schema": schema}}})
}

fn parameters(route: &Route, schemas: &mut Schemas<'_>) -> Vec<Value> {
    let mut parameters = Vec::new();
    for (variable, fields) in route.template.variables.iter().zip(&route.variables) {
        let field = &fields[fields.len() - 1];
        let (schema, name) = (schemas.field(field), variable.openapi_name());
        parameters
            .push(parameter(json!({"name": name, "in": "path", "required": true, "schema": schema}), field));
    }
    if !matches!(route.body, RequestBody::Whole) {
        let mut parents = Vec::new();
        query_parameters(route, &route.rpc.input(), &mut parents, schemas, &mut parameters);
    }
    parameters
}

fn parameter(mut parameter: Value, field: &FieldDescriptor) -> Value {
    if let Some(example) = examples::of_field(field) {
        parameter["example"] = example;
    }
    parameter
}

fn query_parameters(
    route: &Route,
    message: &MessageDescriptor,
    parents: &mut Vec<FieldDescriptor>,
    schemas: &mut Schemas<'_>,
    parameters: &mut Vec<Value>,
) {
    for field in message.fields() {
        let in_body = matches!(&route.body, RequestBody::Field(body) if parents.is_empty() && *body == field);
        if in_body || field.is_map() {
            continue;
        }
        parents.push(field.clone());
        let kind = field.kind();
        let nested = kind.as_message().filter(|nested| !has_text_form(nested));
        match nested {
            Some(nested) if !field.is_list() && parents.len() < DEPTH_LIMIT => {
                query_parameters(route, nested, parents, schemas, parameters);
            }
            Some(_) => {}
            None if route.variables.contains(parents) => {}
            None => {
                let name: Vec<&str> = parents.iter().map(FieldDescriptor::json_name).collect();
                let schema = schemas.field(&field);
                parameters.push(parameter(
                    json!({"name": name.join("."), "in": "query", "schema": schema}),
                    &field,
                ));
            }
        }
        parents.pop();
    }
}
