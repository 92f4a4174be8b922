//! A sliding window of outcomes: ten buckets of one second, the oldest forgotten as time goes on.

use std::time::Duration;

use tokio::time::Instant;

const BUCKETS: u64 = 10;
const BUCKET_LENGTH: Duration = Duration::from_secs(1);

/// Calls and how many of them failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Calls counted.
    pub(super) calls: u32,
    /// Of these, failures.
    pub(super) failures: u32,
}

impl Tally {
    /// Whether the share of failures is at least `ratio`; a window without failures never is, whatever the ratio.
    pub(super) fn reaches(self, ratio: f64) -> bool {
        self.failures > 0 && f64::from(self.failures) >= ratio * f64::from(self.calls)
    }
}

/// The outcomes of the last ten seconds.
#[derive(Debug)]
pub(super) struct Window {
    origin: Instant,
    newest: u64,
    buckets: [Tally; BUCKETS as usize],
}

impl Window {
    /// An empty window.
    pub(super) fn new(now: Instant) -> Self {
        Self { origin: now, newest: 0, buckets: [Tally::default(); BUCKETS as usize] }
    }

    /// Counts one call and returns what the window holds now.
    pub(super) fn record(&mut self, failed: bool, now: Instant) -> Tally {
        self.forget_until(now);
        let bucket = &mut self.buckets[(self.newest % BUCKETS) as usize];
        bucket.calls = bucket.calls.saturating_add(1);
        bucket.failures = bucket.failures.saturating_add(u32::from(failed));
        self.buckets.iter().fold(Tally::default(), |sum, bucket| Tally {
            calls: sum.calls.saturating_add(bucket.calls),
            failures: sum.failures.saturating_add(bucket.failures),
        })
    }

    fn forget_until(&mut self, now: Instant) {
        let current = now.saturating_duration_since(self.origin).as_secs() / BUCKET_LENGTH.as_secs();
        if current <= self.newest {
            return;
        }
        let passed = (current - self.newest).min(BUCKETS);
        for bucket in 0..passed {
            self.buckets[((current - bucket) % BUCKETS) as usize] = Tally::default();
        }
        self.newest = current;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_forgotten_after_ten_seconds() {
        let start = Instant::now();
        let mut window = Window::new(start);
        window.record(true, start);
        let later = window.record(false, start + Duration::from_millis(9_900));
        assert_eq!(later, Tally { calls: 2, failures: 1 });
        let much_later = window.record(false, start + Duration::from_millis(10_100));
        assert_eq!(much_later, Tally { calls: 2, failures: 0 });
    }

    #[test]
    fn a_long_silence_empties_the_window() {
        let start = Instant::now();
        let mut window = Window::new(start);
        for second in 0..10 {
            window.record(true, start + Duration::from_secs(second));
        }
        let after = window.record(false, start + Duration::from_secs(1_000));
        assert_eq!(after, Tally { calls: 1, failures: 0 });
    }

    #[test]
    fn a_clock_that_seems_to_step_back_is_harmless() {
        let start = Instant::now();
        let mut window = Window::new(start + Duration::from_secs(5));
        assert_eq!(window.record(true, start), Tally { calls: 1, failures: 1 });
    }
}
