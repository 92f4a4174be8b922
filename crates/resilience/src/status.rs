//! What a gRPC status says about the service behind it.
//!
//! An answer that a living service chose to give (a refused argument, a rate limit, "my database is away, come back
//! in a second") must not open the breaker: the service's other calls still work.

use std::error::Error;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::Outcome;

/// Classifies the status of one attempt for [`crate::Policy::call`].
///
/// UNAVAILABLE or RESOURCE_EXHAUSTED with `google.rpc.RetryInfo` is retried after the time it names and never held
/// against the service. Bare UNAVAILABLE, DEADLINE_EXCEEDED and anything made up by the transport (a connection lost
/// half-way) are failures worth another try; INTERNAL, UNKNOWN and DATA_LOSS are failures that are not; everything
/// else is an answer to this caller.
pub fn classify_status(status: &Status) -> Outcome {
    if let Some(delay) = retry_delay(status) {
        return Outcome::RetryableAfter(delay);
    }
    if status.source().is_some() {
        return Outcome::Retryable;
    }
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded => Outcome::Retryable,
        Code::Internal | Code::Unknown | Code::DataLoss => Outcome::Failure,
        _ => Outcome::Success,
    }
}

fn retry_delay(status: &Status) -> Option<Duration> {
    if !matches!(status.code(), Code::Unavailable | Code::ResourceExhausted) {
        return None;
    }
    status.get_details_retry_info()?.retry_delay
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    fn with_retry_info(code: Code) -> Status {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_millis(300)));
        Status::with_error_details(code, "later", details)
    }

    #[test]
    fn an_unreachable_service_is_worth_another_try() {
        assert_eq!(classify_status(&Status::unavailable("connection refused")), Outcome::Retryable);
        assert_eq!(classify_status(&Status::deadline_exceeded("slow")), Outcome::Retryable);
    }

    #[test]
    fn a_hint_from_a_living_service_is_heeded() {
        let expected = Outcome::RetryableAfter(Duration::from_millis(300));
        assert_eq!(classify_status(&with_retry_info(Code::Unavailable)), expected);
        assert_eq!(classify_status(&with_retry_info(Code::ResourceExhausted)), expected);
    }

    #[test]
    fn an_exhausted_quota_without_a_hint_is_an_answer() {
        assert_eq!(classify_status(&Status::resource_exhausted("quota")), Outcome::Success);
    }

    #[test]
    fn a_callers_mistake_says_nothing_against_the_service() {
        for code in [
            Code::InvalidArgument,
            Code::NotFound,
            Code::AlreadyExists,
            Code::PermissionDenied,
            Code::Unauthenticated,
            Code::FailedPrecondition,
            Code::OutOfRange,
            Code::Unimplemented,
            Code::Cancelled,
            Code::Aborted,
        ] {
            assert_eq!(classify_status(&Status::new(code, "")), Outcome::Success, "{code:?}");
        }
    }

    #[test]
    fn a_broken_service_fails_without_a_retry() {
        for code in [Code::Internal, Code::Unknown, Code::DataLoss] {
            assert_eq!(classify_status(&Status::new(code, "")), Outcome::Failure, "{code:?}");
        }
    }

    #[test]
    fn a_lost_connection_is_worth_another_try() {
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let status = Status::from_error(Box::new(reset));
        assert_eq!(classify_status(&status), Outcome::Retryable, "{status:?}");
    }

    #[test]
    fn garbage_in_the_details_is_no_hint() {
        let status = Status::with_details(Code::Unavailable, "", vec![0xff; 8].into());
        assert_eq!(classify_status(&status), Outcome::Retryable);
    }
}
