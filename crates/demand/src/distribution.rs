//! What may be asked for on one day: a quantile function, known at 99 levels. Everything
//! that is decided from a forecast (how much to bring, the chance of running out, what is
//! expected to be left) is read from it.

#[cfg(test)]
mod tests;

use thiserror::Error;

/// How many quantiles a distribution keeps: those at .01, .02, … .99.
pub const QUANTILE_LEVELS: usize = 99;

/// The demand for one product on one day, in the unit the product is sold by; never negative.
///
/// Between two known quantiles it is linear. Below the lowest and above the highest level it is
/// flat: 1 % at either end says nothing more.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Does not fall; finite; 0 or above.
    quantiles: [f64; QUANTILE_LEVELS],
}

/// A quantile function that cannot be one.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum NotADistribution {
    /// A quantile that is negative, infinite or not a number.
    #[error("the quantile at level {level} is {value}; it has to be a finite number of 0 or above")]
    Impossible {
        /// 0 to 1.
        level: f64,
        /// What was given.
        value: f64,
    },
    /// A distribution of no values at all.
    #[error("there are no values to take quantiles of; at least one is needed")]
    Empty,
}

impl Distribution {
    /// The level of the `index`-th quantile, 0 to 98: .01 to .99.
    #[must_use]
    pub fn level(index: usize) -> f64 {
        (index + 1) as f64 / (QUANTILE_LEVELS + 1) as f64
    }

    /// A distribution of quantiles at .01 to .99. Quantiles that cross are sorted.
    ///
    /// # Errors
    /// If a value is negative or not finite.
    pub fn of_quantiles(mut quantiles: [f64; QUANTILE_LEVELS]) -> Result<Self, NotADistribution> {
        for (index, &value) in quantiles.iter().enumerate() {
            if !value.is_finite() || value < 0.0 {
                return Err(NotADistribution::Impossible { level: Self::level(index), value });
            }
        }
        quantiles.sort_unstable_by(f64::total_cmp);
        Ok(Self { quantiles })
    }

    /// A distribution whose quantile at each level is what `quantile` says; negative answers are
    /// taken for 0.
    ///
    /// # Errors
    /// If an answer is not finite.
    pub fn from_fn(quantile: impl Fn(f64) -> f64) -> Result<Self, NotADistribution> {
        Self::of_quantiles(std::array::from_fn(|index| {
            let value = quantile(Self::level(index));
            if value < 0.0 { 0.0 } else { value }
        }))
    }

    /// The demand that is certain to be `value`.
    ///
    /// # Errors
    /// If the value is negative or not finite.
    pub fn certain(value: f64) -> Result<Self, NotADistribution> {
        Self::of_quantiles([value; QUANTILE_LEVELS])
    }

    /// The demand that stays below the answer with probability `level`, 0 to 1.
    #[must_use]
    pub fn quantile(&self, level: f64) -> f64 {
        let place = level * (QUANTILE_LEVELS + 1) as f64 - 1.0;
        let below = (place.floor().max(0.0) as usize).min(QUANTILE_LEVELS - 1);
        let above = (below + 1).min(QUANTILE_LEVELS - 1);
        let share = (place - below as f64).clamp(0.0, 1.0);
        self.quantiles[below] + share * (self.quantiles[above] - self.quantiles[below])
    }

    /// The probability, 0 to 1, that no more than `amount` is asked for.
    #[must_use]
    pub fn probability_of_at_most(&self, amount: f64) -> f64 {
        let known = self.quantiles.partition_point(|&quantile| quantile <= amount);
        match known {
            0 => 0.0,
            QUANTILE_LEVELS => 1.0,
            _ => {
                let (below, above) = (self.quantiles[known - 1], self.quantiles[known]);
                let step = Self::level(known) - Self::level(known - 1);
                Self::level(known - 1) + step * (amount - below) / (above - below)
            }
        }
    }

    /// The mean demand.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.expected(|demand| demand)
    }

    /// The mean of what `value` makes of the demand; every hundredth of the distribution is
    /// taken at its quantile, the two ends at the outermost known ones.
    pub fn expected(&self, value: impl Fn(f64) -> f64) -> f64 {
        let outer = f64::midpoint(value(self.quantiles[0]), value(self.quantiles[QUANTILE_LEVELS - 1]));
        let inner: f64 = self.quantiles.iter().map(|&demand| value(demand)).sum();
        (inner + outer) / (QUANTILE_LEVELS + 1) as f64
    }

    /// The same demand, each quantile multiplied by `factor`, which is 0 or above.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self { quantiles: self.quantiles.map(|quantile| quantile * factor.max(0.0)) }
    }

    /// The quantiles at .01, .02, … .99.
    #[must_use]
    pub fn quantiles(&self) -> &[f64; QUANTILE_LEVELS] {
        &self.quantiles
    }
}
