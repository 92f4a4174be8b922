//! Shares of customers, and the difference between two of them, with intervals that hold for small
//! numbers and for shares near 0 and 1.

use super::Measured;
use super::distribution::{Z, normal_two_sided};

/// The share `hits` of `total` with its score interval (Wilson, JASA 1927). From nothing, 0 with the
/// interval from 0 to 1.
pub fn proportion(hits: u64, total: u64) -> Measured {
    if total == 0 {
        return Measured { value: 0.0, low: 0.0, high: 1.0 };
    }
    let (n, share) = (total as f64, hits as f64 / total as f64);
    let centre = share + Z * Z / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    // Rounding must not push the ends past the share itself, where the formula meets it exactly.
    let low = ((centre - spread) / scale).clamp(0.0, share);
    let high = ((centre + spread) / scale).clamp(share, 1.0);
    Measured { value: share, low: if hits == 0 { 0.0 } else { low }, high }
}

/// The first share less the second, each given as (hits, total), with the hybrid score interval
/// (method 10 of Newcombe, Statistics in Medicine 1998).
pub fn proportion_difference(first: (u64, u64), second: (u64, u64)) -> Measured {
    let (a, b) = (proportion(first.0, first.1), proportion(second.0, second.1));
    let value = a.value - b.value;
    Measured {
        value,
        low: value - (a.value - a.low).hypot(b.high - b.value),
        high: value + (a.high - a.value).hypot(b.value - b.low),
    }
}

/// The chance of shares at least so far apart on either side if the two were the same (two-sided
/// z-test with the pooled share). 1 when there is nothing to tell them apart.
pub fn proportions_differ(first: (u64, u64), second: (u64, u64)) -> f64 {
    let (n, m) = (first.1 as f64, second.1 as f64);
    let pooled = (first.0 + second.0) as f64 / (n + m);
    let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    let z = (first.0 as f64 / n - second.0 as f64 / m) / error;
    if z.is_finite() { normal_two_sided(z) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::experiment::draws::Draws;

    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-5, "{found} instead of {expected}");
    }

    #[test]
    fn intervals_are_those_that_were_published() {
        // Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I.
        let found = proportion(81, 263);
        assert_near(found.low, 0.2553);
        assert_near(found.high, 0.3662);
        let found = proportion(0, 20);
        assert_near(found.low, 0.0);
        assert_near(found.high, 0.1611);
        // Newcombe 1998, "Interval estimation for the difference", table II, contrast (a), method 10.
        let found = proportion_difference((56, 70), (48, 80));
        assert_near(found.low, 0.0524);
        assert_near(found.high, 0.3339);
    }

    #[test]
    fn a_difference_by_chance_and_one_that_is_not() {
        // Worked by hand: pooled 104/150, z = 0.2 / sqrt(0.6933 * 0.3067 * (1/70 + 1/80)).
        assert!((proportions_differ((56, 70), (48, 80)) - 0.008_03).abs() < 1e-4);
        assert_eq!(proportions_differ((5, 10), (10, 20)), 1.0);
        assert_eq!(proportions_differ((0, 0), (10, 20)), 1.0);
        assert_eq!(proportions_differ((0, 10), (0, 20)), 1.0);
    }

    fn hits(draws: &mut Draws, share: f64, total: u64) -> (u64, u64) {
        ((0..total).filter(|_| draws.share() < share).count() as u64, total)
    }

    #[test]
    fn intervals_hold_the_truth_about_95_times_in_100() {
        let mut draws = Draws::new(1);
        let (mut single, mut difference, mut alarms) = (0, 0, 0);
        for _ in 0..2_000 {
            let (a, b) = (hits(&mut draws, 0.12, 300), hits(&mut draws, 0.07, 200));
            single += u32::from(proportion(a.0, a.1).holds(0.12));
            difference += u32::from(proportion_difference(a, b).holds(0.05));
            alarms += u32::from(proportions_differ(a, hits(&mut draws, 0.12, 300)) < 0.05);
        }
        assert!((1_860..=1_960).contains(&single), "{single}");
        assert!((1_860..=1_960).contains(&difference), "{difference}");
        assert!((60..=140).contains(&alarms), "{alarms}");
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_share_and_keeps_within_0_and_1(total in 0_u64..100_000, part in 0.0..=1.0_f64) {
            let hits = (total as f64 * part) as u64;
            let found = proportion(hits, total);
            prop_assert!(0.0 <= found.low && found.low <= found.value);
            prop_assert!(found.value <= found.high && found.high <= 1.0);
            let other = proportion_difference((hits, total), (total - hits, total));
            prop_assert!(other.holds(other.value) && other.low >= -1.0 - 1e-12 && other.high <= 1.0 + 1e-12);
        }
    }
}
