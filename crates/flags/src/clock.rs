//! The one place where this crate reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970, for rules that compare `$flagd.timestamp`.
#[expect(clippy::disallowed_methods, reason = "the edge, where the time comes in")]
pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
