//! From what was sold to what was asked for. With the time of the last sale, what had come by then is
//! extrapolated by the day's curve, held against what is usual; without it, what was brought is a lower
//! bound, and the expectation above it is taken (a Tobit model on the logarithm, fitted by expectation
//! maximisation: Dempster, Laird and Rubin, 1977).

#[cfg(test)]
mod tests;

use super::SalesCurve;
use crate::{PastDay, normal};

/// Demand is never taken for more than so many times what was sold.
const MOST: f64 = 3.0;
const ROUNDS: usize = 12;
const VARIATION_ROUNDS: usize = 6;
/// Days on either side that tell what is usual: half as far away counts twice.
const HALF_DISTANCE: f64 = 6.0;
/// Days differ by at least this, and by this where nothing is known.
const LEAST_VARIATION: f64 = 0.12;
const ASSUMED_VARIATION: f64 = 0.3;
const ASSUMED_DAYS: f64 = 4.0;

/// One day's demand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Corrected {
    pub(crate) demand: f64,
    /// 1 when nothing ran out; less the more of the demand is guessed.
    pub(crate) certainty: f64,
    pub(crate) sold_out: bool,
}

/// Whether the product ran out: somebody wrote down when, or all that was brought was sold.
fn ran_out(day: &PastDay) -> bool {
    day.sold > 0.0
        && (day.sold_out_at.is_some_and(f64::is_finite)
            || day.brought.is_some_and(|brought| brought.is_finite() && day.sold >= brought))
}

/// How much days of one product differ, as a share, over all series. Where nothing ran out a day is held
/// against the one before; where something did, against what is usual, with the days that ran out as they
/// are corrected: those that did not are the low ones, and differ less than all.
pub(crate) fn variation(series: &[Vec<&PastDay>], curve: &SalesCurve) -> f64 {
    let mut variation = ASSUMED_VARIATION;
    let sold_out = |days: &&Vec<&PastDay>| days.len() >= 4 && days.iter().any(|day| ran_out(day));
    if !series.iter().any(|days| sold_out(&days)) {
        return variation;
    }
    for _ in 0..VARIATION_ROUNDS {
        let (mut sum, mut count) = (ASSUMED_DAYS * ASSUMED_VARIATION.powi(2), ASSUMED_DAYS);
        for days in series.iter().filter(sold_out) {
            let corrected = demand_of(days, curve, variation);
            for (day, usual) in corrected.iter().zip(usual_levels(&corrected)) {
                sum += (day.demand / usual.max(f64::MIN_POSITIVE) - 1.0).clamp(-1.0, 1.5).powi(2);
                count += 1.0;
            }
        }
        // What is usual is itself a mean of some thirty days.
        variation = (sum / count / 1.03).sqrt().max(LEAST_VARIATION);
    }
    variation
}

/// The demand of each day, in order.
pub(crate) fn demand_of(days: &[&PastDay], curve: &SalesCurve, variation: f64) -> Vec<Corrected> {
    let known = |day: &&PastDay| Corrected { demand: day.sold, certainty: 1.0, sold_out: ran_out(day) };
    let mut corrected: Vec<Corrected> = days.iter().map(known).collect();
    if corrected.iter().all(|day| !day.sold_out) {
        return corrected;
    }
    for _ in 0..ROUNDS {
        let usual = usual_levels(&corrected);
        for ((day, corrected), usual) in days.iter().zip(&mut corrected).zip(usual) {
            if corrected.sold_out {
                *corrected = match day.sold_out_at.filter(|at| at.is_finite()) {
                    Some(at) => by_the_time(day.sold, at, curve, usual, variation),
                    None => by_the_bound(day.sold, usual, variation),
                };
            }
        }
    }
    spread_bounds(days, &mut corrected, variation);
    corrected
}

/// What is usual around each day: the mean of the others, the near ones first.
fn usual_levels(days: &[Corrected]) -> Vec<f64> {
    let rate = 0.5_f64.powf(1.0 / HALF_DISTANCE);
    let mut sums = vec![(0.0, 0.0); days.len()];
    let mut pass = |places: &mut dyn Iterator<Item = usize>| {
        let (mut sum, mut weight) = (0.0, 0.0);
        for place in places {
            sums[place].0 += sum;
            sums[place].1 += weight;
            // A guess counts like a known day: days that ran out are the high ones, and to count them less
            // would lower what is usual.
            sum = rate * (sum + days[place].demand);
            weight = rate * (weight + 1.0);
        }
    };
    pass(&mut (0..days.len()));
    pass(&mut (0..days.len()).rev());
    sums.iter()
        .zip(days)
        .map(|(&(sum, weight), day)| if weight > 0.0 { sum / weight } else { day.demand })
        .collect()
}

/// Buyers come one by one, and this day's rate is drawn around the usual one: the mean of the gamma
/// distribution it has after what was seen, for the rest of the day.
fn by_the_time(sold: f64, at: f64, curve: &SalesCurve, usual: f64, variation: f64) -> Corrected {
    let share = curve.share_by(at).clamp(0.02, 1.0);
    let spread = curve.spread_at(at) / share;
    let seen = 1.0 / (1.0 / sold.max(1.0) + spread * spread);
    let assumed = 1.0 / (variation * variation);
    let rate = (assumed * usual.max(sold) + seen * (sold / share)) / (assumed + seen);
    let demand = (sold + (1.0 - share) * rate).min(MOST * sold);
    Corrected { demand, certainty: (0.3 + 0.7 * share).clamp(0.3, 1.0), sold_out: true }
}

fn bound_in_spreads(sold: f64, usual: f64, variation: f64) -> (f64, f64, f64) {
    let spread = (1.0 + variation * variation).ln().sqrt();
    let middle = usual.max(sold / MOST).ln() - spread * spread / 2.0;
    (middle, spread, (sold.ln() - middle) / spread)
}

/// The mean of a log-normal demand above what was brought.
fn by_the_bound(sold: f64, usual: f64, variation: f64) -> Corrected {
    let (middle, spread, bound) = bound_in_spreads(sold, usual, variation);
    let above = normal::probability_below(-bound).max(1e-4);
    let mean = (middle + spread * spread / 2.0).exp() * normal::probability_below(spread - bound) / above;
    Corrected { demand: mean.clamp(sold, MOST * sold), certainty: 0.5, sold_out: true }
}

/// Days of which only a bound is known get values spread over what lies above it, not all its mean, so
/// that quantiles of past days are neither too narrow nor too low.
fn spread_bounds(days: &[&PastDay], corrected: &mut [Corrected], variation: f64) {
    let usual = usual_levels(corrected);
    let mut turn = 0.5;
    for ((day, corrected), usual) in days.iter().zip(corrected).zip(usual) {
        if corrected.sold_out && day.sold_out_at.is_none() {
            let (middle, spread, bound) = bound_in_spreads(day.sold, usual, variation);
            let below = normal::probability_below(bound).min(0.999);
            let value = (middle + spread * normal::quantile(below + turn * (1.0 - below))).exp();
            corrected.demand = value.clamp(day.sold, MOST * day.sold);
            // The golden ratio fills the unit interval evenly.
            turn = (turn + 0.618_033_988_75) % 1.0;
        }
    }
}
