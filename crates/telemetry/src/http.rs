//! The layer around an HTTP server: correlation id and trace in and out, one duration and one access line a request.
//! The line names the matched route and never the raw path, since paths carry customers' ids.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::MatchedPath;
use http::{HeaderMap, Method, Request, Response, response};
use http_body::Body;
use metrics::Gauge;
use opentelemetry::KeyValue;
use tokio::time::Instant;
use tonic::Code;
use tower::{Layer, Service};

use crate::context::RequestContext;
use crate::errors::{self, ErrorKind};
use crate::exchange::{End, Exchange, ObservedBody, ObservedFuture, Record, Scope};
use crate::series::SeriesCache;
use crate::{names, rpc_record};

/// The route's template, for services that route by something else than axum: put it into the extensions of the
/// answer. It wins over axum's `MatchedPath`.
#[derive(Clone, Debug)]
pub struct RouteTemplate(pub Arc<str>);

/// For `axum::Router::layer`, or around a whole server; the outermost one.
#[derive(Clone)]
pub struct HttpTelemetryLayer {
    shared: Arc<Shared>,
}

struct Shared {
    service: &'static str,
    series: SeriesCache,
    active: std::sync::OnceLock<Gauge>,
}

impl HttpTelemetryLayer {
    /// A layer for the requests that `service` answers.
    pub fn new(service: &'static str) -> Self {
        let (series, active) = (SeriesCache::default(), std::sync::OnceLock::new());
        Self { shared: Arc::new(Shared { service, series, active }) }
    }
}

impl Shared {
    fn active(&self) -> &Gauge {
        self.active
            .get_or_init(|| ::metrics::gauge!(names::HTTP_SERVER_ACTIVE, names::SERVICE => self.service))
    }
}

impl<S> Layer<S> for HttpTelemetryLayer {
    type Service = HttpTelemetry<S>;

    fn layer(&self, inner: S) -> Self::Service {
        HttpTelemetry { inner, shared: self.shared.clone() }
    }
}

/// The service that [`HttpTelemetryLayer`] makes.
#[derive(Clone)]
pub struct HttpTelemetry<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for HttpTelemetry<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    ResponseBody: Body,
{
    type Response = Response<ObservedBody<ResponseBody, ServerRequest>>;
    type Error = S::Error;
    type Future = ObservedFuture<S::Future, ServerRequest>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let started = Instant::now();
        let scope = Scope::for_request(self.shared.service, request.headers());
        scope.put_into(request.extensions_mut());
        let record = ServerRequest {
            shared: self.shared.clone(),
            method: names::method_name(request.method()),
            is_head: request.method() == Method::HEAD,
            route: request.extensions().get::<MatchedPath>().map(|matched| Route::Matched(matched.clone())),
            status: 0,
            code: None,
        };
        self.shared.active().increment(1.0);
        let inner = scope.run(|| self.inner.call(request));
        ObservedFuture::new(inner, Exchange::new(scope, record, started))
    }
}

/// One incoming request.
pub struct ServerRequest {
    shared: Arc<Shared>,
    method: &'static str,
    is_head: bool,
    route: Option<Route>,
    status: u16,
    code: Option<Code>,
}

enum Route {
    Matched(MatchedPath),
    Template(RouteTemplate),
}

impl Record for ServerRequest {
    fn on_head(&mut self, context: Option<&RequestContext>, head: &mut response::Parts) {
        self.status = head.status.as_u16();
        self.code = rpc_record::status_of(&head.headers);
        if let Some(template) = head.extensions.get::<RouteTemplate>() {
            self.route = Some(Route::Template(template.clone()));
        }
        if let Some(context) = context {
            head.headers.insert(names::CORRELATION_ID_HEADER, context.correlation_id().header_value());
        }
    }

    fn on_trailers(&mut self, trailers: &HeaderMap) {
        self.code = rpc_record::status_of(trailers).or(self.code);
    }

    fn on_end(&mut self, scope: &Scope, end: End, took: Duration) {
        let status = self.final_status(end);
        let route = match &self.route {
            Some(Route::Matched(matched)) => matched.as_str(),
            Some(Route::Template(template)) => &template.0,
            None => names::UNMATCHED,
        };
        self.shared.active().decrement(1.0);
        self.record_duration(route, status, took);
        let kind = self.error_kind(status);
        if let (Some(kind), Some(context)) = (kind, &scope.context) {
            errors::count_answer(context, kind, route);
        }
        finish_span(scope, self.method, route, status);
        write_access_line(&AccessLine { method: self.method, route, status, code: self.code, kind, took });
    }
}

impl ServerRequest {
    fn final_status(&self, end: End) -> u16 {
        // The body of an answer to HEAD is never asked for, so dropping it is no sign of a caller gone.
        match end {
            End::Cancelled if self.status == 0 || !self.is_head => names::CLIENT_CLOSED_REQUEST,
            End::Failed if self.status < 500 => 500,
            _ => self.status,
        }
    }

    fn error_kind(&self, status: u16) -> Option<ErrorKind> {
        let status = http::StatusCode::from_u16(status).ok()?;
        ErrorKind::from_http_status(status).or_else(|| self.code.and_then(ErrorKind::from_code))
    }

    fn record_duration(&self, route: &str, status: u16, took: Duration) {
        let method_key = self.method.bytes().fold(0_u32, |key, byte| key.wrapping_mul(31) + u32::from(byte));
        let variant = (method_key << 10) | u32::from(status);
        self.shared.series.record(route, variant, took.as_secs_f64(), |route| {
            ::metrics::histogram!(
                names::HTTP_SERVER_DURATION,
                names::SERVICE => self.shared.service,
                names::HTTP_METHOD => self.method,
                names::HTTP_ROUTE => route.to_owned(),
                names::HTTP_STATUS => status.to_string(),
            )
        });
    }
}

fn finish_span(scope: &Scope, method: &'static str, route: &str, status: u16) {
    if scope.traced.is_none() {
        return;
    }
    let verb = if method == names::OTHER { "HTTP" } else { method };
    let attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.route", route.to_owned()),
        KeyValue::new("http.response.status_code", i64::from(status)),
    ];
    scope.finish_span(format!("{verb} {route}"), attributes, (status >= 500).then(|| status.to_string()));
}

struct AccessLine<'a> {
    method: &'static str,
    route: &'a str,
    status: u16,
    code: Option<Code>,
    kind: Option<ErrorKind>,
    took: Duration,
}

/// The one line a request leaves: an error when it is ours, a warning when it is the caller's, else information.
fn write_access_line(line: &AccessLine<'_>) {
    // A level is part of a call site, so each has its own.
    macro_rules! write {
        ($level:ident) => {
            tracing::$level!(
                target: "larder::access",
                {
                http.request.method = line.method,
                http.route = line.route,
                http.response.status_code = line.status,
                rpc.response.status_code = line.code.map(names::code_name),
                error.kind = line.kind.map(ErrorKind::as_str),
                duration_ms = line.took.as_micros() as f64 / 1e3,
                },
                "request completed"
            )
        };
    }
    match line.kind {
        Some(ErrorKind::Internal | ErrorKind::Panic | ErrorKind::Unavailable | ErrorKind::Timeout) => {
            write!(error)
        }
        Some(_) => write!(warn),
        None => write!(info),
    }
}
