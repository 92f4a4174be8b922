//! The one place where the command reads the wall clock or a clock that tests cannot
//! pause; everything else is told the time.

use std::time::{Duration, Instant, SystemTime};

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "this is the clock function of the command, at the edge")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// An instant to measure from, exact where the runtime's own clock may be paused.
#[expect(clippy::disallowed_methods, reason = "a load generator measures real time")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Holds this thread until `until`; for threads outside the runtime.
#[expect(
    clippy::disallowed_methods,
    reason = "the pace of a load generator is finer than the runtime's timer"
)]
pub(crate) fn hold_until(until: Instant) {
    let early = until.saturating_duration_since(instant());
    if early > Duration::ZERO {
        std::thread::sleep(early);
    }
}
