//! Feedback: records as they come, money against every possible demand, signals against their false
//! alarms, and a year of markets.

mod championship;
mod records;
mod savings;
mod scores;
mod signals;
mod statistics;
mod triggers;
mod year;

use jiff::civil::{Date, date};

use super::{FeedbackRecord, GivenForecast};
use crate::Distribution;
use crate::quantity::{Currency, Terms};

const CENT: i64 = 10_000;

/// The loaf: 6.00, costs 2.00, nothing for leftovers.
fn loaf() -> Terms {
    Terms::new(Currency::parse("currency", "EUR").expect("three letters"), 600 * CENT, 200 * CENT)
}

/// The Saturday so many weeks after the first of the year.
fn saturday(week: i64) -> Date {
    date(2025, 1, 4).checked_add(jiff::Span::new().weeks(week)).expect("within the calendar")
}

fn uniform(low: f64, high: f64) -> Distribution {
    Distribution::from_fn(|level| low + (high - low) * level).expect("finite")
}

/// A day on which so much was brought and sold.
fn day(week: i64, brought: f64, sold: f64) -> FeedbackRecord {
    FeedbackRecord {
        brought: Some(brought),
        sold: Some(sold),
        terms: Some(loaf()),
        ..FeedbackRecord::new("loaf", "square", saturday(week))
    }
}

fn forecast(demand: Distribution) -> Option<GivenForecast> {
    Some(GivenForecast { demand, model_version: "v1".to_owned() })
}

/// Chance from a seed: SplitMix64 (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of a normal distribution (Box and Muller, 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }

    /// Of a Poisson distribution: by counting, or, from 50 on, by a normal one.
    fn poisson(&mut self, mean: f64) -> f64 {
        if mean >= 50.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0);
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.share(), 0.0);
        while product > limit {
            product *= self.share();
            count += 1.0;
        }
        count
    }
}
