//! The one place where this service looks at a clock; everywhere else the time is a value.

/// Tells the time in microseconds since 1970, UTC.
pub type Clock = fn() -> i64;

/// The clock of the machine.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the crate's one clock function")]
pub fn system_clock() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}
