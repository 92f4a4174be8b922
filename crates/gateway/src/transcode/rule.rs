//! Reads the `google.api.http` option of every RPC by reflection and resolves the names in
//! it to fields. Nothing here knows an RPC of Larder's: the descriptors say it all.

use std::sync::Arc;

use http::Method;
use http::uri::PathAndQuery;
use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, MessageDescriptor,
    MethodDescriptor, Value,
};
use prost_types::method_options::IdempotencyLevel;

use super::batch::BatchShape;
use super::template::{PathTemplate, TemplateError};

/// One HTTP route of one RPC.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) http_method: Method,
    pub(crate) template: PathTemplate,
    pub(crate) body: RequestBody,
    /// The field that becomes the answer's body; `None` means the whole answer.
    pub(crate) response_body: Option<FieldDescriptor>,
    /// For each variable of the template the fields from the request down to it.
    pub(crate) variables: Vec<Vec<FieldDescriptor>>,
    pub(crate) rpc: MethodDescriptor,
    /// `/package.Service/Method`.
    pub(crate) grpc_path: PathAndQuery,
    /// Whether it may be sent twice without harm: the RPC has a GET, or says so itself.
    pub(crate) idempotent: bool,
    /// The template, as telemetry names the route.
    pub(crate) label: Arc<str>,
    /// Whether it stands in `additional_bindings`.
    pub(crate) is_additional: bool,
    pub(crate) batch: Option<BatchShape>,
}

/// Where the request's body goes.
#[derive(Debug)]
pub(crate) enum RequestBody {
    /// There is none; fields come from the path and the query.
    None,
    /// `body: "*"`: it is the request; nothing comes from the query.
    Whole,
    /// It is this field of the request.
    Field(FieldDescriptor),
}

