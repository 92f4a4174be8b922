//! Server-streaming RPCs over HTTP: one JSON object a line, or server-sent events. An error
//! before the first message has its own HTTP status; one in mid-stream is the last line.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::Stream;
use http::{HeaderValue, header};
use larder_telemetry::CorrelationId;
use tonic::{Code, Status, Streaming};

use crate::cache::Write;
use crate::error;
use crate::gate::Gate;
use crate::problem::Problem;
use crate::transcode::{self, Route};
use crate::upstream::UpstreamCall;

/// How long the head of the answer waits for the first message, to learn of an early error.
const FIRST_MESSAGE_WAIT: Duration = Duration::from_secs(1);
/// How long a stream of events may be silent before a comment shows it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Calls the RPC of `route` and answers with its messages as they come.
pub(crate) async fn answer(
    gate: &Gate,
    route: &Arc<Route>,
    call: &UpstreamCall,
    events: bool,
    path: &str,
    write: Option<Write>,
) -> Result<Response, Problem> {
    let upstream = gate.upstream_of(route.rpc.parent_service().full_name());
    let to_problem = |status: Status| Problem::from_status(&error::from_upstream(upstream.name, status));
    let mut messages = upstream.server_streaming(call).await.map_err(to_problem)?;
    let first = match tokio::time::timeout(FIRST_MESSAGE_WAIT, messages.message()).await {
        Ok(first) => First::Arrived(first.map_err(to_problem)?),
        Err(_) => First::Awaited,
    };
    let writer = Writer {
        route: route.clone(),
        upstream: upstream.name,
        events,
        path: path.to_owned(),
        correlation_id: CorrelationId::current(),
        messages,
        first,
        ended: false,
        write,
    };
    let mut response = Response::new(Body::from_stream(writer.into_stream()));
    let content_type = if events { "text/event-stream" } else { "application/x-ndjson" };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

enum First {
    Arrived(Option<Bytes>),
    Awaited,
    Sent,
}

struct Writer {
    route: Arc<Route>,
    upstream: &'static str,
    events: bool,
    path: String,
    correlation_id: Option<CorrelationId>,
    messages: Streaming<Bytes>,
    first: First,
    ended: bool,
    /// What the call makes old when it ends.
    write: Option<Write>,
}

impl Writer {
    fn into_stream(self) -> impl Stream<Item = Result<Vec<u8>, std::convert::Infallible>> {
        futures::stream::unfold(self, |mut writer| async move {
            let chunk = writer.next_chunk().await?;
            Some((Ok(chunk), writer))
        })
    }

    async fn next_chunk(&mut self) -> Option<Vec<u8>> {
        if self.ended {
            return None;
        }
        let message = match std::mem::replace(&mut self.first, First::Sent) {
            First::Arrived(first) => Ok(first),
            First::Awaited | First::Sent => {
                match tokio::time::timeout(KEEP_ALIVE, self.messages.message()).await {
                    Ok(message) => message,
                    // A line with nothing on it is ignored by readers of either form.
                    Err(_) if self.events => return Some(b": waiting\n\n".to_vec()),
                    Err(_) => return Some(b"\n".to_vec()),
                }
            }
        };
        match message {
            Ok(Some(message)) => Some(self.message_chunk(&message)),
            Ok(None) => {
                self.told(Code::Ok).await;
                None
            }
            Err(status) => {
                self.told(status.code()).await;
                Some(self.error_chunk(error::from_upstream(self.upstream, status)))
            }
        }
    }

    async fn told(&mut self, code: Code) {
        if let Some(write) = self.write.take() {
            write.ended(code).await;
        }
    }

    fn message_chunk(&mut self, message: &[u8]) -> Vec<u8> {
        match transcode::write_answer(&self.route, message, &[]) {
            Ok(json) if self.events => [b"data: ", json.as_slice(), b"\n\n"].concat(),
            Ok(json) => [json.as_slice(), b"\n"].concat(),
            Err(failure) => {
                tracing::error!(error = %failure, "message of a stream cannot be written as json");
                self.error_chunk(error::internal())
            }
        }
    }

    fn error_chunk(&mut self, status: Status) -> Vec<u8> {
        self.ended = true;
        let correlation_id = self.correlation_id.as_ref().map(CorrelationId::as_str);
        let problem = Problem::from_status(&status).to_json(&self.path, correlation_id);
        if self.events {
            [b"event: error\ndata: ", problem.as_slice(), b"\n\n"].concat()
        } else {
            [b"{\"error\":", problem.as_slice(), b"}\n"].concat()
        }
    }
}
