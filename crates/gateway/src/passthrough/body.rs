//! Bodies on their way through: a request's without a length that may be wrong, and an answer's
//! whose breaking off becomes a gRPC status in the trailers instead of a reset stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::error;

/// `inner` without its length. What gRPC-Web unwraps from base64 still tells the length it had
/// before, and a wrong `content-length` makes the service reset the stream.
///
/// Empty frames are left out: many clients end a request with one, passed on it would not be
/// the last, and a service takes a connection on which a hundred of them came for an attack.
pub(crate) fn of_unknown_length(inner: Body) -> Body {
    Body::new(OfUnknownLength(inner))
}

struct OfUnknownLength(Body);

impl HttpBody for OfUnknownLength {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            let frame = ready!(Pin::new(&mut self.0).poll_frame(context));
            let is_empty = |frame: &Frame<Bytes>| frame.data_ref().is_some_and(Bytes::is_empty);
            if !frame.as_ref().is_some_and(|frame| frame.as_ref().is_ok_and(is_empty)) {
                return Poll::Ready(frame);
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}

/// `inner`, with any error at its end as trailers.
pub(crate) fn trailing_errors(upstream: &'static str, inner: Body) -> Body {
    Body::new(TrailingErrors { upstream, inner, ended: false })
}

struct TrailingErrors {
    upstream: &'static str,
    inner: Body,
    ended: bool,
}

impl HttpBody for TrailingErrors {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        let Some(Err(status)) = frame else { return Poll::Ready(frame) };
        self.ended = true;
        let mut trailers = HeaderMap::new();
        let status = error::from_upstream(self.upstream, status);
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
