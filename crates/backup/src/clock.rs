//! The one place where this crate looks at a clock; everywhere else the time is a value.

use jiff::Timestamp;

/// Tells the time.
pub type Clock = fn() -> Timestamp;

/// The clock of the machine.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the crate's one clock function")]
pub fn system_clock() -> Timestamp {
    Timestamp::now()
}
