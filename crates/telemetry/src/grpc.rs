//! The layer around a tonic server: correlation id and trace in and out, one duration and one error a call.
//! It logs at debug alone, since the line people read is written once, at the gate.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response, response};
use http_body::Body;
use tokio::time::Instant;
use tonic::Code;
use tower::{Layer, Service};

use crate::context::RequestContext;
use crate::errors::{self, ErrorKind};
use crate::exchange::{End, Exchange, ObservedBody, ObservedFuture, Record, Scope};
use crate::names;
use crate::rpc_record;

use crate::series::SeriesCache;

pub use crate::rpc_record::MethodPredicate;

/// For `tonic::transport::Server::layer`; the outermost one.
#[derive(Clone)]
pub struct GrpcTelemetryLayer {
    shared: Arc<Shared>,
}

struct Shared {
    service: &'static str,
    is_known: Option<MethodPredicate>,
    series: SeriesCache,
}

impl GrpcTelemetryLayer {
    /// A layer for the calls that `service` answers.
    pub fn new(service: &'static str) -> Self {
        Self { shared: Arc::new(Shared { service, is_known: None, series: SeriesCache::default() }) }
    }

    /// Names only these methods (given as `/package.Service/Method`) in metrics and spans. Without it the number of
    /// names is bounded all the same, but by whoever calls first.
    pub fn known_methods(self, is_known: MethodPredicate) -> Self {
        let shared =
            Shared { is_known: Some(is_known), service: self.shared.service, series: SeriesCache::default() };
        Self { shared: Arc::new(shared) }
    }
}

impl<S> Layer<S> for GrpcTelemetryLayer {
    type Service = GrpcTelemetry<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GrpcTelemetry { inner, shared: self.shared.clone() }
    }
}

/// The service that [`GrpcTelemetryLayer`] makes.
#[derive(Clone)]
pub struct GrpcTelemetry<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for GrpcTelemetry<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    ResponseBody: Body,
{
    type Response = Response<ObservedBody<ResponseBody, ServerCall>>;
    type Error = S::Error;
    type Future = ObservedFuture<S::Future, ServerCall>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let started = Instant::now();
        let method = rpc_record::method_label(request.uri().path(), self.shared.is_known).into();
        let scope = Scope::for_request(self.shared.service, request.headers());
        scope.put_into(request.extensions_mut());
        let record = ServerCall { shared: self.shared.clone(), method, code: None };
        let inner = scope.run(|| self.inner.call(request));
        ObservedFuture::new(inner, Exchange::new(scope, record, started))
    }
}

/// One incoming call.
pub struct ServerCall {
    shared: Arc<Shared>,
    method: Box<str>,
    code: Option<Code>,
}

impl Record for ServerCall {
    fn on_head(&mut self, context: Option<&RequestContext>, head: &mut response::Parts) {
        self.code = rpc_record::status_of(&head.headers);
        if let Some(context) = context {
            head.headers.insert(names::CORRELATION_ID_HEADER, context.correlation_id().header_value());
        }
    }

    fn on_trailers(&mut self, trailers: &HeaderMap) {
        self.code = rpc_record::status_of(trailers).or(self.code);
    }

    fn on_end(&mut self, scope: &Scope, end: End, took: Duration) {
        let code = rpc_record::final_code(self.code, end, Code::Internal);
        let metric = (names::RPC_SERVER_DURATION, self.shared.service);
        rpc_record::record_duration(&self.shared.series, metric, &self.method, code, took);
        if let (Some(kind), Some(context)) = (ErrorKind::from_code(code), &scope.context) {
            errors::count_answer(context, kind, &self.method);
        }
        rpc_record::finish_span(scope, &self.method, code, is_servers_fault(code));
        tracing::debug!(
            target: "larder::rpc",
            {
                rpc.method = &*self.method,
                rpc.response.status_code = names::code_name(code),
                duration_ms = took.as_micros() as f64 / 1e3,
            },
            "rpc completed"
        );
    }
}

/// The codes that the conventions call an error of the server's span; the others are answers.
fn is_servers_fault(code: Code) -> bool {
    use Code::{DataLoss, DeadlineExceeded, Internal, Unavailable, Unimplemented, Unknown};
    matches!(code, Unknown | DeadlineExceeded | Unimplemented | Internal | Unavailable | DataLoss)
}
