//! Kinds of error: one short list for counting, alerting and answering. This is the one table between a kind, its
//! gRPC code and its HTTP status.

use std::fmt;

use http::StatusCode;
use tonic::Code;

use crate::context::RequestContext;
use crate::faults::{self, Fault};
use crate::names;

/// What went wrong, as far as a dashboard cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request cannot be true.
    InvalidArgument,
    /// What was asked for is not there, or not this tenant's.
    NotFound,
    /// Nobody is known to be calling.
    Unauthenticated,
    /// The caller may not do this.
    PermissionDenied,
    /// The request contradicts what is stored.
    Conflict,
    /// A dependency does not answer; trying later may help.
    Unavailable,
    /// Time ran out.
    Timeout,
    /// A limit or quota is used up.
    Exhausted,
    /// Our fault.
    Internal,
    /// Our fault, and nobody had thought of it.
    Panic,
}

impl ErrorKind {
    /// Every kind, in the order of the list above.
    pub const ALL: [Self; 10] = [
        Self::InvalidArgument,
        Self::NotFound,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::Conflict,
        Self::Unavailable,
        Self::Timeout,
        Self::Exhausted,
        Self::Internal,
        Self::Panic,
    ];

    /// The kind as a metric's label and a log's `error.kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::NotFound => "not_found",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Exhausted => "exhausted",
            Self::Internal => "internal",
            Self::Panic => "panic",
        }
    }

    /// The gRPC code that answers this kind.
    pub fn code(self) -> Code {
        match self {
            Self::InvalidArgument => Code::InvalidArgument,
            Self::NotFound => Code::NotFound,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::PermissionDenied => Code::PermissionDenied,
            Self::Conflict => Code::AlreadyExists,
            Self::Unavailable => Code::Unavailable,
            Self::Timeout => Code::DeadlineExceeded,
            Self::Exhausted => Code::ResourceExhausted,
            Self::Internal | Self::Panic => Code::Internal,
        }
    }

    /// The HTTP status that answers this kind.
    pub fn http_status(self) -> StatusCode {
        match self {
            Self::InvalidArgument => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Exhausted => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal | Self::Panic => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The kind of a gRPC code. `None` for success, and for a caller that went away: neither is an error.
    pub fn from_code(code: Code) -> Option<Self> {
        match code {
            Code::Ok | Code::Cancelled => None,
            Code::InvalidArgument | Code::OutOfRange => Some(Self::InvalidArgument),
            Code::NotFound | Code::Unimplemented => Some(Self::NotFound),
            Code::Unauthenticated => Some(Self::Unauthenticated),
            Code::PermissionDenied => Some(Self::PermissionDenied),
            Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition => Some(Self::Conflict),
            Code::Unavailable => Some(Self::Unavailable),
            Code::DeadlineExceeded => Some(Self::Timeout),
            Code::ResourceExhausted => Some(Self::Exhausted),
            Code::Internal | Code::Unknown | Code::DataLoss => Some(Self::Internal),
        }
    }

    /// The kind of an HTTP status. `None` below 400 and for a caller that went away.
    pub fn from_http_status(status: StatusCode) -> Option<Self> {
        match status.as_u16() {
            ..=399 | names::CLIENT_CLOSED_REQUEST => None,
            401 => Some(Self::Unauthenticated),
            403 => Some(Self::PermissionDenied),
            404 | 405 | 410 | 501 => Some(Self::NotFound),
            408 | 504 => Some(Self::Timeout),
            409 | 412 => Some(Self::Conflict),
            429 => Some(Self::Exhausted),
            502 | 503 => Some(Self::Unavailable),
            400..=499 => Some(Self::InvalidArgument),
            _ => Some(Self::Internal),
        }
    }

    /// Whether somebody should look: the error is ours and not a dependency's or the caller's.
    pub fn is_fault(self) -> bool {
        matches!(self, Self::Internal | Self::Panic)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Counts one error. The layers count what nobody counted, once a request; faults also go to the error tracker.
#[track_caller]
pub fn count(service: &'static str, kind: ErrorKind) {
    count_at(service, kind, "internal error", std::panic::Location::caller());
}

/// Counts one error and writes its log line. `what` is a fixed sentence and the only text an error tracker receives;
/// `error` goes to the log alone.
#[track_caller]
pub fn report(service: &'static str, kind: ErrorKind, what: &'static str, error: &dyn fmt::Display) {
    if kind.is_fault() {
        tracing::error!(error.kind = kind.as_str(), error = %error, "{what}");
    } else {
        tracing::warn!(error.kind = kind.as_str(), error = %error, "{what}");
    }
    count_at(service, kind, what, std::panic::Location::caller());
}

fn count_at(
    service: &'static str,
    kind: ErrorKind,
    what: &'static str,
    at: &'static std::panic::Location<'static>,
) {
    RequestContext::with_current(RequestContext::claim_error);
    increment(service, kind);
    if kind.is_fault() {
        faults::send(&Fault::error(service, kind, what, at));
    }
}

/// Counts the error of an answer unless it was counted where it was handled. `place` is the route or the method.
pub(crate) fn count_answer(context: &RequestContext, kind: ErrorKind, place: &str) {
    if !context.claim_error() {
        return;
    }
    increment(context.service(), kind);
    if kind.is_fault() {
        faults::send(&Fault::answer(context.service(), kind, place));
    }
}

pub(crate) fn increment(service: &'static str, kind: ErrorKind) {
    ::metrics::counter!(names::ERRORS, names::SERVICE => service, names::KIND => kind.as_str()).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_the_wire_but_panic_which_reads_as_internal() {
        for kind in ErrorKind::ALL {
            let expected = if kind == ErrorKind::Panic { ErrorKind::Internal } else { kind };
            assert_eq!(ErrorKind::from_code(kind.code()), Some(expected));
            assert_eq!(ErrorKind::from_http_status(kind.http_status()), Some(expected));
        }
    }

    #[test]
    fn success_and_a_caller_gone_are_no_errors() {
        assert_eq!(ErrorKind::from_code(Code::Ok), None);
        assert_eq!(ErrorKind::from_code(Code::Cancelled), None);
        assert_eq!(ErrorKind::from_http_status(StatusCode::NO_CONTENT), None);
        assert_eq!(ErrorKind::from_http_status(StatusCode::from_u16(499).unwrap()), None);
    }
}
