//! Answers that are no JSON: an RPC whose response body is a `google.api.HttpBody` says the content
//! type and the bytes itself, all at once or part by part.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderValue, header};
use larder_proto::google::api::HttpBody;
use prost::DecodeError;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};
use tokio::time::Instant;
use tonic::{Status, Streaming};

use crate::error;
use crate::gate::Gate;
use crate::problem::Problem;
use crate::transcode::Route;
use crate::upstream::UpstreamCall;

/// A field of an answer beside its body that says how a file of it is to be called.
const FILE_NAME: &str = "file_name";
const FULL_NAME: &str = "google.api.HttpBody";
/// A page of a service shows text and its own styles and does nothing: whatever stands in names of
/// products, it runs no script and asks nobody.
const DOES_NOTHING: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// Whether the answers of `route` are bodies of their own.
pub(crate) fn is_raw(route: &Route) -> bool {
    let kind = route.response_body.as_ref().map(FieldDescriptor::kind);
    kind.as_ref().and_then(Kind::as_message).is_some_and(|message| message.full_name() == FULL_NAME)
}

/// The answer that one message is.
pub(crate) fn whole(route: &Route, message: &[u8]) -> Result<Response, Problem> {
    let answer = decode(route, message)?;
    let mut response = Response::new(Body::from(answer.body.data));
    set_headers(&mut response, &answer.body.content_type, &answer.file_name);
    Ok(response)
}

/// The answer that a stream of messages is. The first one tells the content type; an error after it
/// ends the connection, so that nobody takes a part for the whole.
pub(crate) async fn streamed(
    gate: &Gate,
    route: &Arc<Route>,
    call: &UpstreamCall,
    deadline: Instant,
) -> Result<Response, Problem> {
    let upstream = gate.upstream_of(route.rpc.parent_service().full_name());
    let to_problem = |status: Status| Problem::from_status(&error::from_upstream(upstream.name, status));
    let mut messages = upstream.server_streaming(call).await.map_err(to_problem)?;
    let first = tokio::time::timeout_at(deadline, messages.message()).await;
    let first = first.map_err(|_late| to_problem(Status::deadline_exceeded("no answer in time")))?;
    let first =
        first.map_err(to_problem)?.map_or_else(|| Ok(Raw::default()), |message| decode(route, &message))?;
    let data = first.body.data.into();
    let mut response = Response::new(Body::from_stream(rest(data, route.clone(), messages)));
    set_headers(&mut response, &first.body.content_type, &first.file_name);
    Ok(response)
}

fn rest(
    first: Bytes,
    route: Arc<Route>,
    messages: Streaming<Bytes>,
) -> impl Stream<Item = Result<Bytes, Status>> {
    futures::stream::unfold((Some(first), messages), move |(first, mut messages)| {
        let route = route.clone();
        async move {
            if let Some(first) = first {
                return Some((Ok(first), (None, messages)));
            }
            let message = messages.message().await.transpose()?;
            let part = message.and_then(|message| {
                raw_of(&route, &message).map_err(|error| Status::internal(error.to_string()))
            });
            Some((part.map(|raw| raw.body.data.into()), (None, messages)))
        }
    })
    // Whoever compresses asks once more after the end.
    .fuse()
}

/// What an answer of its own form says.
#[derive(Default)]
struct Raw {
    body: HttpBody,
    /// Empty when it is no file to keep.
    file_name: String,
}

fn decode(route: &Route, message: &[u8]) -> Result<Raw, Problem> {
    raw_of(route, message).map_err(|failure| {
        tracing::error!(error = %failure, "an answer of its own form does not decode");
        Problem::from_status(&error::internal())
    })
}

/// The body that stands in an answer, and how it is to be called.
fn raw_of(route: &Route, message: &[u8]) -> Result<Raw, DecodeError> {
    let answer = DynamicMessage::decode(route.rpc.output(), message)?;
    let field = route.response_body.as_ref().map(|field| answer.get_field(field));
    let body = match field.as_deref() {
        Some(Value::Message(body)) => body.transcode_to()?,
        _ => HttpBody::default(),
    };
    let file_name = answer.get_field_by_name(FILE_NAME);
    let file_name = file_name.as_deref().and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Raw { body, file_name })
}

fn set_headers(response: &mut Response, content_type: &str, file_name: &str) {
    let plain = HeaderValue::from_static("application/octet-stream");
    let content_type = HeaderValue::from_str(content_type).unwrap_or(plain);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    if !file_name.is_empty() {
        // Names are of plain letters; one that is not is left to the browser.
        let is_plain = file_name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let named =
            if is_plain { format!("attachment; filename=\"{file_name}\"") } else { "attachment".to_owned() };
        let attachment = HeaderValue::from_static("attachment");
        headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&named).unwrap_or(attachment));
        // What is exported is of one moment and of one tenant.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOES_NOTHING));
}
