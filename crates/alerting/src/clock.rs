//! The one place where this service looks at a clock; everywhere else the time is a value.

/// A jump of the wall clock by more than this is no correction.
const CORRECTION_US: i64 = 30_000_000;

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

/// Tells a clock that was set from time that passed, in which the machine may have slept: compares the wall clock
/// with one that nobody can set and that goes on in sleep.
#[derive(Debug)]
pub(crate) struct JumpWatch {
    wall_us: i64,
    steady_us: i64,
}

impl JumpWatch {
    pub(crate) fn new(wall_us: i64) -> Self {
        Self { wall_us, steady_us: steady_us() }
    }

    /// By how much the wall clock was set since it was last asked; 0 for what is a mere correction.
    pub(crate) fn jump_us(&mut self, wall_us: i64) -> i64 {
        let steady_us = steady_us();
        let jump_us = (wall_us - self.wall_us) - (steady_us - self.steady_us);
        *self = Self { wall_us, steady_us };
        if jump_us.abs() > CORRECTION_US { jump_us } else { 0 }
    }
}

/// Microseconds since the machine was started, sleep included.
fn steady_us() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

/// Microseconds of a span.
pub(crate) fn micros(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
