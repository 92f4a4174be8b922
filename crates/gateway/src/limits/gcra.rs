//! How a rate is kept: the generic cell rate algorithm (ITU-T I.371). An account remembers one
//! number, the instant at which everything it took is paid for; each request costs the time
//! between two requests of the rate, and nobody may owe more than the burst.

use std::time::Duration;

/// A rate, and how much of it may come at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    /// What one request costs, in nanoseconds: the time between two of the rate.
    cost_ns: u64,
    /// How many may come at once; at least one.
    burst: u32,
}

/// What is left to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    /// Requests that would be let in now.
    pub(crate) requests: u32,
    /// Until everything is paid for.
    pub(crate) until_full: Duration,
}

/// Until the next request would be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) Duration);

impl Rate {
    /// `per_s` requests a second, as many as come in `burst` at once; `None` when there is no limit.
    pub(crate) fn new(per_s: f64, burst: Duration) -> Option<Self> {
        if per_s <= 0.0 {
            return None;
        }
        let cost_ns = (1e9 / per_s).round().max(1.0) as u64;
        let burst = (per_s * burst.as_secs_f64()).floor().clamp(1.0, f64::from(u32::MAX)) as u32;
        Some(Self { cost_ns, burst })
    }

    /// The part of the rate that one of `replicas` may use when none knows of the others.
    pub(crate) fn share(self, replicas: u32) -> Self {
        let replicas = replicas.max(1);
        Self { cost_ns: self.cost_ns.saturating_mul(replicas.into()), burst: (self.burst / replicas).max(1) }
    }

    /// How many may come at once.
    pub(crate) fn burst(self) -> u32 {
        self.burst
    }

    /// What one request costs, in nanoseconds.
    pub(crate) fn cost_ns(self) -> u64 {
        self.cost_ns
    }

    /// The time in which a whole burst is paid for.
    pub(crate) fn window(self) -> Duration {
        Duration::from_nanos(self.tolerance_ns())
    }

    /// Takes one request at `now_ns` from an account that is paid for at `paid_at_ns`. A request
    /// that is refused costs nothing.
    pub(crate) fn take(self, paid_at_ns: &mut u64, now_ns: u64) -> Result<Left, Wait> {
        let owed_ns = paid_at_ns.saturating_sub(now_ns);
        let then_ns = owed_ns.saturating_add(self.cost_ns);
        if then_ns > self.tolerance_ns() {
            return Err(Wait(Duration::from_nanos(then_ns - self.tolerance_ns())));
        }
        *paid_at_ns = now_ns.saturating_add(then_ns);
        let requests = (self.tolerance_ns() - then_ns) / self.cost_ns;
        Ok(Left {
            requests: u32::try_from(requests).unwrap_or(u32::MAX),
            until_full: Duration::from_nanos(then_ns),
        })
    }

    fn tolerance_ns(self) -> u64 {
        self.cost_ns.saturating_mul(self.burst.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn rate(per_s: f64, burst_s: f64) -> Rate {
        Rate::new(per_s, Duration::from_secs_f64(burst_s)).unwrap()
    }

    #[test]
    fn a_burst_is_let_in_and_then_the_rate() {
        let rate = rate(10.0, 0.5);
        let mut paid_at_ns = 0;
        for left in (0..5).rev() {
            assert_eq!(rate.take(&mut paid_at_ns, SECOND).unwrap().requests, left);
        }
        assert_eq!(rate.take(&mut paid_at_ns, SECOND), Err(Wait(Duration::from_millis(100))));
        let later = SECOND + 100_000_000;
        assert_eq!(rate.take(&mut paid_at_ns, later).unwrap().requests, 0);
        assert!(rate.take(&mut paid_at_ns, later).is_err());
    }

    #[test]
    fn without_a_rate_there_is_no_limit_and_a_slow_one_lets_at_least_one_in() {
        assert_eq!(Rate::new(0.0, Duration::from_secs(1)), None);
        let slow = rate(0.01, 1.0);
        assert_eq!(slow.burst(), 1);
        assert_eq!(slow.window(), Duration::from_secs(100));
    }

    #[test]
    fn a_share_is_slower_by_the_number_of_replicas() {
        let share = rate(90.0, 1.0).share(3);
        assert_eq!((share.burst(), share.window()), (30, Duration::from_nanos(33_333_333 * 30)));
    }

    proptest! {
        /// Over any time, no more than the burst and what the rate allows in that time.
        #[test]
        fn no_more_than_the_burst_and_the_rate_is_let_in(
            per_s in 1.0_f64..1_000.0,
            burst_s in 0.01_f64..5.0,
            gaps_ns in prop::collection::vec(0_u64..50_000_000, 1..400),
        ) {
            let rate = rate(per_s, burst_s);
            let (mut paid_at_ns, mut now_ns, mut taken) = (0, SECOND, 0_u64);
            for gap_ns in gaps_ns {
                now_ns += gap_ns;
                taken += u64::from(rate.take(&mut paid_at_ns, now_ns).is_ok());
            }
            let allowed = u64::from(rate.burst()) + (now_ns - SECOND) / rate.cost_ns();
            prop_assert!(taken <= allowed, "{taken} of {allowed}");
        }
    }
}
