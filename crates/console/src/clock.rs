//! The edge where the console reads the clock: which day it is, and what "an hour from now" means.

use jiff::Timestamp;

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "the edge of the process")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
