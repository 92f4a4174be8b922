//! Messages from outside services, which know no keys of ours: what proves them is their signature over the body,
//! byte for byte. The body goes on as it came; whoever serves shops checks it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use larder_identity::{Caller, Scopes, TenantId};
use prost::Message;
use prost_reflect::{DynamicMessage, Value};
use tokio::time::Instant;
use tonic::Code;

use crate::clock;
use crate::error;
use crate::gate::Gate;
use crate::http_json;
use crate::problem::Problem;
use crate::transcode::Found;
use crate::upstream::{CallMetadata, UpstreamCall};

/// Where Square sends its messages; `connectors.square_webhook_url` ends in it.
pub(crate) const SQUARE_PATH: &str = "/v1/connectors/square/webhook";

const SIGNATURE: &str = "x-square-hmacsha256-signature";
/// The route of the RPC that checks it, and the fields it takes.
const RPC_ROUTE: &str = "/v1/connectors/square:receiveWebhook";
const BODY_FIELD: &str = "body";
const SIGNATURE_FIELD: &str = "signature";
/// Messages name an object and say little more.
const BODY_LIMIT_BYTES: usize = 1 << 20;
/// Whom the call is made for: nobody's tenant, with this one scope. Whose shop it is stands in the message.
const TENANT: &str = "square-webhook";
const SCOPE: &str = "connectors.write";

/// Takes a message of Square. 2xx ends its repetitions.
pub(crate) async fn square(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let address = gate.proxies.client(&head.headers, &head.extensions);
    if let Err(over) = gate.rates.enter(address) {
        return http_json::refuse(Problem::from_status(&error::over_limit(over)), SQUARE_PATH);
    }
    match pass_on(&gate, &head.headers, body).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => http_json::refuse(problem, SQUARE_PATH),
    }
}

async fn pass_on(gate: &Gate, headers: &HeaderMap, body: Body) -> Result<(), Problem> {
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let signature = signature
        .ok_or_else(|| Problem::new(Code::PermissionDenied, format!("the header {SIGNATURE} is missing")))?;
    let deadline = Instant::now() + gate.limits.request_timeout;
    let body = read(body, deadline).await?;
    let Found::Route(route, _) = gate.routes.find(&Method::POST, RPC_ROUTE) else {
        return Err(Problem::from_status(&error::internal()));
    };
    let mut message = DynamicMessage::new(route.rpc.input());
    message.set_field_by_name(BODY_FIELD, Value::Bytes(body));
    message.set_field_by_name(SIGNATURE_FIELD, Value::String(signature.to_owned()));
    let call = UpstreamCall {
        path: route.grpc_path.clone(),
        message: Bytes::from(message.encode_to_vec()),
        metadata: CallMetadata::new(authorization(gate)?, &HeaderMap::new()),
        deadline,
        stream_timeout: None,
        // A message that came before does nothing.
        idempotent: true,
    };
    let answer = gate.upstream_of(route.rpc.parent_service().full_name()).unary(&call).await;
    answer.map(drop).map_err(|status| Problem::from_status(&status))
}

async fn read(body: Body, deadline: Instant) -> Result<Bytes, Problem> {
    let whole = tokio::time::timeout_at(deadline, Limited::new(body, BODY_LIMIT_BYTES).collect()).await;
    match whole {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::body_too_large(BODY_LIMIT_BYTES)),
        Ok(Err(_)) => Err(Problem::new(Code::InvalidArgument, "the body ended before it was complete")),
        Err(_) => Err(Problem::new(Code::DeadlineExceeded, "the body did not arrive in time")),
    }
}

fn authorization(gate: &Gate) -> Result<http::HeaderValue, Problem> {
    let inside = |_| Problem::from_status(&error::internal());
    let caller = Caller {
        tenant: TenantId::parse(TENANT).map_err(inside)?,
        subject: TENANT.to_owned(),
        scopes: Scopes::parse(SCOPE).map_err(inside)?,
    };
    gate.tokens.authorization_for(&caller, clock::now()).map_err(|status| Problem::from_status(&status))
}
