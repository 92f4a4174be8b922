//! What is sold, on average, of an amount that is brought: the integral of the chance that one more
//! unit is asked for. Kept at the known quantiles, so that a plan may ask often.

use crate::{Distribution, QUANTILE_LEVELS};

/// Expected sales of one product as a function of the amount brought: rises, and ever less.
pub(super) struct ExpectedSales {
    quantiles: [f64; QUANTILE_LEVELS],
    /// The expected sales of an amount that equals the quantile.
    at_quantile: [f64; QUANTILE_LEVELS],
}

impl ExpectedSales {
    pub(super) fn of(demand: &Distribution) -> Self {
        let quantiles = *demand.quantiles();
        let mut at_quantile = [quantiles[0]; QUANTILE_LEVELS];
        for upper in 1..QUANTILE_LEVELS {
            let width = quantiles[upper] - quantiles[upper - 1];
            let middle = f64::midpoint(Distribution::level(upper - 1), Distribution::level(upper));
            at_quantile[upper] = at_quantile[upper - 1] + width * (1.0 - middle);
        }
        Self { quantiles, at_quantile }
    }

    /// The mean of the smaller of demand and `amount`; demand is linear between known quantiles.
    pub(super) fn of_amount(&self, amount: f64) -> f64 {
        let known = self.quantiles.partition_point(|&quantile| quantile <= amount);
        if known == 0 {
            return amount;
        }
        let sold = self.at_quantile[known - 1];
        if known == QUANTILE_LEVELS {
            return sold;
        }
        let part = amount - self.quantiles[known - 1];
        let width = self.quantiles[known] - self.quantiles[known - 1];
        let rise = Distribution::level(known) - Distribution::level(known - 1);
        let middle = Distribution::level(known - 1) + 0.5 * rise * part / width;
        sold + part * (1.0 - middle)
    }

    /// The chance, 0 to 1, that `amount` or more is asked for: that nothing is left of it.
    pub(super) fn chance_of_selling_out(&self, amount: f64) -> f64 {
        let below = self.quantiles.partition_point(|&quantile| quantile < amount);
        match below {
            0 => 1.0,
            QUANTILE_LEVELS => 0.0,
            _ => {
                let (lower, upper) = (self.quantiles[below - 1], self.quantiles[below]);
                let share = (amount - lower) / (upper - lower);
                let rise = Distribution::level(below) - Distribution::level(below - 1);
                1.0 - Distribution::level(below - 1) - rise * share
            }
        }
    }
}
