//! From what was sold to what was asked for. With the time of the last sale, what had come by then is
//! extrapolated by the day's curve, held against what is usual; without it, what was brought is a lower
//! bound, and the expectation above it is taken (a Tobit model on the logarithm, fitted by expectation
//! maximisation: Dempster, Laird and Rubin, 1977).

use super::SalesCurve;
use crate::{PastDay, normal};

/// Demand is never taken for more than so many times what was sold.
const MOST: f64 = 3.0;
const ROUNDS: usize = 12;
/// Days on either side that tell what is usual: half as far away counts twice.
const HALF_DISTANCE: f64 = 6.0;
/// Days differ by at least this, and by this where nothing is known.
const LEAST_VARIATION: f64 = 0.12;
const ASSUMED_VARIATION: f64 = 0.3;

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

/// How much days of one product differ, as a share: a robust mean over all series.
pub(crate) fn variation(series: &[Vec<&PastDay>]) -> f64 {
    let (mut sum, mut count) = (0.0, 4.0);
    sum += count * ASSUMED_VARIATION;
    for days in series.iter().filter(|days| days.len() >= 4) {
        let open: Vec<f64> = days.iter().filter(|day| !ran_out(day)).map(|day| day.sold).collect();
        let recent = &open[open.len().saturating_sub(60)..];
        for pair in recent.windows(2).filter(|pair| pair[0] + pair[1] > 0.0) {
            // The mean absolute difference of two normal values is 1.128 standard deviations.
            sum += ((pair[0] - pair[1]).abs() / f64::midpoint(pair[0], pair[1]) / 1.128).min(1.0);
            count += 1.0;
        }
    }
    (sum / count).max(LEAST_VARIATION)
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
            // A guess says half of what a known day says.
            let own = if days[place].sold_out { 0.5 } else { 1.0 };
            sum = rate * (sum + own * days[place].demand);
            weight = rate * (weight + own);
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
