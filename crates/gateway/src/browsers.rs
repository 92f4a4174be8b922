//! What browsers are told: which pages may call from elsewhere, and what no page may do with an
//! answer.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, header};
use larder_settings::GatewaySettings;
use tower_http::cors::CorsLayer;

use crate::passthrough;

/// How long a browser may remember that it may call.
const REMEMBERED: Duration = Duration::from_secs(600);

const READABLE: [&str; 8] = [
    "grpc-message",
    "grpc-status",
    "grpc-status-details-bin",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "x-correlation-id",
];
const SENT: [&str; 11] = [
    "accept",
    "authorization",
    "content-type",
    "grpc-timeout",
    "idempotency-key",
    "traceparent",
    "x-api-key",
    "x-correlation-id",
    "x-grpc-web",
    "x-larder-tenant",
    "x-user-agent",
];

/// Lets pages of these origins call; without any, no header says so and browsers keep them out.
/// Cookies are never let through: credentials are headers that a page has to set.
pub(crate) fn cross_origin(origins: &[String]) -> CorsLayer {
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return CorsLayer::new();
    }
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(methods)
        .allow_headers(SENT.map(HeaderName::from_static))
        .expose_headers(READABLE.map(HeaderName::from_static))
        .max_age(REMEMBERED)
}

/// What browsers are told of TLS, where callers come with it: here, or at the proxy in front.
pub(crate) fn transport_security(gateway: &GatewaySettings) -> Option<HeaderValue> {
    let is_protected = gateway.ends_tls() || gateway.proxy_ends_tls;
    let age_s = gateway.hsts_max_age.as_secs();
    if !is_protected || age_s == 0 {
        return None;
    }
    HeaderValue::try_from(format!("max-age={age_s}; includeSubDomains")).ok()
}

/// Headers that tell browsers what not to do with an answer; gRPC clients are no browsers.
pub(crate) async fn secure(
    State(transport): State<Option<HeaderValue>>,
    request: Request,
    next: Next,
) -> Response {
    if passthrough::is_grpc(request.headers()) {
        return next.run(request).await;
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Pages with forms say "same-origin", or browsers would not tell where a form comes from.
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static("same-origin"));
    }
    if let Some(transport) = transport {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, transport);
    }
    let domains = HeaderName::from_static("x-permitted-cross-domain-policies");
    headers.insert(domains, HeaderValue::from_static("none"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
