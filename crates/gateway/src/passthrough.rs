//! Native gRPC and gRPC-Web, passed to the service behind without being decoded: messages,
//! streams both ways and trailers go through as they are; only the credentials are replaced.

mod audited;
mod body;

use std::convert::Infallible;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Request, Response, Uri, Version, header};
use larder_resilience::{BreakerState, Outcome};
use larder_telemetry::http::RouteTemplate;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tower::{Service, ServiceExt};

use crate::deadline;
use crate::error;
use crate::gate::{Gate, SESSION_HEADER, Trail};
use crate::rpcs::Rpc;
use crate::upstream::Upstream;

/// Headers that are between the client and the gateway, and end here.
const NOT_FOR_UPSTREAM: [&str; 11] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "x-api-key",
    "x-larder-session",
    "x-larder-tenant",
];

/// Whether a request speaks gRPC, in either form.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.starts_with("application/grpc"))
}

/// Passes one gRPC call on. Errors are gRPC statuses, never problem documents.
pub(crate) async fn serve(gate: Arc<Gate>, request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path();
    let Some(rpc) = gate.rpcs.get(path) else { return Ok(error::unknown_rpc(path).into_http()) };
    let label = rpc.label.clone();
    let heard = audited::Heard::of(rpc);
    let request = request.map(|body| heard.overhear(body));
    let mut trail = Trail::default();
    let mut response = match forward(&gate, rpc, request, &mut trail).await {
        Ok(response) => response,
        Err(status) => status.into_http(),
    };
    if let Some(mut write) = trail.write.take() {
        if let (Some(changes), Some(message)) = (&rpc.changes, heard.only_message(rpc)) {
            write.about(changes, &message);
        }
        response = audited::told_when_ended(rpc, write, response).await;
    }
    gate.describe(&trail, response.headers_mut());
    if let Some(pending) = trail.audit {
        response = heard.keep_when_ended(&gate, pending, response).await;
    }
    response.extensions_mut().insert(RouteTemplate(label));
    Ok(response)
}

async fn forward(
    gate: &Gate,
    rpc: &Rpc,
    request: Request<Body>,
    trail: &mut Trail,
) -> Result<Response<Body>, Status> {
    let admitted = gate.admit(rpc, request.headers(), request.extensions(), trail).await?;
    let upstream = gate.upstream_of(&rpc.service);
    if let Some(notice) = gate.maintenance_of(rpc, &admitted.caller) {
        return Err(error::maintenance(&notice));
    }
    trail.write = gate.begin_write(rpc, &admitted.caller);
    let limit = gate.limits.request_timeout;
    let (mut head, body) = request.into_parts();
    let requested = deadline::requested(&head.headers);
    let one_answer = !rpc.client_streaming && !rpc.server_streaming;
    let timeout =
        if one_answer { Some(requested.map_or(limit, |asked| asked.min(limit))) } else { requested };
    prepare(&mut head.headers, admitted.authorization.clone(), timeout);
    if let Some(session) = admitted.session.clone() {
        head.headers.insert(SESSION_HEADER, session);
    }
    let path = head.uri.path_and_query().cloned();
    head.uri = path.map(Uri::from).unwrap_or_default();
    head.version = Version::HTTP_2;
    head.extensions = http::Extensions::new();
    let request = Request::from_parts(head, body::of_unknown_length(body));
    let name = upstream.name;
    let response = if rpc.client_streaming {
        if upstream.breaker_state() == BreakerState::Open {
            return Err(error::upstream_unavailable(name, None));
        }
        send(upstream, request).await.map_err(|status| error::from_upstream(name, status))?
    } else {
        let deadline = Instant::now() + timeout.unwrap_or(limit);
        let mut request = Some(request);
        let answer = upstream.policy().call(
            Some(deadline),
            false,
            |_| {
                let request = request.take();
                async move {
                    let request = request.ok_or_else(|| Status::internal("a call is sent once"))?;
                    send(upstream, request).await
                }
            },
            |_| Outcome::Failure,
        );
        answer.await.map_err(|refusal| upstream.status_of(refusal))?
    };
    Ok(response.map(|inner| body::trailing_errors(name, inner)))
}

fn prepare(headers: &mut HeaderMap, authorization: HeaderValue, timeout: Option<std::time::Duration>) {
    for name in NOT_FOR_UPSTREAM {
        headers.remove(name);
    }
    headers.insert(header::AUTHORIZATION, authorization);
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    if let Some(timeout) = timeout {
        headers.insert(deadline::GRPC_TIMEOUT, deadline::header_value(timeout));
    }
}

async fn send(upstream: &Upstream, request: Request<Body>) -> Result<Response<Body>, Status> {
    let mut connection = upstream.connection();
    let response = connection.ready().await?.call(request).await?;
    Ok(response.map(Body::new))
}
