//! The section `[resilience]`.

use std::time::Duration;

use super::section;
use crate::kind::Kind;

section! {
    /// How every outgoing call bears a slow or failing dependency.
    ResilienceSettings = "resilience" {
        /// How long one try may take.
        attempt_timeout ("attempt_timeout_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(2), Kind::Whole(1..=600_000);
        /// How long all tries of a call may take together.
        total_timeout ("total_timeout_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(5), Kind::Whole(1..=600_000);
        /// The most tries of a call.
        max_attempts: u32 = 3, Kind::Whole(1..=10);
        /// The longest pause before the second try; each further one may be twice as long.
        backoff_base ("backoff_base_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_millis(50), Kind::Whole(1..=60_000);
        /// The longest pause between two tries.
        backoff_cap ("backoff_cap_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(1), Kind::Whole(1..=60_000);
        /// How many retries are allowed for each call, on average.
        retry_budget_ratio: f64 = 0.2, Kind::Number(0.0..=1.0);
        /// After how long a call that may be repeated is made a second time beside the first, which is
        /// paid for like a retry; 0 is never.
        hedge_after ("hedge_after_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_millis(500), Kind::Whole(0..=600_000);
        /// Which share of failures opens the breaker.
        breaker_failure_ratio: f64 = 0.5, Kind::Number(0.0..=1.0);
        /// How many calls must be seen before the breaker may open.
        breaker_min_calls: u32 = 20, Kind::Whole(1..=100_000);
        /// How long an open breaker refuses calls before it lets probes through.
        breaker_open ("breaker_open_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(5), Kind::Whole(1..=600_000);
        /// How many probes a half-open breaker lets through.
        breaker_half_open_calls: u32 = 3, Kind::Whole(1..=1_000);
        /// The most calls to one dependency at the same time; four times as many may wait for their turn.
        bulkhead_max_calls: usize = 256, Kind::Whole(1..=1_000_000);
    }
}
