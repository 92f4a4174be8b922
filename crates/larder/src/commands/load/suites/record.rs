//! What became of every call of a run: when it was due, how long it took from then on, what it was and how it ended.
//! Every figure and every judgement is worked out from these entries.

use std::time::Duration;

use serde::Serialize;

use super::caller::Outcome;
use super::mix::Kind;
use crate::commands::load::figures::Figures;

/// More calls than this are not kept.
pub(crate) const MOST_CALLS: f64 = 10_000_000.0;
/// Further causes are counted as one.
const MOST_CAUSES: usize = 1_000;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Good,
    Degraded,
    /// With the place of its cause.
    Failed(u16),
}

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    due_ms: u32,
    took_us: u32,
    pub(crate) kind: Kind,
    pub(crate) ended: Ended,
}

impl Entry {
    pub(crate) fn due(&self) -> Duration {
        Duration::from_millis(self.due_ms.into())
    }

    pub(crate) fn took(&self) -> Duration {
        Duration::from_micros(self.took_us.into())
    }

    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.ended, Ended::Failed(_))
    }
}

/// The calls of a run.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) entries: Vec<Entry>,
    causes: Vec<String>,
}

impl Record {
    pub(crate) fn add(&mut self, due: Duration, took: Duration, kind: Kind, outcome: Outcome) {
        let ended = match outcome {
            Outcome::Good => Ended::Good,
            Outcome::Degraded => Ended::Degraded,
            Outcome::Failed(cause) => Ended::Failed(self.place_of(cause)),
        };
        let due_ms = u32::try_from(due.as_millis()).unwrap_or(u32::MAX);
        let took_us = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        self.entries.push(Entry { due_ms, took_us, kind, ended });
    }

    fn place_of(&mut self, cause: String) -> u16 {
        let known = self.causes.iter().position(|known| *known == cause);
        let place = known.unwrap_or(self.causes.len()).min(MOST_CAUSES);
        if known.is_none() && place < MOST_CAUSES {
            self.causes.push(cause);
        }
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// The figures of those calls that `wanted` names, made during `length`.
    pub(crate) fn figures(&self, length: Duration, wanted: impl Fn(&Entry) -> bool) -> Figures {
        let mut figures = Figures::new();
        for entry in self.entries.iter().filter(|entry| wanted(entry)) {
            let outcome = match entry.ended {
                Ended::Failed(place) => {
                    Err(self.causes.get(usize::from(place)).cloned().unwrap_or_else(|| "others".into()))
                }
                Ended::Good | Ended::Degraded => Ok(()),
            };
            figures.record(entry.took(), outcome);
        }
        figures.set_measured_for(length);
        figures
    }
}

/// How many calls there were, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) asked: u64,
    pub(crate) failed: u64,
    pub(crate) degraded: u64,
}

impl Counts {
    pub(crate) fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut counts = Self::default();
        for entry in entries {
            counts.asked += 1;
            match entry.ended {
                Ended::Good => {}
                Ended::Degraded => counts.degraded += 1,
                Ended::Failed(_) => counts.failed += 1,
            }
        }
        counts
    }

    /// The share of calls that failed, in percent; 0 of none.
    pub(crate) fn error_percent(&self) -> f64 {
        if self.asked == 0 { 0.0 } else { self.failed as f64 / self.asked as f64 * 100.0 }
    }
}

/// The calls that were due in a stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Window {
    pub(crate) at_s: f64,
    #[serde(flatten)]
    pub(crate) counts: Counts,
    /// Absent where nothing was answered.
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
}

/// The run in stretches of the same width.
pub(crate) fn windows(entries: &[Entry], width: Duration, length: Duration) -> Vec<Window> {
    let width_ms = width.as_millis().max(1);
    let count = usize::try_from(length.as_millis().div_ceil(width_ms)).unwrap_or(0).max(1);
    let mut split: Vec<Vec<Entry>> = vec![Vec::new(); count];
    for entry in entries {
        let place = usize::try_from(u128::from(entry.due_ms) / width_ms).unwrap_or(usize::MAX);
        split[place.min(count - 1)].push(*entry);
    }
    let window = |(place, entries): (usize, Vec<Entry>)| Window {
        at_s: width.as_secs_f64() * place as f64,
        counts: Counts::of(&entries),
        p50_ms: quantile_ms(&entries, 0.5),
        p99_ms: quantile_ms(&entries, 0.99),
    };
    split.into_iter().enumerate().map(window).collect()
}

/// A quantile of the times of those calls that were answered.
pub(crate) fn quantile_ms(entries: &[Entry], quantile: f64) -> Option<f64> {
    let answered = entries.iter().filter(|entry| !entry.has_failed());
    let mut times: Vec<u32> = answered.map(|entry| entry.took_us).collect();
    times.sort_unstable();
    let place = ((times.len() as f64 * quantile).ceil() as usize).saturating_sub(1);
    times.get(place).map(|time| f64::from(*time) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(calls: &[(u64, u64, Outcome)]) -> Record {
        let mut record = Record::default();
        for (due, took, outcome) in calls {
            let (due, took) = (Duration::from_millis(*due), Duration::from_millis(*took));
            record.add(due, took, Kind::Recommend, outcome.clone());
        }
        record
    }

    #[test]
    fn windows_hold_the_calls_that_were_due_in_them_whenever_they_were_answered() {
        let failed = Outcome::Failed("HTTP 503".into());
        let record = record(&[
            (0, 10, Outcome::Good),
            (999, 5_000, Outcome::Degraded),
            (1_000, 20, Outcome::Good),
            (3_000, 1, failed),
        ]);
        let windows = windows(&record.entries, Duration::from_secs(1), Duration::from_secs(3));
        assert_eq!(windows.len(), 3);
        assert_eq!(windows[0].counts, Counts { asked: 2, failed: 0, degraded: 1 });
        assert_eq!((windows[0].p50_ms, windows[0].p99_ms), (Some(10.0), Some(5_000.0)));
        assert_eq!(windows[1].counts.asked, 1);
        // The last one takes what was due in its last moment.
        assert_eq!(windows[2].counts, Counts { asked: 1, failed: 1, degraded: 0 });
        assert_eq!(windows[2].p99_ms, None);
    }

    #[test]
    fn failures_are_counted_by_their_cause_and_their_times_are_no_answers() {
        let failed = |cause: &str| Outcome::Failed(cause.into());
        let calls = [
            (0, 10, Outcome::Good),
            (1, 9_000, failed("HTTP 503")),
            (2, 9_000, failed("HTTP 503")),
            (3, 9_000, failed("reset")),
        ];
        let record = record(&calls);
        let json = record.figures(Duration::from_secs(1), |_| true).json();
        assert_eq!(json["answered_count"], 1);
        assert_eq!(json["failures"]["HTTP 503"], 2);
        assert_eq!(json["failures"]["reset"], 1);
        assert!(json["max_ms"].as_f64().unwrap() < 11.0, "{json}");
        assert_eq!(Counts::of(&record.entries).error_percent(), 75.0);
        let none = record.figures(Duration::from_secs(1), |entry| entry.kind == Kind::Health);
        assert_eq!(none.answered(), 0);
    }

    #[test]
    fn causes_without_end_are_counted_together() {
        let mut record = Record::default();
        for number in 0..3_000 {
            let outcome = Outcome::Failed(format!("cause {number}"));
            record.add(Duration::ZERO, Duration::ZERO, Kind::Health, outcome);
        }
        assert_eq!(record.causes.len(), MOST_CAUSES);
        let json = record.figures(Duration::from_secs(1), |_| true).json();
        assert_eq!(json["failures"]["others"], 2_000);
    }
}
