//! The metrics of one dependency, with handles looked up once: a call must not pay for a registry lookup.
//!
//! A call is counted exactly once, when it ends or is dropped. `breaker_state` is 0 closed, 1 half-open, 2 open.

use metrics::{Counter, Gauge, Histogram, Unit, counter, gauge, histogram};
use tokio::time::Instant;

use crate::BreakerState;

/// How a call ended, as the label `outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The dependency answered.
    Success,
    /// The dependency answered with an error that is the caller's to solve.
    Refused,
    /// The dependency failed.
    Failure,
    /// No answer in time.
    Timeout,
    /// Not sent: the breaker is open.
    BreakerOpen,
    /// Not sent: the bulkhead is full.
    BulkheadFull,
    /// The caller went away.
    Cancelled,
}

const ENDINGS: [(Ending, &str); 7] = [
    (Ending::Success, "success"),
    (Ending::Refused, "refused"),
    (Ending::Failure, "failure"),
    (Ending::Timeout, "timeout"),
    (Ending::BreakerOpen, "breaker_open"),
    (Ending::BulkheadFull, "bulkhead_full"),
    (Ending::Cancelled, "cancelled"),
];

/// Handles of one dependency's metrics.
#[derive(Debug)]
pub(crate) struct Meters {
    calls: [Counter; ENDINGS.len()],
    duration: Histogram,
    breaker_state: Gauge,
    pub(crate) retries: Counter,
    pub(crate) hedges: Counter,
    pub(crate) retry_budget_exhausted: Counter,
    pub(crate) bulkhead_in_flight: Gauge,
    pub(crate) bulkhead_rejected: Counter,
}

impl Meters {
    /// Looks the handles up in the recorder that is installed now.
    pub(crate) fn new(dependency: &'static str) -> Self {
        describe();
        let meters = Self {
            calls: ENDINGS.map(|(_, outcome)| {
                counter!("larder_dependency_calls_total", "dependency" => dependency, "outcome" => outcome)
            }),
            duration: histogram!("larder_dependency_call_duration_seconds", "dependency" => dependency),
            breaker_state: gauge!("larder_dependency_breaker_state", "dependency" => dependency),
            retries: counter!("larder_dependency_retries_total", "dependency" => dependency),
            hedges: counter!("larder_dependency_hedges_total", "dependency" => dependency),
            retry_budget_exhausted: counter!(
                "larder_dependency_retry_budget_exhausted_total",
                "dependency" => dependency
            ),
            bulkhead_in_flight: gauge!("larder_dependency_bulkhead_in_flight", "dependency" => dependency),
            bulkhead_rejected: counter!(
                "larder_dependency_bulkhead_rejected_total",
                "dependency" => dependency
            ),
        };
        meters.breaker_state(BreakerState::Closed);
        meters
    }

    /// Publishes the breaker's state.
    pub(crate) fn breaker_state(&self, state: BreakerState) {
        self.breaker_state.set(match state {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 1.0,
            BreakerState::Open => 2.0,
        });
    }
}

/// Counts one call when dropped; as cancelled, unless it was told otherwise.
pub(crate) struct CallMeter<'a> {
    meters: &'a Meters,
    started: Instant,
    ending: Ending,
}

impl<'a> CallMeter<'a> {
    /// Starts the clock of a call.
    pub(crate) fn start(meters: &'a Meters, now: Instant) -> Self {
        Self { meters, started: now, ending: Ending::Cancelled }
    }

    /// Ends the call.
    pub(crate) fn finish(mut self, ending: Ending) {
        self.ending = ending;
    }
}

impl Drop for CallMeter<'_> {
    fn drop(&mut self) {
        self.meters.calls[self.ending as usize].increment(1);
        self.meters.duration.record(self.started.elapsed().as_secs_f64());
    }
}

fn describe() {
    metrics::describe_counter!("larder_dependency_calls_total", "Calls to a dependency, by how they ended");
    metrics::describe_histogram!(
        "larder_dependency_call_duration_seconds",
        Unit::Seconds,
        "Time of a call to a dependency with its waits and retries"
    );
    metrics::describe_counter!("larder_dependency_retries_total", "Attempts after the first");
    metrics::describe_counter!("larder_dependency_hedges_total", "Second attempts beside a slow first one");
    metrics::describe_counter!(
        "larder_dependency_retry_budget_exhausted_total",
        "Retries that were not made because the retry budget was used up"
    );
    metrics::describe_gauge!("larder_dependency_breaker_state", "0 closed, 1 half-open, 2 open");
    metrics::describe_gauge!("larder_dependency_bulkhead_in_flight", "Calls to a dependency under way");
    metrics::describe_counter!(
        "larder_dependency_bulkhead_rejected_total",
        "Calls refused because too many were in flight or waiting"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_is_counted_under_its_own_label() {
        for (index, (ending, _)) in ENDINGS.iter().enumerate() {
            assert_eq!(*ending as usize, index);
        }
    }
}
