//! The layer around a tonic channel: passes the trace and the correlation id on, and measures each call as the
//! client sees it, with its waiting and its network.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response, response};
use http_body::Body;
use opentelemetry::trace::TraceContextExt;
use tokio::time::Instant;
use tonic::Code;
use tower::{Layer, Service};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::context::RequestContext;
use crate::exchange::{End, Exchange, ObservedBody, ObservedFuture, Record, Scope};
use crate::rpc_record::{self, MethodPredicate};
use crate::series::SeriesCache;
use crate::{names, propagation};

/// Wraps a `tonic::transport::Channel`, or any service that takes HTTP requests for gRPC.
#[derive(Clone)]
pub struct InjectLayer {
    shared: Arc<Shared>,
}

struct Shared {
    service: &'static str,
    is_known: Option<MethodPredicate>,
    series: SeriesCache,
}

impl InjectLayer {
    /// A layer for calls that `service` makes.
    pub fn new(service: &'static str) -> Self {
        Self { shared: Arc::new(Shared { service, is_known: None, series: SeriesCache::default() }) }
    }

    /// Names only these methods (given as `/package.Service/Method`) in metrics; for callers' paths passed through.
    pub fn known_methods(self, is_known: MethodPredicate) -> Self {
        let shared =
            Shared { is_known: Some(is_known), service: self.shared.service, series: SeriesCache::default() };
        Self { shared: Arc::new(shared) }
    }
}

impl<S> Layer<S> for InjectLayer {
    type Service = InjectService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InjectService { inner, shared: self.shared.clone() }
    }
}

/// The service that [`InjectLayer`] makes.
#[derive(Clone)]
pub struct InjectService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for InjectService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    ResponseBody: Body,
{
    type Response = Response<ObservedBody<ResponseBody, ClientCall>>;
    type Error = S::Error;
    type Future = ObservedFuture<S::Future, ClientCall>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let started = Instant::now();
        let method = rpc_record::method_label(request.uri().path(), self.shared.is_known).into();
        let span = tracing::info_span!("rpc.client", otel.kind = "client");
        let traced =
            (!span.is_disabled()).then(|| span.context()).filter(|context| context.has_active_span());
        let scope = Scope { context: None, span, traced };
        let record = ClientCall { shared: self.shared.clone(), method, code: None };
        let inner = {
            let _entered = scope.span.enter();
            propagation::inject(request.headers_mut());
            self.inner.call(request)
        };
        ObservedFuture::new(inner, Exchange::new(scope, record, started))
    }
}

/// One outgoing call.
pub struct ClientCall {
    shared: Arc<Shared>,
    method: Box<str>,
    code: Option<Code>,
}

impl Record for ClientCall {
    fn on_head(&mut self, _context: Option<&RequestContext>, head: &mut response::Parts) {
        self.code = rpc_record::status_of(&head.headers);
    }

    fn on_trailers(&mut self, trailers: &HeaderMap) {
        self.code = rpc_record::status_of(trailers).or(self.code);
    }

    fn on_end(&mut self, scope: &Scope, end: End, took: Duration) {
        let code = rpc_record::final_code(self.code, end, Code::Unavailable);
        let metric = (names::RPC_CLIENT_DURATION, self.shared.service);
        rpc_record::record_duration(&self.shared.series, metric, &self.method, code, took);
        rpc_record::finish_span(scope, &self.method, code, code != Code::Ok);
    }
}
