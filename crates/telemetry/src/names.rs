//! Every name that leaves this crate: metrics, labels, headers. OpenTelemetry's conventions (1.44) as Prometheus
//! writes them; `larder_*` only for what is ours. A renamed convention is followed here and nowhere else.

/// Header and metadata key of the correlation id, in and out.
pub const CORRELATION_ID_HEADER: &str = "x-correlation-id";
/// Header of the W3C trace context.
pub const TRACE_PARENT_HEADER: &str = "traceparent";
/// Header of the W3C vendor-specific trace state.
pub const TRACE_STATE_HEADER: &str = "tracestate";

/// Histogram, seconds: one HTTP request from its head to the end of its answer's body.
pub const HTTP_SERVER_DURATION: &str = "http_server_request_duration_seconds";
/// Gauge: HTTP requests in progress.
pub const HTTP_SERVER_ACTIVE: &str = "http_server_active_requests";
/// Histogram, seconds: one gRPC call as its server sees it.
pub const RPC_SERVER_DURATION: &str = "rpc_server_call_duration_seconds";
/// Histogram, seconds: one gRPC call as its client sees it.
pub const RPC_CLIENT_DURATION: &str = "rpc_client_call_duration_seconds";

/// Counter: errors by service and kind.
pub const ERRORS: &str = "larder_errors_total";
/// Counter: panics by service.
pub const PANICS: &str = "larder_panics_total";
/// Gauge, always 1: which version runs where.
pub const BUILD_INFO: &str = "larder_build_info";
/// Counter: finished spans by what became of them (`exported`, `failed`, `dropped`).
pub const TRACE_SPANS: &str = "larder_trace_spans_total";

/// Label: which of our services.
pub const SERVICE: &str = "service";
/// Label: the error's kind.
pub const KIND: &str = "kind";
/// Label: the HTTP method, `_OTHER` when it is not a registered one.
pub const HTTP_METHOD: &str = "http_request_method";
/// Label: the matched route's template, or `unmatched`.
pub const HTTP_ROUTE: &str = "http_route";
/// Label: the HTTP status as digits.
pub const HTTP_STATUS: &str = "http_response_status_code";
/// Label: always `grpc`.
pub const RPC_SYSTEM: &str = "rpc_system_name";
/// Label: `package.Service/Method`, or `_OTHER`.
pub const RPC_METHOD: &str = "rpc_method";
/// Label: the status code's name, such as `NOT_FOUND`.
pub const RPC_STATUS: &str = "rpc_response_status_code";

/// What stands in for a name that would make a label unbounded.
pub const OTHER: &str = "_OTHER";
/// The route of a request that no route matched.
pub const UNMATCHED: &str = "unmatched";
/// The status recorded when the caller went away before the answer was complete.
pub const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The conventions' name of a gRPC status code.
pub fn code_name(code: tonic::Code) -> &'static str {
    use tonic::Code;
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The registered name of an HTTP method, or `_OTHER`.
pub fn method_name(method: &::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "CONNECT" => "CONNECT",
        "OPTIONS" => "OPTIONS",
        "TRACE" => "TRACE",
        "PATCH" => "PATCH",
        _ => OTHER,
    }
}
