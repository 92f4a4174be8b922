//! One HTTP/JSON request on its way through the gateway: route, caller, body, call, answer.
//! Whatever goes wrong on the way becomes a problem document here.

mod body;
mod cached;
pub(crate) mod raw;
mod stream;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, header};
use larder_telemetry::CorrelationId;
use larder_telemetry::http::RouteTemplate;
use tokio::time::Instant;
use tonic::Code;

use crate::audit;
use crate::deadline;
use crate::error;
use crate::gate::{Gate, Trail};
use crate::metrics;
use crate::problem::Problem;
use crate::transcode::{self, BuiltRequest, Found, Route};
use crate::upstream::{CallMetadata, UpstreamCall};

/// Answers a request by the route the descriptors have for it.
pub(crate) async fn serve(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let (route, captures) = match gate.routes.find(&method, &path) {
        Found::Route(route, captures) => (route, captures),
        Found::OtherMethods(methods) => {
            let allow = methods.into_iter().collect::<Vec<_>>().join(", ");
            return refuse(Problem::method_not_allowed(allow), &path);
        }
        Found::Nothing => return refuse(Problem::no_such_path(&path), &path),
    };
    let mut trail = Trail::default();
    let answered = answer(&gate, route, &captures, request, &mut trail).await;
    let outcome = match &answered {
        Ok(_) => Code::Ok,
        Err(problem) => problem.code(),
    };
    if let Some(pending) = trail.audit.take() {
        gate.audit.keep(pending.ended(outcome)).await;
    }
    let mut response = answered.unwrap_or_else(|problem| refuse(problem, &path));
    gate.describe(&trail, response.headers_mut());
    response.extensions_mut().insert(RouteTemplate(route.label.clone()));
    response
}

/// A problem document about the request for `path`.
pub(crate) fn refuse(problem: Problem, path: &str) -> Response {
    let correlation_id = CorrelationId::current();
    problem.into_response(path, correlation_id.as_ref().map(CorrelationId::as_str))
}

async fn answer(
    gate: &Gate,
    route: &Arc<Route>,
    captures: &[String],
    request: Request,
    trail: &mut Trail,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let rpc =
        gate.rpcs.get(route.grpc_path.as_str()).ok_or_else(|| Problem::no_such_path(head.uri.path()))?;
    let admitted = gate.admit(rpc, &head.headers, &head.extensions, trail).await;
    let admitted = admitted.map_err(|status| Problem::from_status(&status))?;
    let requested = deadline::requested(&head.headers);
    let limit = gate.limits.request_timeout;
    let deadline = Instant::now() + requested.map_or(limit, |requested| requested.min(limit));
    let body = body::read(route, &head.headers, body, gate.limits.body_limit_bytes, deadline).await?;
    let built =
        transcode::build_request(route, captures, head.uri.query(), &body).map_err(Problem::bad_request)?;
    metrics::count_refused_rows(built.refused_rows.len());
    if let Some(pending) = &mut trail.audit {
        pending.about(audit::subject_matter(&rpc.input, &built.message));
    }
    if let Some(notice) = gate.maintenance_of(rpc, &admitted.caller) {
        return cached::under_maintenance(gate, route, rpc, &notice, &admitted.caller, &built.message).await;
    }
    if gate.spares_the_service(rpc, &admitted.caller)
        && let Some(kept) = cached::sparing(gate, route, rpc, &admitted.caller, &built.message).await?
    {
        return Ok(kept);
    }
    let mut write = gate.begin_write(rpc, &admitted.caller);
    if let (Some(write), Some(changes)) = (&mut write, &rpc.changes) {
        write.about(changes, &built.message);
    }
    let call = UpstreamCall {
        path: route.grpc_path.clone(),
        message: built.message.clone(),
        metadata: CallMetadata::new(admitted.authorization.clone(), &head.headers)
            .with_session(admitted.session.clone()),
        deadline,
        stream_timeout: requested,
        idempotent: route.idempotent,
    };
    if route.rpc.is_server_streaming() && raw::is_raw(route) {
        return raw::streamed(gate, route, &call, deadline).await;
    }
    if route.rpc.is_server_streaming() {
        let events = wants_events(&head.headers);
        return stream::answer(gate, route, &call, events, head.uri.path(), write).await;
    }
    let upstream = gate.upstream_of(route.rpc.parent_service().full_name());
    let question = gate.cache.question(upstream.name, rpc, &admitted.caller, &built.message);
    if let Some(question) = question.filter(|_| built.refused_rows.is_empty() && !raw::is_raw(route)) {
        return cached::answer(gate, route, &question, call, &head).await;
    }
    let answered = upstream.unary(&call).await;
    if let Some(write) = write {
        write.ended(answered.as_ref().map_or_else(tonic::Status::code, |_| Code::Ok)).await;
    }
    let message = answered.map_err(|status| Problem::from_status(&status))?;
    if raw::is_raw(route) { raw::whole(route, &message) } else { json(route, &message, &built) }
}

fn json(route: &Route, message: &[u8], built: &BuiltRequest) -> Result<Response, Problem> {
    let written = transcode::write_answer(route, message, &built.refused_rows).map_err(|failure| {
        tracing::error!(rpc.method = %route.grpc_path, error = %failure, "answer cannot be written as json");
        Problem::from_status(&error::internal())
    })?;
    let mut response = Response::new(Body::from(written));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Whether a stream is wanted as server-sent events instead of lines of JSON.
fn wants_events(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|accept| accept.split(',').any(|range| range.trim_start().starts_with("text/event-stream")))
}
