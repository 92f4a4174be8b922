//! Bounds how many bytes a second pass. What was not used is not saved up for longer than a tenth
//! of a second, so that a pause is never followed by a burst.

use std::time::Duration;

use tokio::time::Instant;

const MOST_SAVED: Duration = Duration::from_millis(100);

/// A bound on bytes a second.
#[derive(Debug)]
pub struct Throttle {
    bytes_per_second: Option<u64>,
    /// When what has passed so far was allowed to have passed.
    due: Instant,
}

impl Throttle {
    /// `None` lets everything pass at once.
    #[must_use]
    pub fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second, due: Instant::now() }
    }

    /// Waits until `bytes` more may pass.
    pub async fn pass(&mut self, bytes: usize) {
        let now = Instant::now();
        let due = self.due_after(bytes, now);
        if due > now {
            tokio::time::sleep_until(due).await;
        }
    }

    /// When `bytes` more may have passed.
    fn due_after(&mut self, bytes: usize, now: Instant) -> Instant {
        let Some(rate) = self.bytes_per_second else { return now };
        let earliest = now.checked_sub(MOST_SAVED).unwrap_or(now);
        self.due = self.due.max(earliest) + Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64);
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(from: Instant, to: Instant) -> f64 {
        to.duration_since(from).as_secs_f64()
    }

    #[test]
    fn bytes_pass_at_the_rate_and_not_faster_after_a_pause() {
        let mut throttle = Throttle::new(Some(1_000));
        let begun = throttle.due;
        let mut now = begun;
        for _ in 0..20 {
            now = now.max(throttle.due_after(100, now));
        }
        assert!((1.89..=2.01).contains(&seconds(begun, now)), "{}", seconds(begun, now));
        let later = now + Duration::from_secs(60);
        let due = throttle.due_after(1_000, later);
        assert!((0.89..=0.91).contains(&seconds(later, due)), "{}", seconds(later, due));
    }

    #[test]
    fn without_a_bound_nothing_waits() {
        let now = Instant::now();
        assert_eq!(Throttle::new(None).due_after(usize::MAX, now), now);
    }
}
