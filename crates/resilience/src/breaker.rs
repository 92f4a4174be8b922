//! The circuit breaker as a state machine without a clock: closed, open, half-open.
//!
//! Closed, it keeps a sliding window of outcomes and opens when the share of failures is too high over enough calls.
//! Open, it refuses for a fixed time. Half-open, it admits exactly the configured number of probes: all good closes
//! it, one bad opens it again. An outcome of an earlier phase is ignored.

use std::time::Duration;

use tokio::time::Instant;

mod window;

use window::Window;

/// What the breaker does with the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// A few probes pass, the rest is refused.
    HalfOpen,
    /// Nothing passes.
    Open,
}

/// When to open, for how long, and how many probes decide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BreakerLimits {
    /// Share of failures in the window, 0 to 1, that opens.
    pub(crate) failure_ratio: f64,
    /// Calls in the window before the share counts.
    pub(crate) min_calls: u32,
    /// How long it stays open.
    pub(crate) open_for: Duration,
    /// Probes in the half-open phase.
    pub(crate) half_open_calls: u32,
}

/// What an admitted call showed about the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It works.
    Working,
    /// It does not.
    Failing,
    /// Nothing: the call was cancelled, or given too little time to tell.
    Unknown,
}

/// Leave to make one call; hand it back with the verdict.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admission {
    phase_number: u64,
}

/// The breaker of one dependency.
#[derive(Debug)]
pub(crate) struct Breaker {
    limits: BreakerLimits,
    phase: Phase,
    phase_number: u64,
}

#[derive(Debug)]
enum Phase {
    Closed(Window),
    Open { until: Instant },
    HalfOpen { admitted: u32, working: u32 },
}

impl Breaker {
    /// A closed breaker. Limits that could never close or never open it are raised to one call.
    pub(crate) fn new(limits: BreakerLimits, now: Instant) -> Self {
        let limits = BreakerLimits {
            min_calls: limits.min_calls.max(1),
            half_open_calls: limits.half_open_calls.max(1),
            ..limits
        };
        Self { limits, phase: Phase::Closed(Window::new(now)), phase_number: 0 }
    }

    /// The state a call would meet now.
    pub(crate) fn state(&self, now: Instant) -> BreakerState {
        match self.phase {
            Phase::Closed(_) => BreakerState::Closed,
            Phase::Open { until } if now < until => BreakerState::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Changes whenever the phase does.
    pub(crate) fn phase_number(&self) -> u64 {
        self.phase_number
    }

    /// Lets a call pass, or says after which time to ask again.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Admission, Duration> {
        if let Phase::Open { until } = self.phase {
            if now < until {
                return Err(until - now);
            }
            self.enter(Phase::HalfOpen { admitted: 0, working: 0 });
        }
        if let Phase::HalfOpen { admitted, .. } = &mut self.phase {
            if *admitted >= self.limits.half_open_calls {
                // The probes are on their way: within a second or so they have decided.
                return Err(self.limits.open_for.min(Duration::from_secs(1)));
            }
            *admitted += 1;
        }
        Ok(Admission { phase_number: self.phase_number })
    }

    /// Takes the verdict of an admitted call.
    pub(crate) fn record(&mut self, admission: Admission, verdict: Verdict, now: Instant) {
        if admission.phase_number != self.phase_number {
            return;
        }
        match &mut self.phase {
            Phase::Closed(window) => {
                let tally = match verdict {
                    Verdict::Working => window.record(false, now),
                    Verdict::Failing => window.record(true, now),
                    Verdict::Unknown => return,
                };
                if tally.calls >= self.limits.min_calls && tally.reaches(self.limits.failure_ratio) {
                    self.open(now);
                }
            }
            Phase::HalfOpen { admitted, working } => match verdict {
                Verdict::Unknown => *admitted -= 1,
                Verdict::Failing => self.open(now),
                Verdict::Working => {
                    *working += 1;
                    if *working >= self.limits.half_open_calls {
                        self.enter(Phase::Closed(Window::new(now)));
                    }
                }
            },
            Phase::Open { .. } => {}
        }
    }

    fn open(&mut self, now: Instant) {
        self.enter(Phase::Open { until: now + self.limits.open_for });
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.phase_number += 1;
    }
}

#[cfg(test)]
mod tests;