/// A route in the descriptors that cannot be served; the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The path template does not parse.
    #[error("{rpc}: {source}")]
    Template {
        /// The RPC that declares it.
        rpc: String,
        /// What is wrong with it.
        source: TemplateError,
    },
    /// The option names a field that is not there or cannot be used so.
    #[error("{rpc}: field {field:?} {reason}")]
    Field {
        /// The RPC that declares it.
        rpc: String,
        /// The name as the option has it.
        field: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The option itself makes no sense.
    #[error("{rpc}: {reason}")]
    Rule {
        /// The RPC that declares it.
        rpc: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two RPCs ask for the same requests.
    #[error("{http_method} {template} is declared by both {first} and {second}")]
    Duplicate {
        /// The HTTP method of both.
        http_method: Method,
        /// The template of the second.
        template: String,
        /// The RPC that had it first.
        first: String,
        /// The RPC that has it too.
        second: String,
    },
}

/// Every route the descriptors declare, in their order.
pub(crate) fn routes(pool: &DescriptorPool) -> Result<Vec<Route>, RuleError> {
    let Some(extension) = pool.get_extension_by_name("google.api.http") else { return Ok(Vec::new()) };
    let mut routes = Vec::new();
    for service in pool.services() {
        for rpc in service.methods() {
            let options = rpc.options();
            if options.has_extension(&extension) {
                read_rule(&rpc, &options, &extension, &mut routes)?;
            }
        }
    }
    Ok(routes)
}

fn read_rule(
    rpc: &MethodDescriptor,
    options: &DynamicMessage,
    extension: &ExtensionDescriptor,
    routes: &mut Vec<Route>,
) -> Result<(), RuleError> {
    let refuse = |reason| RuleError::Rule { rpc: rpc.full_name().to_owned(), reason };
    if rpc.is_client_streaming() {
        return Err(refuse("a client-streaming RPC is served over gRPC only and carries no HTTP annotation"));
    }
    let rule = options.get_extension(extension);
    let Value::Message(rule) = rule.as_ref() else { return Err(refuse("google.api.http is not a message")) };
    let first = routes.len();
    routes.push(read_binding(rpc, rule)?);
    if let Some(bindings) = rule.get_field_by_name("additional_bindings")
        && let Value::List(bindings) = bindings.as_ref()
    {
        for binding in bindings {
            let Value::Message(binding) = binding else { continue };
            if binding.get_field_by_name("additional_bindings").is_some_and(|nested| !is_empty_list(&nested))
            {
                return Err(refuse("additional_bindings may not be nested"));
            }
            routes.push(read_binding(rpc, binding)?);
        }
    }
    let bindings = &mut routes[first..];
    for additional in bindings.iter_mut().skip(1) {
        additional.is_additional = true;
    }
    if is_declared_idempotent(rpc) || bindings.iter().any(|route| route.http_method == Method::GET) {
        for route in bindings {
            route.idempotent = true;
        }
    }
    Ok(())
}

/// Whether the contract says of `rpc` that it may be repeated.
pub(crate) fn is_declared_idempotent(rpc: &MethodDescriptor) -> bool {
    let options = rpc.method_descriptor_proto().options.as_ref();
    let level = options.map(prost_types::MethodOptions::idempotency_level);
    level.is_some_and(|level| level != IdempotencyLevel::IdempotencyUnknown)
}

fn is_empty_list(value: &Value) -> bool {
    value.as_list().is_none_or(<[Value]>::is_empty)
}

fn read_binding(rpc: &MethodDescriptor, rule: &DynamicMessage) -> Result<Route, RuleError> {
    let refuse = |reason| RuleError::Rule { rpc: rpc.full_name().to_owned(), reason };
    let (http_method, path) = pattern(rule).ok_or_else(|| refuse("the HTTP rule has no method and path"))?;
    let template = PathTemplate::parse(&path)
        .map_err(|source| RuleError::Template { rpc: rpc.full_name().to_owned(), source })?;
    let input = rpc.input();
    let mut variables = Vec::new();
    for variable in &template.variables {
        variables.push(field_path(rpc, &input, &variable.field_path)?);
    }
    let body = match text(rule, "body").as_str() {
        "" => RequestBody::None,
        "*" => RequestBody::Whole,
        name => RequestBody::Field(field(rpc, &input, name)?),
    };
    if http_method == Method::GET && !matches!(body, RequestBody::None) {
        return Err(refuse("a GET has no body"));
    }
    let response_body = match text(rule, "response_body").as_str() {
        "" => None,
        name => Some(field(rpc, &rpc.output(), name)?),
    };
    let rpc_path = format!("/{}/{}", rpc.parent_service().full_name(), rpc.name());
    let grpc_path =
        PathAndQuery::try_from(rpc_path).map_err(|_| refuse("its name cannot stand in a gRPC path"))?;
    let batch = BatchShape::of(rpc, &body, response_body.as_ref());
    Ok(Route {
        http_method,
        template,
        body,
        response_body,
        variables,
        rpc: rpc.clone(),
        grpc_path,
        idempotent: false,
        label: path.into(),
        is_additional: false,
        batch,
    })
}

fn pattern(rule: &DynamicMessage) -> Option<(Method, String)> {
    let methods = [
        ("get", Method::GET),
        ("put", Method::PUT),
        ("post", Method::POST),
        ("delete", Method::DELETE),
        ("patch", Method::PATCH),
    ];
    for (name, method) in methods {
        let path = text(rule, name);
        if !path.is_empty() {
            return Some((method, path));
        }
    }
    let custom = rule.get_field_by_name("custom")?;
    let custom = custom.as_message()?;
    let method = Method::from_bytes(text(custom, "kind").as_bytes()).ok()?;
    Some((method, text(custom, "path")))
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn field(
    rpc: &MethodDescriptor,
    message: &MessageDescriptor,
    name: &str,
) -> Result<FieldDescriptor, RuleError> {
    message.get_field_by_name(name).ok_or_else(|| RuleError::Field {
        rpc: rpc.full_name().to_owned(),
        field: name.to_owned(),
        reason: "is not in the message",
    })
}

/// The fields a variable names, checked to end in one value that a path can hold.
fn field_path(
    rpc: &MethodDescriptor,
    input: &MessageDescriptor,
    names: &[String],
) -> Result<Vec<FieldDescriptor>, RuleError> {
    let refuse =
        |reason| RuleError::Field { rpc: rpc.full_name().to_owned(), field: names.join("."), reason };
    let mut message = input.clone();
    let mut fields = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let found = field(rpc, &message, name)?;
        if found.is_list() || found.is_map() {
            return Err(refuse("is a list; a path holds one value"));
        }
        if at + 1 < names.len() {
            message = found.kind().as_message().cloned().ok_or_else(|| refuse("is not a message"))?;
        } else if found.kind().as_message().is_some_and(|kind| !super::text::has_text_form(kind)) {
            return Err(refuse("is a message without a text form"));
        }
        fields.push(found);
    }
    Ok(fields)
}
