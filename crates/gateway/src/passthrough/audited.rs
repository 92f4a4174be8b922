//! Calls that somebody is told of, the audit log or the cache: what a passing request is about is overheard, and how it
//! ended is read from the trailers. Nothing of it is changed or held up but the end.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyStream, StreamBody};
use prost_reflect::MessageDescriptor;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::audit::{AuditLog, Pending, subject_matter};
use crate::cache::Write;
use crate::gate::Gate;
use crate::rpcs::Rpc;

/// The most of a request that is kept to see what it is about.
const MOST_BYTES: usize = 64 * 1024;
/// What stands before a message: a flag whether it is compressed, and its length.
const FRAME_HEAD_BYTES: usize = 5;

/// What was heard of a request; nothing of one that nobody is told of.
#[derive(Clone)]
pub(super) struct Heard(Option<(MessageDescriptor, Arc<Mutex<Vec<u8>>>)>);

impl Heard {
    /// Ready to hear a request of `rpc`.
    pub(super) fn of(rpc: &Rpc) -> Self {
        let is_told = rpc.audited || rpc.changes.is_some();
        Self(is_told.then(|| (rpc.input.clone(), Arc::default())))
    }

    /// `body`, the beginning of which is heard as it passes.
    pub(super) fn overhear(&self, body: Body) -> Body {
        let Some((_, heard)) = self.0.clone() else { return body };
        let frames = BodyStream::new(body).inspect_ok(move |frame| {
            let Some(data) = frame.data_ref() else { return };
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MOST_BYTES.saturating_sub(heard.len());
            heard.extend_from_slice(&data[..data.len().min(room)]);
        });
        Body::new(StreamBody::new(frames))
    }

    /// Tells the log when the call has ended: at once when the head of the answer says how.
    pub(super) async fn keep_when_ended(
        self,
        gate: &Gate,
        mut pending: Pending,
        response: Response<Body>,
    ) -> Response<Body> {
        if let Some(code) = code_in(response.headers()) {
            pending.about(self.subject_matter());
            gate.audit.keep(pending.ended(code)).await;
            return response;
        }
        let (audit, heard) = (gate.audit.clone(), self);
        response.map(|inner| Body::new(Watched { inner, ending: Some(Ending { audit, heard, pending }) }))
    }

    /// The message of a request that is one and was heard to its end.
    pub(super) fn only_message(&self, rpc: &Rpc) -> Option<Bytes> {
        let (_, heard) = self.0.as_ref().filter(|_| !rpc.client_streaming)?;
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        message_in(&heard).map(Bytes::copy_from_slice)
    }

    fn subject_matter(&self) -> String {
        let Some((kind, heard)) = &self.0 else { return String::new() };
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        message_in(&heard).map(|message| subject_matter(kind, message)).unwrap_or_default()
    }
}

/// The first message, when all of it is there and it is not compressed.
fn message_in(heard: &[u8]) -> Option<&[u8]> {
    let (head, rest) = heard.split_at_checked(FRAME_HEAD_BYTES)?;
    let [0, length @ ..] = head else { return None };
    let length = u32::from_be_bytes(length.try_into().ok()?);
    rest.get(..usize::try_from(length).ok()?)
}

/// Tells the cache when a call has ended: before the head of an answer that is one message, since
/// the service has done it by then, and before the trailers of a stream.
pub(super) async fn told_when_ended(rpc: &Rpc, write: Write, response: Response<Body>) -> Response<Body> {
    let code = code_in(response.headers());
    if code.is_some() || !rpc.server_streaming {
        write.ended(code.unwrap_or(Code::Ok)).await;
        return response;
    }
    response.map(|inner| {
        let frames = BodyStream::new(inner);
        let told = futures::stream::unfold((frames, Some(write)), async |(mut frames, mut write)| {
            let frame = frames.next().await;
            let code = match &frame {
                Some(Ok(frame)) => {
                    frame.trailers_ref().map(|trailers| code_in(trailers).unwrap_or(Code::Unknown))
                }
                Some(Err(status)) => Some(status.code()),
                None => Some(Code::Unknown),
            };
            if let Some((code, write)) = code.zip(write.take_if(|_| code.is_some())) {
                write.ended(code).await;
            }
            frame.map(|frame| (frame, (frames, write)))
        });
        Body::new(StreamBody::new(told))
    })
}

fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers
        .contains_key(Status::GRPC_STATUS)
        .then(|| Status::from_header_map(headers).map_or(Code::Unknown, |it| it.code()))
}

struct Ending {
    audit: Arc<AuditLog>,
    heard: Heard,
    pending: Pending,
}

impl Ending {
    fn keep(mut self, code: Code) {
        self.pending.about(self.heard.subject_matter());
        self.audit.keep_later(self.pending.ended(code));
    }
}

/// An answer whose end is told.
struct Watched {
    inner: Body,
    ending: Option<Ending>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        let code = match &frame {
            Some(Ok(frame)) => {
                frame.trailers_ref().map(|trailers| code_in(trailers).unwrap_or(Code::Unknown))
            }
            Some(Err(status)) => Some(status.code()),
            None => Some(Code::Unknown),
        };
        if let Some((code, ending)) = code.zip(self.ending.take_if(|_| code.is_some())) {
            ending.keep(code);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Watched {
    /// The client went away before the end.
    fn drop(&mut self) {
        if let Some(ending) = self.ending.take() {
            ending.keep(Code::Cancelled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_plain_message_is_looked_at() {
        assert_eq!(message_in(&[0, 0, 0, 0, 2, 7, 8, 9]), Some(&[7, 8][..]));
        assert_eq!(message_in(&[0, 0, 0, 0, 0]), Some(&[][..]));
        assert_eq!(message_in(&[0, 0, 0, 0, 3, 7, 8]), None);
        assert_eq!(message_in(&[1, 0, 0, 0, 1, 7]), None);
        assert_eq!(message_in(&[0, 0]), None);
    }
}
