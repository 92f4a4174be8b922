//! One request and its answer, watched from head to the last byte: the future and the body that run inside the
//! request's context, and the record that is closed exactly once, however the exchange ends.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{HeaderMap, Response, response};
use http_body::{Body, Frame, SizeHint};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Status, TraceContextExt};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::context::RequestContext;
use crate::correlation::CorrelationId;
use crate::sampling::{self, Decision};
use crate::trace_parent;

/// How an exchange came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The answer was handed over whole.
    Complete,
    /// The service or the body failed without an answer.
    Failed,
    /// Nobody wanted the rest: the caller went away.
    Cancelled,
}

/// What a layer notes about an exchange.
pub trait Record {
    /// The answer's head is there and may still be changed.
    fn on_head(&mut self, context: Option<&RequestContext>, head: &mut response::Parts);
    /// The trailers passed by.
    fn on_trailers(&mut self, trailers: &HeaderMap);
    /// It is over. Called once.
    fn on_end(&mut self, scope: &Scope, end: End, took: Duration);
}

/// Where the parts of an exchange run.
pub struct Scope {
    /// Made current while the exchange is polled; `None` on the client's side, where the task has one already.
    pub(crate) context: Option<RequestContext>,
    /// The tracing span, disabled when the exchange is not sampled.
    pub(crate) span: Span,
    /// The same span for OpenTelemetry, to rename and complete it at the end.
    pub(crate) traced: Option<opentelemetry::Context>,
}

impl Scope {
    /// The scope of a request with these headers: its ids, and a span when the head decides so.
    pub(crate) fn for_request(service: &'static str, headers: &HeaderMap) -> Self {
        let correlation_id = CorrelationId::from_headers(headers);
        match sampling::decide(trace_parent::extract(headers)) {
            Decision::Unsampled(identity) => {
                let context = RequestContext::new(service, correlation_id, identity, false);
                Self { context: Some(context), span: Span::none(), traced: None }
            }
            Decision::Sampled(parent) => Self::sampled(service, correlation_id, parent),
        }
    }

    fn sampled(service: &'static str, correlation_id: CorrelationId, parent: opentelemetry::Context) -> Self {
        let span = tracing::info_span!(
            "request",
            otel.kind = "server",
            larder.service = service,
            larder.correlation_id = correlation_id.as_str(),
        );
        let caller = parent.span().span_context().clone();
        // Fails only when no exporter listens to this thread, and then the span is disabled as well.
        let _ = span.set_parent(parent);
        let traced = Some(span.context()).filter(TraceContextExt::has_active_span);
        let identity = match &traced {
            Some(traced) => traced.span().span_context().clone(),
            None if caller.is_valid() => caller,
            None => sampling::unsampled_root(),
        };
        let context = RequestContext::new(service, correlation_id, identity, traced.is_some());
        Self { context: Some(context), span, traced }
    }

    /// Lets handlers find the ids among the request's extensions.
    pub(crate) fn put_into(&self, extensions: &mut http::Extensions) {
        if let Some(context) = &self.context {
            extensions.insert(context.correlation_id().clone());
            extensions.insert(context.clone());
        }
    }

    /// Completes the span with what only the end knows.
    pub(crate) fn finish_span(&self, name: String, attributes: Vec<KeyValue>, error: Option<String>) {
        let Some(traced) = &self.traced else { return };
        let span = traced.span();
        span.update_name(name);
        span.set_attributes(attributes);
        if let Some(tenant) = self.context.as_ref().and_then(RequestContext::tenant) {
            span.set_attribute(KeyValue::new("larder.tenant_id", tenant.to_owned()));
        }
        if let Some(error) = error {
            span.set_attribute(KeyValue::new("error.type", error));
            span.set_status(Status::error(""));
        }
    }

    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.span.enter();
        match &self.context {
            Some(context) => context.enter(work),
            None => work(),
        }
    }
}

/// A record in progress. Dropped before it was ended, the caller went away, or a panic passed through.
pub(crate) struct Exchange<R: Record> {
    scope: Scope,
    record: R,
    started: Instant,
    ended: bool,
}

impl<R: Record> Exchange<R> {
    pub(crate) fn new(scope: Scope, record: R, started: Instant) -> Self {
        Self { scope, record, started, ended: false }
    }

    fn end(&mut self, end: End) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let (scope, record, took) = (&self.scope, &mut self.record, self.started.elapsed());
        scope.run(|| record.on_end(scope, end, took));
    }
}

impl<R: Record> Drop for Exchange<R> {
    fn drop(&mut self) {
        let end = if std::thread::panicking() { End::Failed } else { End::Cancelled };
        self.end(end);
    }
}

pin_project! {
    /// The answer to come.
    pub struct ObservedFuture<F, R: Record> {
        #[pin]
        inner: F,
        exchange: Option<Exchange<R>>,
    }
}

impl<F, R: Record> ObservedFuture<F, R> {
    pub(crate) fn new(inner: F, exchange: Exchange<R>) -> Self {
        Self { inner, exchange: Some(exchange) }
    }
}

impl<F, R, B, E> Future for ObservedFuture<F, R>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    R: Record,
{
    type Output = Result<Response<ObservedBody<B, R>>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let exchange = this.exchange.as_mut().expect("an answered future is not polled again");
        let result = ready!(exchange.scope.run(|| this.inner.poll(task)));
        if result.is_err() {
            exchange.end(End::Failed);
        }
        let mut exchange = this.exchange.take();
        Poll::Ready(result.map(|response| {
            let (mut head, body) = response.into_parts();
            if let Some(exchange) = &mut exchange {
                exchange.record.on_head(exchange.scope.context.as_ref(), &mut head);
            }
            Response::from_parts(head, ObservedBody { inner: body, exchange })
        }))
    }
}

pin_project! {
    /// The answer's body.
    pub struct ObservedBody<B: Body, R: Record> {
        #[pin]
        inner: B,
        exchange: Option<Exchange<R>>,
    }

    impl<B: Body, R: Record> PinnedDrop for ObservedBody<B, R> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            // A server stops asking when the body says that it is through.
            if let Some(exchange) = this.exchange && this.inner.is_end_stream() {
                exchange.end(End::Complete);
            }
        }
    }
}

impl<B: Body, R: Record> Body for ObservedBody<B, R> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let Some(exchange) = this.exchange.as_mut() else { return this.inner.poll_frame(task) };
        let frame = ready!(exchange.scope.run(|| this.inner.poll_frame(task)));
        let end = match &frame {
            None => Some(End::Complete),
            Some(Err(_)) => Some(End::Failed),
            Some(Ok(frame)) => frame.trailers_ref().map(|trailers| {
                exchange.record.on_trailers(trailers);
                End::Complete
            }),
        };
        if let Some(end) = end {
            exchange.end(end);
            *this.exchange = None;
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
