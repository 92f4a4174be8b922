//! What servers and clients of gRPC note alike: the method's label, the status from head or trailers, the span's end.

use std::time::Duration;

use http::HeaderMap;
use opentelemetry::KeyValue;
use tonic::Code;

use crate::exchange::{End, Scope};
use crate::names;
use crate::series::SeriesCache;

const GRPC_STATUS_HEADER: &str = "grpc-status";

/// Whether a `package.Service/Method` is part of the contract.
pub type MethodPredicate = fn(&str) -> bool;

/// `package.Service/Method` of a request's path, or `_OTHER` for one that is not part of the contract.
pub(crate) fn method_label(path: &str, is_known: Option<MethodPredicate>) -> &str {
    let method = path.strip_prefix('/').unwrap_or(path);
    match is_known {
        Some(is_known) if !is_known(path) => names::OTHER,
        _ => method,
    }
}

/// The status that a head or trailers carry.
pub(crate) fn status_of(headers: &HeaderMap) -> Option<Code> {
    headers.get(GRPC_STATUS_HEADER).map(|value| Code::from_bytes(value.as_bytes()))
}

/// The status of an exchange that ended so, given what its headers said. A failure without a status is the server's
/// own (`Internal`) or, seen by a client, the connection's (`Unavailable`).
pub(crate) fn final_code(seen: Option<Code>, end: End, failure: Code) -> Code {
    match (seen, end) {
        (Some(code), End::Complete) => code,
        (Some(code), _) if code != Code::Ok => code,
        (None, End::Complete) => Code::Unknown,
        (_, End::Cancelled) => Code::Cancelled,
        (_, End::Failed) => failure,
    }
}

/// Records one call in `metric`.
pub(crate) fn record_duration(
    series: &SeriesCache,
    (metric, service): (&'static str, &'static str),
    method: &str,
    code: Code,
    took: Duration,
) {
    series.record(method, code as u32, took.as_secs_f64(), |method| {
        ::metrics::histogram!(
            metric,
            names::SERVICE => service,
            names::RPC_SYSTEM => "grpc",
            names::RPC_METHOD => method.to_owned(),
            names::RPC_STATUS => names::code_name(code),
        )
    });
}

/// Completes the span of a call.
pub(crate) fn finish_span(scope: &Scope, method: &str, code: Code, is_error: bool) {
    if scope.traced.is_none() {
        return;
    }
    let attributes = vec![
        KeyValue::new("rpc.system.name", "grpc"),
        KeyValue::new("rpc.method", method.to_owned()),
        KeyValue::new("rpc.response.status_code", names::code_name(code)),
    ];
    scope.finish_span(method.to_owned(), attributes, is_error.then(|| names::code_name(code).to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_survives_every_way_to_end() {
        let at_client = |seen, end| final_code(seen, end, Code::Unavailable);
        assert_eq!(at_client(Some(Code::NotFound), End::Complete), Code::NotFound);
        assert_eq!(at_client(None, End::Cancelled), Code::Cancelled);
        assert_eq!(at_client(None, End::Failed), Code::Unavailable);
        assert_eq!(at_client(Some(Code::Ok), End::Failed), Code::Unavailable);
        assert_eq!(at_client(Some(Code::Internal), End::Cancelled), Code::Internal);
        assert_eq!(at_client(None, End::Complete), Code::Unknown);
    }

    #[test]
    fn a_method_outside_the_contract_has_no_name_of_its_own() {
        assert_eq!(method_label("/a.B/C", None), "a.B/C");
        assert_eq!(method_label("/a.B/C", Some(|path| path == "/a.B/C")), "a.B/C");
        assert_eq!(method_label("/x.Y/Z", Some(|path| path == "/a.B/C")), names::OTHER);
    }
}
