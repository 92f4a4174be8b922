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

/// Microseconds since the machine was started, sleep included: a clock that nobody can set.
#[must_use]
pub fn steady_clock() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

/// Tells a clock that was set from time that passed, in which the machine may have slept: compares the wall clock
/// with the steady one.
#[derive(Debug)]
pub(crate) struct JumpWatch {
    wall: Clock,
    steady: Clock,
    wall_us: i64,
    steady_us: i64,
}

/// What happened since the clocks were looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    /// The wall clock now.
    pub(crate) now_us: i64,
    /// By how much the wall clock was set; 0 for what is a mere correction.
    pub(crate) jump_us: i64,
    /// How long ago that was.
    pub(crate) steady_us: i64,
}

impl JumpWatch {
    pub(crate) fn new(wall: Clock, steady: Clock) -> Self {
        Self { wall, steady, wall_us: wall(), steady_us: steady() }
    }

    pub(crate) fn look(&mut self) -> Passed {
        let (wall_us, steady_us) = ((self.wall)(), (self.steady)());
        let passed_us = steady_us - self.steady_us;
        let jump_us = (wall_us - self.wall_us) - passed_us;
        (self.wall_us, self.steady_us) = (wall_us, steady_us);
        let jump_us = if jump_us.abs() > CORRECTION_US { jump_us } else { 0 };
        Passed { now_us: wall_us, jump_us, steady_us: passed_us }
    }
}

/// Microseconds of a span.
pub(crate) fn micros(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
