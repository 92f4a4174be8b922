//! What the health endpoints answer. The same types read the answers of other services.
//!
//! A report's level is computed from its checks where the report is made, and nowhere else.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::level::Level;

/// Where the process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Start-up is not complete.
    Starting,
    /// At work.
    Serving,
    /// On the way out: finishes what it has, wants nothing new.
    Draining,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// What was checked.
    pub name: String,
    /// How well it works.
    pub level: Level,
    /// How long the check took, in milliseconds.
    pub latency_ms: f64,
    /// Why it is not healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Whether the service is not ready while this is unhealthy.
    #[serde(default)]
    pub required: bool,
}

/// The full report of a service, the body of `/health/detailed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthReport {
    /// The worst level of all checks.
    pub level: Level,
    /// The service's name.
    pub service: String,
    /// Its version.
    pub version: String,
    /// The environment it runs in.
    pub environment: String,
    /// Where it is in its life.
    pub phase: Phase,
    /// Seconds since start.
    pub uptime_s: u64,
    /// Time it took to answer, in milliseconds.
    pub response_time_ms: f64,
    /// How old the results are, in milliseconds: concurrent requests share one run of the checks.
    pub age_ms: f64,
    /// One entry a check, in the order they were registered.
    pub checks: Vec<CheckReport>,
}

/// The body of `/readyz`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether the service wants requests.
    pub ready: bool,
    /// Where it is in its life.
    pub phase: Phase,
    /// Required checks that are unhealthy.
    pub failing: Vec<CheckReport>,
}

/// Milliseconds with two decimals, enough for a reader.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_keep_two_decimals() {
        assert_eq!(milliseconds(Duration::from_micros(1_234_567)), 1_234.57);
        assert_eq!(milliseconds(Duration::from_nanos(4_000)), 0.0);
    }
}
