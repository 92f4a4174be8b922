//! One route as an OpenAPI operation: parameters from the path and the query, the body, the
//! answers and the scope it needs.

use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor, MethodDescriptor, Value as Field};
use serde_json::{Value, json};

use super::comments::Comments;
use super::schemas::Schemas;
use crate::http_json::raw;
use crate::rpcs::PUBLIC_SCOPE;
use crate::transcode::{RequestBody, Route, has_text_form};

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
        "responses": {"200": answer(route, schemas), "default": {"$ref": "#/components/responses/Problem"}},
    });
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
        RequestBody::Whole => Some(schemas.message(&rpc.input())),
        RequestBody::Field(field) => Some(schemas.field(field)),
    };
    if let Some(schema) = body {
        operation["requestBody"] =
            json!({"required": true, "content": {"application/json": {"schema": schema}}});
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
        let schema = schemas.field(&fields[fields.len() - 1]);
        let name = variable.openapi_name();
        parameters.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
    }
    if !matches!(route.body, RequestBody::Whole) {
        let mut parents = Vec::new();
        query_parameters(route, &route.rpc.input(), &mut parents, schemas, &mut parameters);
    }
    parameters
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
                parameters.push(json!({"name": name.join("."), "in": "query", "schema": schema}));
            }
        }
        parents.pop();
    }
}
