//! The porch of a gRPC service: a tower layer that turns a token into a [`Caller`] in the
//! request's extensions and checks the scope that the RPC needs. Whoever may not enter gets a
//! real gRPC status: HTTP 200 with `grpc-status` in the headers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use http::{HeaderMap, Request, Response, header};
use pin_project_lite::pin_project;
use tonic::Status;
use tower::{Layer, Service};

use crate::{Caller, IdentityError, TenantId, TokenRefusal, TokenVerifier};

/// Names the tenant of an anonymous caller, where those are let in.
pub const TENANT_HEADER: &str = "x-larder-tenant";

const REFUSALS: &str = "larder_identity_refusals_total";

/// Services that anybody may ask: whether we are well, and what we can do.
const OPEN_SERVICES: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// Who is let in, and where to.
#[derive(Debug, Clone)]
pub struct GrpcCallerPolicy {
    /// Verifies the tokens.
    pub verifier: TokenVerifier,
    /// Whether a caller without credentials is let in, as tenant `demo` or the one that
    /// [`TENANT_HEADER`] names, with all scopes. For development alone.
    pub anonymous_tenant_allowed: bool,
    /// Which scope the RPC at a path needs. An RPC it does not know needs a caller all the same.
    pub required_scope: fn(&str) -> Option<&'static str>,
}

/// Puts the [`Caller`] into every request's extensions, or refuses the request.
#[derive(Debug, Clone)]
pub struct GrpcCallerLayer {
    policy: GrpcCallerPolicy,
    clock: fn() -> SystemTime,
}

impl GrpcCallerLayer {
    /// A layer with this policy. Says loudly when it lets anonymous callers in.
    pub fn new(policy: GrpcCallerPolicy) -> Self {
        metrics::describe_counter!(REFUSALS, "Calls that were refused for who made them, by reason");
        if policy.anonymous_tenant_allowed {
            tracing::warn!(
                "anonymous callers may do everything; set identity.authentication to required to refuse them"
            );
        }
        Self { policy, clock: system_clock }
    }
}

impl<S> Layer<S> for GrpcCallerLayer {
    type Service = GrpcCallerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GrpcCallerService { policy: self.policy.clone(), clock: self.clock, inner }
    }
}

/// What [`GrpcCallerLayer`] puts around a service.
#[derive(Debug, Clone)]
pub struct GrpcCallerService<S> {
    policy: GrpcCallerPolicy,
    clock: fn() -> SystemTime,
    inner: S,
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for GrpcCallerService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    ResponseBody: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = AdmittedOrRefused<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        match self.policy.admit(request.uri().path(), request.headers(), (self.clock)()) {
            Ok(caller) => {
                if let Some(caller) = caller {
                    tracing::Span::current().record("tenant.id", caller.tenant.as_str());
                    request.extensions_mut().insert(caller);
                }
                AdmittedOrRefused::Admitted { answer: self.inner.call(request) }
            }
            Err(error) => {
                metrics::counter!(REFUSALS, "reason" => error.reason()).increment(1);
                tracing::debug!(rpc.method = request.uri().path(), reason = error.reason(), "call refused");
                AdmittedOrRefused::Refused { status: Some(error.into()) }
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where this crate reads the clock")]
fn system_clock() -> SystemTime {
    SystemTime::now()
}

impl GrpcCallerPolicy {
    /// Decides about one call: `None` is a call that needs no caller.
    fn admit(
        &self,
        path: &str,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Option<Caller>, IdentityError> {
        if OPEN_SERVICES.iter().any(|service| path.starts_with(service)) {
            return Ok(None);
        }
        let caller = self.identify(headers, now)?;
        if let Some(scope) = (self.required_scope)(path) {
            caller.require(scope)?;
        }
        Ok(Some(caller))
    }

    /// Credentials that are shown are always checked, even where none are needed.
    fn identify(&self, headers: &HeaderMap, now: SystemTime) -> Result<Caller, IdentityError> {
        let mut credentials = headers.get_all(header::AUTHORIZATION).iter();
        match (credentials.next(), credentials.next()) {
            (Some(only), None) => self.verifier.verify(bearer_token(only)?, now),
            (Some(_), Some(_)) => Err(IdentityError::InvalidCredentials(TokenRefusal::Malformed)),
            (None, _) if self.anonymous_tenant_allowed => anonymous_tenant(headers).map(Caller::anonymous),
            (None, _) => Err(IdentityError::MissingCredentials),
        }
    }
}

/// The scheme's name is case-insensitive (RFC 9110, section 11.1).
fn bearer_token(credentials: &http::HeaderValue) -> Result<&str, IdentityError> {
    let text = credentials.to_str().ok();
    let parts = text.and_then(|text| text.trim().split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim_start()),
        _ => Err(IdentityError::InvalidCredentials(TokenRefusal::Malformed)),
    }
}

fn anonymous_tenant(headers: &HeaderMap) -> Result<TenantId, IdentityError> {
    match headers.get(TENANT_HEADER) {
        None => Ok(TenantId::demo()),
        Some(tenant) => TenantId::parse(tenant.to_str().map_err(|_| IdentityError::InvalidTenant)?),
    }
}

pin_project! {
    /// The answer of the service, or the refusal.
    #[project = AdmittedOrRefusedProjection]
    pub enum AdmittedOrRefused<F> {
        Admitted { #[pin] answer: F },
        Refused { status: Option<Status> },
    }
}

impl<F, Body, E> Future for AdmittedOrRefused<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
    Body: Default,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AdmittedOrRefusedProjection::Admitted { answer } => answer.poll(context),
            AdmittedOrRefusedProjection::Refused { status } => {
                let status = status.take().expect("a future is not polled after it is ready");
                Poll::Ready(Ok(status.into_http()))
            }
        }
    }
}

#[cfg(test)]
mod tests;
