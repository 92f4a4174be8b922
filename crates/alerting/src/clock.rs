//! The one place where this service looks at a clock; everywhere else the time is a value.

/// Tells the time in microseconds since 1970, UTC.
pub type Clock = fn() -> i64;

/// The clock of the machine.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the crate's one clock function")]
pub fn system_clock() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// The same instant as the domain knows it. What lies outside of what a calendar can tell becomes its edge.
pub(crate) fn timestamp(micros: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    })
}

/// Microseconds of a span.
pub(crate) fn micros(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
