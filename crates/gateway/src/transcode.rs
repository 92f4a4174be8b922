//! HTTP/JSON to gRPC and back, by the descriptors alone: an RPC that is added to a proto
//! with a `google.api.http` option is served without a line written here.

mod accepted;
mod answer;
mod batch;
mod diagnose;
mod percent;
mod request;
mod routes;
mod rule;
mod template;
mod text;

pub(crate) use accepted::quoted;
pub(crate) use request::{BadRequest, BuiltRequest, Violation};
pub(crate) use routes::{Found, RouteTable};
pub use rule::RuleError;
pub(crate) use rule::{RequestBody, Route, is_declared_idempotent};
pub use template::TemplateError;

pub(crate) use answer::write as write_answer;
pub(crate) use request::build as build_request;
pub(crate) use rule::routes as routes_of;
pub(crate) use text::has_text_form;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
