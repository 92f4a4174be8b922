//! The one place where the gateway reads the clock; everything else takes `now` as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "the edge, where the time comes in")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// An instant in seconds since 1970.
pub(crate) fn seconds(at: SystemTime) -> i64 {
    micros(at).div_euclid(1_000_000)
}

/// An instant in microseconds since 1970.
pub(crate) fn micros(at: SystemTime) -> i64 {
    i64::try_from(at.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
}
