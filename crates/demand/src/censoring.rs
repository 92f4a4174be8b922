//! What would have been sold had nothing run out. When the last unit went early, the rest of the day
//! is judged by how sales spread over the days on which nothing ran out.

pub(crate) mod correction;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

/// The opening hours are looked at in so many equal parts.
const PARTS: usize = 24;
/// So many made-up days of even sales stand beside the real ones.
const EVEN_DAYS: f64 = 1.0;
/// How far a made-up day's share may lie from the truth at mid-day: a standard deviation.
const EVEN_SPREAD: f64 = 0.15;

/// What was sold when, on one day at one market.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SalesOfADay {
    /// When, as a share of the opening hours (0 at opening, 1 at closing), and how much. Sales outside
    /// the opening hours count for their first or last moment, returns (below 0) not at all.
    pub sales: Vec<(f64, f64)>,
    /// Whether anything ran out: such a day says nothing of how sales spread.
    pub sold_out: bool,
}

/// Which share of a day's demand has come by which time: pooled over products and markets, because how
/// people come is the market's, and few vendors have enough days of each product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SalesCurve {
    /// The share that has come at 0/24, 1/24, … 24/24 of the opening hours; from 0 to 1, not falling.
    shares: Vec<f64>,
    /// How far single days lie from that: standard deviations.
    spreads: Vec<f64>,
    /// How many days it was learnt from.
    days: usize,
}

impl SalesCurve {
    /// Sales that come evenly over the opening hours: what is assumed of a market nobody knows.
    #[must_use]
    pub fn even() -> Self {
        Self::learn(&[])
    }

    /// Learns from the days on which nothing ran out. Each day counts alike, however much was sold.
    #[must_use]
    pub fn learn(days: &[SalesOfADay]) -> Self {
        let curves: Vec<[f64; PARTS + 1]> =
            days.iter().filter(|day| !day.sold_out).filter_map(cumulative_shares).collect();
        let weight = curves.len() as f64 + EVEN_DAYS;
        let mut curve = Self { shares: Vec::new(), spreads: Vec::new(), days: curves.len() };
        for part in 0..=PARTS {
            let even = part as f64 / PARTS as f64;
            let of_days = || curves.iter().map(|shares| shares[part]);
            let mean = (of_days().sum::<f64>() + EVEN_DAYS * even) / weight;
            let even_variance = (even - mean).powi(2) + EVEN_SPREAD.powi(2) * 4.0 * even * (1.0 - even);
            let squares: f64 = of_days().map(|share| (share - mean).powi(2)).sum();
            curve.shares.push(mean);
            curve.spreads.push(((squares + EVEN_DAYS * even_variance) / weight).sqrt());
        }
        curve
    }

    /// Which share of the day's demand, 0 to 1, has come when `at` (0 to 1) of the opening hours are over.
    #[must_use]
    pub fn share_by(&self, at: f64) -> f64 {
        between(&self.shares, at)
    }

    /// How far single days lie from that share: a standard deviation.
    #[must_use]
    pub fn spread_at(&self, at: f64) -> f64 {
        between(&self.spreads, at)
    }

    /// How many days it was learnt from; 0 for the even curve.
    #[must_use]
    pub fn days(&self) -> usize {
        self.days
    }
}

/// `None` when nothing was sold.
fn cumulative_shares(day: &SalesOfADay) -> Option<[f64; PARTS + 1]> {
    let mut shares = [0.0; PARTS + 1];
    let sales =
        day.sales.iter().filter(|(at, quantity)| at.is_finite() && quantity.is_finite() && *quantity > 0.0);
    for &(at, quantity) in sales {
        // The share at a knot counts what was sold up to it.
        let part = (at.clamp(0.0, 1.0) * PARTS as f64).ceil() as usize;
        shares[part] += quantity;
    }
    for part in 1..=PARTS {
        shares[part] += shares[part - 1];
    }
    let total = shares[PARTS];
    (total > 0.0).then(|| shares.map(|share| share / total))
}

fn between(values: &[f64], at: f64) -> f64 {
    let place = at.clamp(0.0, 1.0) * PARTS as f64;
    let below = (place as usize).min(PARTS - 1);
    let share = place - below as f64;
    values[below] + share * (values[below + 1] - values[below])
}
