//! The one place where the gateway reads the clock; everything else takes `now` as an argument.

use std::time::SystemTime;

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "the edge, where the time comes in")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
