//! Sums that lose half their weight every half-life, exact whatever the order of the parts.
//!
//! A part at time `t` is worth `weight * 2^((t - reference) / half_life)`. Parts are kept as whole
//! numbers in one bin per half-life, so that adding is associative and taking away is exact: the
//! same events in another order give the same bits, and no reference time has to be known early.

use std::time::Duration;

/// One part of weight 1 at the beginning of its bin.
const UNIT: f64 = 16_777_216.0;

/// Times further away than this (142 years from 1970) are moved here, so that no sum overflows.
const FURTHEST_US: i64 = 1 << 52;

/// Bins this much older than the newest add nothing a double could show.
const RELEVANT_BINS: i32 = 80;

/// What a base of single precision may leave behind when everything in it is taken away.
const ROUNDING: f64 = 1e-6;

/// No part is worth more than 2 to this power times its weight, even after the reference.
const LARGEST_EXPONENT: f64 = 60.0;

/// Moves a time into the range the sums can hold.
pub(crate) fn clamp_time(time_us: i64) -> i64 {
    time_us.clamp(-FURTHEST_US, FURTHEST_US)
}

/// After how long something counts half; at least an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HalfLife {
    us: i64,
}

impl HalfLife {
    const SHORTEST_US: i64 = 3_600_000_000;

    pub(crate) fn new(duration: Duration) -> Self {
        Self::from_us(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
    }

    pub(crate) fn from_us(us: i64) -> Self {
        Self { us: us.clamp(Self::SHORTEST_US, FURTHEST_US) }
    }

    pub(crate) fn us(self) -> i64 {
        self.us
    }

    /// The time in half-lives since 1970.
    pub(crate) fn position(self, time_us: i64) -> f64 {
        clamp_time(time_us) as f64 / self.us as f64
    }

    /// What one part at `time_us` is worth at `reference_us`.
    pub(crate) fn factor(self, time_us: i64, reference_us: i64) -> f64 {
        (self.position(time_us) - self.position(reference_us)).min(LARGEST_EXPONENT).exp2()
    }
}

/// A decayed sum: bins in the order of time, none of them zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DecayedSum {
    bins: Vec<(i32, i64)>,
}

impl DecayedSum {
    /// Adds a part; a negative weight takes away exactly what the positive one added.
    pub(crate) fn add(&mut self, half_life: HalfLife, time_us: i64, weight: f64) {
        let position = half_life.position(time_us);
        let bin = position.floor();
        let part = (weight * (position - bin).exp2() * UNIT).round() as i64;
        let bin = bin as i32;
        let place = match self.bins.binary_search_by_key(&bin, |&(at, _)| at) {
            Ok(place) => {
                self.bins[place].1 = self.bins[place].1.saturating_add(part);
                place
            }
            Err(place) => {
                // Most sums hold one part: room for more would be most of the memory.
                self.bins.reserve_exact(1);
                self.bins.insert(place, (bin, part));
                place
            }
        };
        if self.bins[place].1 == 0 {
            self.bins.remove(place);
        }
    }

    /// The sum as seen at `reference_us`; finite.
    pub(crate) fn value(&self, half_life: HalfLife, reference_us: i64) -> f64 {
        let Some(&(newest, _)) = self.bins.last() else { return 0.0 };
        let reference = half_life.position(reference_us);
        let mut sum = 0.0;
        for &(bin, part) in self.bins.iter().rev() {
            if newest - bin > RELEVANT_BINS {
                break;
            }
            sum += part as f64 / UNIT * (f64::from(bin) - reference).min(LARGEST_EXPONENT).exp2();
        }
        sum
    }

    /// The binary logarithm of the sum and `2^base`, as seen at 1970; negative infinity when
    /// nothing is left of them. Sums compare by it at any time, since all decay alike.
    pub(crate) fn log2_with(&self, base: f64) -> f64 {
        let newest = self.bins.last().map_or(f64::NEG_INFINITY, |&(bin, _)| f64::from(bin));
        let anchor = newest.max(base);
        if anchor == f64::NEG_INFINITY {
            return anchor;
        }
        let base_part = (base - anchor).exp2();
        let parts =
            self.bins.iter().map(|&(bin, part)| part as f64 / UNIT * (f64::from(bin) - anchor).exp2());
        let sum = base_part + parts.sum::<f64>();
        if sum <= base_part * ROUNDING || sum <= 0.0 { f64::NEG_INFINITY } else { anchor + sum.log2() }
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY_US: i64 = 86_400_000_000;

    #[test]
    fn a_part_is_worth_half_after_one_half_life() {
        let half_life = HalfLife::from_us(14 * DAY_US);
        let mut sum = DecayedSum::default();
        sum.add(half_life, 100 * DAY_US, 3.0);
        assert!((sum.value(half_life, 100 * DAY_US) - 3.0).abs() < 1e-6);
        assert!((sum.value(half_life, 114 * DAY_US) - 1.5).abs() < 1e-6);
        assert!((sum.value(half_life, 86 * DAY_US) - 6.0).abs() < 1e-6);
    }

    #[test]
    fn logarithms_add_to_a_base_and_vanish_with_it() {
        let half_life = HalfLife::from_us(14 * DAY_US);
        let mut sum = DecayedSum::default();
        assert_eq!(sum.log2_with(f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert_eq!(sum.log2_with(5.0), 5.0);
        sum.add(half_life, 28 * DAY_US, 1.0);
        assert!((sum.log2_with(f64::NEG_INFINITY) - 2.0).abs() < 1e-9);
        assert!((sum.log2_with(2.0) - 3.0).abs() < 1e-9);
        let mut taken = DecayedSum::default();
        taken.add(half_life, 28 * DAY_US, -1.0);
        assert_eq!(taken.log2_with(2.0), f64::NEG_INFINITY);
    }

    #[test]
    fn a_zero_half_life_and_the_ends_of_time_stay_finite() {
        let half_life = HalfLife::new(Duration::ZERO);
        let mut sum = DecayedSum::default();
        for time_us in [i64::MIN, 0, i64::MAX] {
            sum.add(half_life, time_us, 1e6);
            for reference_us in [i64::MIN, 0, i64::MAX] {
                assert!(sum.value(half_life, reference_us).is_finite());
                assert!(half_life.factor(time_us, reference_us).is_finite());
            }
        }
    }

    proptest! {
        #[test]
        fn the_order_of_the_parts_does_not_matter(
            parts in prop::collection::vec((any::<i64>(), -2.0..2.0f64), 0..40),
            half_life_days in 1i64..200,
        ) {
            let half_life = HalfLife::from_us(half_life_days * DAY_US);
            let mut forward = DecayedSum::default();
            let mut backward = DecayedSum::default();
            for &(time_us, weight) in &parts {
                forward.add(half_life, time_us, weight);
            }
            for &(time_us, weight) in parts.iter().rev() {
                backward.add(half_life, time_us, weight);
            }
            prop_assert_eq!(&forward, &backward);
            for &(time_us, weight) in &parts {
                forward.add(half_life, time_us, -weight);
            }
            prop_assert!(forward.is_empty());
        }
    }
}
