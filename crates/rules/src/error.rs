//! A field that is refused, and the one place here that makes a gRPC status of some.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// So many refused fields are told; more would not fit into the trailers of a call.
const MOST_TOLD: usize = 40;

/// One field that cannot be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its path in the message, such as `filter.categories[2]`.
    pub field: String,
    /// What would be accepted.
    pub description: String,
}

/// The refusal of a message with these.
pub(crate) fn refused(mut violations: Vec<Violation>) -> Status {
    let more = violations.len().saturating_sub(MOST_TOLD);
    violations.truncate(MOST_TOLD);
    if more > 0 {
        let description = format!("{more} more fields are refused");
        violations.push(Violation { field: String::new(), description });
    }
    let sentences: Vec<String> =
        violations.iter().map(|one| format!("{}: {}", one.field, one.description)).collect();
    let mut details = ErrorDetails::new();
    for Violation { field, description } in violations {
        details.add_bad_request_violation(field, description);
    }
    Status::with_error_details(Code::InvalidArgument, sentences.join("; "), details)
}

/// A message that did not come as a whole; its rules cannot be looked at, so nobody is let through.
pub(crate) fn in_pieces() -> Status {
    Status::internal("a message came in pieces")
}
