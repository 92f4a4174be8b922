//! What came of the calls: a histogram of their times with three significant digits, and
//! the failures by what was said.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Times above a minute are counted as a minute.
const LONGEST_US: u64 = 60_000_000;

/// The times and failures of many calls.
pub(super) struct Figures {
    times_us: Histogram<u64>,
    failures: BTreeMap<String, u64>,
    measured_for: Duration,
}

impl Figures {
    /// Nothing measured yet.
    pub(super) fn new() -> Self {
        let times_us =
            Histogram::new_with_bounds(1, LONGEST_US, 3).expect("the bounds are constants in order");
        Self { times_us, failures: BTreeMap::new(), measured_for: Duration::ZERO }
    }

    /// Takes in one call.
    pub(super) fn record(&mut self, time: Duration, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.times_us.saturating_record(time.as_micros().clamp(1, LONGEST_US as u128) as u64),
            Err(cause) => *self.failures.entry(cause).or_default() += 1,
        }
    }

    /// Takes in what another recorder saw.
    pub(super) fn add(&mut self, other: &Figures) {
        self.times_us.add(&other.times_us).expect("every histogram here has the same bounds");
        for (cause, count) in &other.failures {
            *self.failures.entry(cause.clone()).or_default() += count;
        }
    }

    /// Sets how long was measured, from the first to the last answer.
    pub(super) fn set_measured_for(&mut self, measured_for: Duration) {
        self.measured_for = measured_for;
    }

    /// Calls answered.
    pub(super) fn answered(&self) -> u64 {
        self.times_us.len()
    }

    fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    fn answered_per_s(&self) -> f64 {
        self.answered() as f64 / self.measured_for.as_secs_f64().max(f64::EPSILON)
    }

    fn quantile_ms(&self, quantile: f64) -> f64 {
        self.times_us.value_at_quantile(quantile) as f64 / 1_000.0
    }

    /// The figures for a program.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "answered_count": self.answered(),
            "failed_count": self.failed(),
            "duration_s": self.measured_for.as_secs_f64(),
            "answered_per_s": self.answered_per_s(),
            "p50_ms": self.quantile_ms(0.5),
            "p90_ms": self.quantile_ms(0.9),
            "p95_ms": self.quantile_ms(0.95),
            "p99_ms": self.quantile_ms(0.99),
            "p999_ms": self.quantile_ms(0.999),
            "max_ms": self.times_us.max() as f64 / 1_000.0,
            "failures": self.failures,
        })
    }

    /// The figures for a person.
    pub(super) fn lines(&self) -> Vec<String> {
        let seconds = self.measured_for.as_secs_f64();
        let mut lines = vec![
            format!("  answered  {} in {seconds:.1} s = {:.0}/s", self.answered(), self.answered_per_s()),
            format!(
                "  times     p50 {:.2} ms · p90 {:.2} · p99 {:.2} · p99.9 {:.2} · max {:.2}",
                self.quantile_ms(0.5),
                self.quantile_ms(0.9),
                self.quantile_ms(0.99),
                self.quantile_ms(0.999),
                self.times_us.max() as f64 / 1_000.0
            ),
            format!("  failed    {}", self.failed()),
        ];
        lines.extend(self.failures.iter().map(|(cause, count)| format!("    {count} × {cause}")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_come_from_every_recorder_and_failures_are_not_among_them() {
        let (mut all, mut other) = (Figures::new(), Figures::new());
        for ms in 1..=99 {
            all.record(Duration::from_millis(ms), Ok(()));
        }
        other.record(Duration::from_millis(5_000), Ok(()));
        other.record(Duration::from_secs(9), Err("unavailable".into()));
        all.add(&other);
        all.set_measured_for(Duration::from_secs(10));
        let json = all.json();
        assert_eq!(json["answered_count"], 100);
        assert_eq!(json["failed_count"], 1);
        assert_eq!(json["answered_per_s"], 10.0);
        assert!((json["p50_ms"].as_f64().unwrap() - 50.0).abs() < 0.1, "{json}");
        assert!(json["max_ms"].as_f64().unwrap() >= 5_000.0);
    }
}
