//! The policy as its callers see it, on paused time and with a fixed seed.
//!
//! Nothing here sleeps for real: tokio's clock jumps to the next timer when every task waits.

mod breaker;
mod bulkhead;
mod cancellation;
mod deadline;
mod metrics;
mod retries;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use larder_resilience::{Outcome, Policy};
use larder_settings::ResilienceSettings;

/// The error of the pretended dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The caller's mistake.
    BadRequest,
    /// It is away.
    Away,
    /// It is broken.
    Broken,
    /// It asks to come back after so many milliseconds.
    Busy(u64),
}

fn classify(fault: &Fault) -> Outcome {
    match fault {
        Fault::BadRequest => Outcome::Success,
        Fault::Away => Outcome::Retryable,
        Fault::Broken => Outcome::Failure,
        Fault::Busy(delay_ms) => Outcome::RetryableAfter(Duration::from_millis(*delay_ms)),
    }
}

fn settings() -> ResilienceSettings {
    ResilienceSettings {
        attempt_timeout: ms(200),
        total_timeout: ms(1_000),
        max_attempts: 3,
        backoff_base: ms(50),
        backoff_cap: ms(400),
        retry_budget_ratio: 0.2,
        breaker_failure_ratio: 0.5,
        breaker_min_calls: 10,
        breaker_open: ms(5_000),
        breaker_half_open_calls: 3,
        bulkhead_max_calls: 4,
        hedge_after: Duration::ZERO,
    }
}

fn policy(settings: &ResilienceSettings) -> Policy {
    Policy::seeded("pretended", settings, 42)
}

/// Settings under which the breaker never opens.
fn without_breaker() -> ResilienceSettings {
    ResilienceSettings { breaker_min_calls: u32::MAX, ..settings() }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Counts attempts.
#[derive(Default)]
struct Attempts(AtomicU32);

impl Attempts {
    /// Counts one and returns its number, from 1.
    fn count(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn total(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}
