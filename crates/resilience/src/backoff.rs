//! Exponential backoff with full jitter: the wait before retry `n` is uniform in `[0, min(cap, base · 2^(n-1))]`.
//!
//! Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 ("full jitter"). The
//! generator is an argument, so a seed decides every wait.

use std::time::Duration;

use rand::{Rng, RngExt};

/// The two bounds of the waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    /// Upper bound of the wait before the first retry.
    pub(crate) base: Duration,
    /// Upper bound of every wait.
    pub(crate) cap: Duration,
}

impl Backoff {
    /// The wait before retry number `retry`, counted from 1.
    pub(crate) fn delay(&self, retry: u32, random: &mut impl Rng) -> Duration {
        let doublings = retry.saturating_sub(1).min(31);
        let ceiling = self.base.saturating_mul(1 << doublings).min(self.cap);
        ceiling.mul_f64(random.random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    proptest! {
        #[test]
        fn a_wait_stays_under_its_ceiling(seed: u64, retry in 1_u32..100, base_ms in 0_u64..5_000, cap_ms in 0_u64..60_000) {
            let backoff = Backoff { base: Duration::from_millis(base_ms), cap: Duration::from_millis(cap_ms) };
            let delay = backoff.delay(retry, &mut StdRng::seed_from_u64(seed));
            let exact = (base_ms as f64) * 2_f64.powi(retry as i32 - 1);
            prop_assert!(delay <= backoff.cap);
            prop_assert!(delay.as_secs_f64() * 1000.0 <= exact + 0.001);
        }
    }

    #[test]
    fn waits_are_spread_over_the_whole_range() {
        let backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(1) };
        let mut random = StdRng::seed_from_u64(7);
        let waits: Vec<Duration> = (0..400).map(|_| backoff.delay(2, &mut random)).collect();
        let short = waits.iter().filter(|wait| **wait < Duration::from_millis(100)).count();
        assert!((120..280).contains(&short), "{short} of 400 waits lie in the lower half");
    }

    #[test]
    fn the_same_seed_gives_the_same_waits() {
        let backoff = Backoff { base: Duration::from_millis(50), cap: Duration::from_secs(1) };
        let waits = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            (1..6).map(|retry| backoff.delay(retry, &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(waits(3), waits(3));
        assert_ne!(waits(3), waits(4));
    }
}
