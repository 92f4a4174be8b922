//! What is said before anything was ever sold: a share of the visitors, if somebody knows how many come,
//! and otherwise a guess; both with the width such a guess deserves.

use crate::normal;

/// Of a hundred visitors this many buy something of a stall they have not seen before. A rule of thumb of
/// vendors (10 to 15 for what a stall is known for, 5 to 10 for what it has besides).
const BUYERS_OF_A_HUNDRED: f64 = 12.0;
/// By so much, as a standard deviation of logarithms, a first day differs: ninety of a hundred lie between
/// a fifth and five times.
const SPREAD_BY_VISITORS: f64 = 1.0;
/// Where nothing is known at all: ten of a product, give or take a factor of seven.
const GUESS: f64 = 10.0;
const SPREAD_OF_GUESS: f64 = 1.5;

/// A log-normal demand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Prior {
    /// Its median.
    pub(crate) median: f64,
    /// The standard deviation of its logarithm.
    pub(crate) spread: f64,
}

impl Prior {
    /// For one of `products` products at a market where this many people are expected.
    pub(crate) fn of(expected_visitors: Option<f64>, products: usize) -> Self {
        match expected_visitors.filter(|visitors| visitors.is_finite() && *visitors > 0.0) {
            Some(visitors) => Self {
                median: visitors * BUYERS_OF_A_HUNDRED / 100.0 / products.max(1) as f64,
                spread: SPREAD_BY_VISITORS,
            },
            None => Self { median: GUESS, spread: SPREAD_OF_GUESS },
        }
    }

    /// The quantile at `level`.
    pub(crate) fn quantile(&self, level: f64) -> f64 {
        self.median * (self.spread * normal::quantile(level)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_hundred_visitors_and_three_products() {
        let prior = Prior::of(Some(500.0), 3);
        assert!((prior.median - 20.0).abs() < 1e-9);
        assert!((prior.quantile(0.5) - 20.0).abs() < 1e-2);
        let (low, high) = (prior.quantile(0.1), prior.quantile(0.9));
        assert!(low < 6.0 && high > 70.0, "{low} to {high}");
    }

    #[test]
    fn nonsense_is_no_number_of_visitors() {
        for nonsense in [f64::NAN, -5.0, 0.0, f64::INFINITY] {
            assert_eq!(Prior::of(Some(nonsense), 2), Prior::of(None, 2), "{nonsense}");
        }
    }
}
