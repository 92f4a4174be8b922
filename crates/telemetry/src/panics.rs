//! Panics: a hook that logs, counts and reports every one, and a layer that turns one inside a request into an
//! answer. The answer says nothing about the panic; its correlation id leads to the log line.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::future::Future;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{Either, Full};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::context::RequestContext;
use crate::correlation::CorrelationId;
use crate::errors::{self, ErrorKind};
use crate::faults::{self, Fault};
use crate::names;

/// Replaces the process's panic hook. `service` is named when the panic belongs to no request.
pub fn install_hook(service: &'static str) {
    std::panic::set_hook(Box::new(move |panic| on_panic(service, panic)));
}

fn on_panic(service: &'static str, panic: &PanicHookInfo<'_>) {
    let service = RequestContext::with_current(RequestContext::service).unwrap_or(service);
    let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line()));
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(
        target: "larder::panic",
        {
        error.kind = ErrorKind::Panic.as_str(),
        panic.message = message_of(panic.payload()),
        panic.place = place,
        panic.backtrace = backtrace,
        panic.thread = std::thread::current().name(),
        },
        "panicked"
    );
    RequestContext::with_current(RequestContext::claim_error);
    ::metrics::counter!(names::PANICS, names::SERVICE => service).increment(1);
    errors::increment(service, ErrorKind::Panic);
    faults::send(&Fault::panic(service, panic.location()));
}

fn message_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Answers INTERNAL to a gRPC request and a 500 problem document to any other whose handling panicked. Stands inside
/// the telemetry layers, so that the answer is measured and logged like any other.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatchPanicLayer;

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CatchPanic { inner }
    }
}

/// The service that [`CatchPanicLayer`] makes.
#[derive(Clone, Debug)]
pub struct CatchPanic<S> {
    inner: S,
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for CatchPanic<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    ResponseBody: Body<Data = Bytes>,
{
    type Response = Response<Either<ResponseBody, Full<Bytes>>>;
    type Error = S::Error;
    type Future = CatchPanicFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let is_grpc = is_grpc(request.headers());
        let inner = catch_unwind(AssertUnwindSafe(|| self.inner.call(request))).ok();
        CatchPanicFuture { inner, is_grpc }
    }
}

pin_project! {
    /// The answer to come, or the one in its stead.
    pub struct CatchPanicFuture<F> {
        #[pin]
        inner: Option<F>,
        is_grpc: bool,
    }
}

impl<F, B, E> Future for CatchPanicFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Either<B, Full<Bytes>>>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else { return Poll::Ready(Ok(answer(*this.is_grpc))) };
        let Ok(polled) = catch_unwind(AssertUnwindSafe(|| inner.poll(task))) else {
            return Poll::Ready(Ok(answer(*this.is_grpc)));
        };
        Poll::Ready(ready!(polled).map(|response| response.map(Either::Left)))
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

fn answer<B>(is_grpc: bool) -> Response<Either<B, Full<Bytes>>> {
    if is_grpc { grpc_answer() } else { problem_answer() }
}

fn grpc_answer<B>() -> Response<Either<B, Full<Bytes>>> {
    let mut response = Response::new(Either::Right(Full::default()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from_static("13"));
    headers.insert("grpc-message", HeaderValue::from_static("internal%20error"));
    response
}

fn problem_answer<B>() -> Response<Either<B, Full<Bytes>>> {
    let correlation_id = CorrelationId::current();
    let problem = serde_json::json!({
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "the request could not be completed; quote the correlation id when you report it",
        "correlationId": correlation_id.as_ref().map(CorrelationId::as_str),
    });
    let mut response = Response::new(Either::Right(Full::from(problem.to_string())));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
