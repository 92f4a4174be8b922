//! How much memory the processes under load hold, as each tells on its own ops port, from the start to the end.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::caller::{Ask, Caller};
use crate::client::Credentials;
use crate::error::CommandError;

const METRIC: &str = "process_resident_memory_bytes ";

/// What one process held when.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Series {
    pub(crate) process: String,
    /// Seconds after the start, and bytes.
    pub(crate) samples: Vec<(f64, u64)>,
}

/// Processes that are looked at.
pub(crate) struct Watched {
    callers: Vec<Caller>,
    pub(crate) series: Vec<Series>,
}

impl Watched {
    /// Names of processes with the addresses of their ops ports.
    pub(crate) fn new(ports: &[(String, String)]) -> Result<Self, CommandError> {
        let caller = |(_, url): &(String, String)| Caller::new(url, &Credentials::default());
        let callers = ports.iter().map(caller).collect::<Result<_, _>>()?;
        let series =
            |(process, _): &(String, String)| Series { process: process.clone(), samples: Vec::new() };
        Ok(Self { callers, series: ports.iter().map(series).collect() })
    }

    /// Looks at every process again and again; one that does not answer has no sample then.
    pub(crate) async fn watch(&mut self, every: Duration, started: Instant) -> Infallible {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            for (caller, series) in self.callers.iter().zip(&mut self.series) {
                let answer = tokio::time::timeout(every, caller.ask(&Ask::get("/metrics"))).await;
                let Ok(Ok(answer)) = answer else { continue };
                if let Some(bytes) = resident(&String::from_utf8_lossy(&answer.body)) {
                    series.samples.push((started.elapsed().as_secs_f64(), bytes));
                }
            }
        }
    }
}

fn resident(metrics: &str) -> Option<u64> {
    let value = metrics.lines().find_map(|line| line.strip_prefix(METRIC))?;
    // Prometheus writes large numbers with an exponent where it likes.
    value.trim().parse::<f64>().ok().filter(|bytes| *bytes > 0.0).map(|bytes| bytes as u64)
}

/// By how many percent a process grew from the second quarter of the run to the last one, by the medians of both. What
/// it took to begin with, and single peaks, do not count.
pub(crate) fn growth_percent(series: &Series, length: Duration) -> Option<f64> {
    let quarter = length.as_secs_f64() / 4.0;
    let median = |from: f64, to: f64| {
        let within = series.samples.iter().filter(|(at, _)| (from..to).contains(at));
        let mut bytes: Vec<u64> = within.map(|(_, bytes)| *bytes).collect();
        bytes.sort_unstable();
        bytes.get(bytes.len() / 2).map(|bytes| *bytes as f64)
    };
    let (before, after) = (median(quarter, quarter * 2.0)?, median(quarter * 3.0, f64::INFINITY)?);
    Some((after / before - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(100);

    fn series(bytes: impl Fn(u64) -> u64) -> Series {
        Series { process: "gateway".into(), samples: (0..100).map(|at| (at as f64, bytes(at))).collect() }
    }

    #[test]
    fn the_resident_memory_is_read_from_prometheus_text() {
        let metrics = "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 52428800\n";
        assert_eq!(resident(metrics), Some(52_428_800));
        assert_eq!(resident("process_resident_memory_bytes 5.24288e7\n"), Some(52_428_800));
        assert_eq!(resident("up 1\n"), None);
    }

    #[test]
    fn a_leak_is_growth_and_a_start_or_a_peak_is_none() {
        let leak = growth_percent(&series(|at| 1_000_000 + at * 10_000), LENGTH).unwrap();
        assert!(leak > 30.0, "{leak}");
        let start = growth_percent(&series(|at| if at < 20 { at * 50_000 } else { 1_000_000 }), LENGTH);
        assert_eq!(start, Some(0.0));
        let peak = growth_percent(&series(|at| if at == 90 { 9_000_000 } else { 1_000_000 }), LENGTH);
        assert_eq!(peak, Some(0.0));
        assert!(growth_percent(&series(|at| 2_000_000 - at * 10_000), LENGTH).unwrap() < 0.0);
    }

    #[test]
    fn without_samples_in_both_quarters_nothing_is_said() {
        let mut early = series(|_| 1_000_000);
        early.samples.truncate(60);
        assert_eq!(growth_percent(&early, LENGTH), None);
        assert_eq!(growth_percent(&Series::default(), LENGTH), None);
    }
}
