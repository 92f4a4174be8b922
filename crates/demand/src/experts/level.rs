//! Experts that know a level: what an ordinary day sells, in nine ways that forget at different speeds.
//! They see demand after the day's own effects were taken out.

use serde::{Deserialize, Serialize};

/// How many there are.
pub(crate) const LEVELS: usize = 10;
/// Simple exponential smoothing at these rates (Brown, 1956).
const RATES: [f64; 4] = [0.04, 0.12, 0.25, 0.5];
/// Rates of the share of days with demand and of its size (Teunter, Syntetos and Babai, 2011).
const TSB_RATES: (f64, f64) = (0.08, 0.12);
/// Same weekdays kept.
const SAME_WEEKDAYS: usize = 8;
/// A day further from the level than this, up or down, counts for no more.
const FURTHEST: f64 = 4.0;

/// What one product at one market sold, as the experts remember it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct LevelExperts {
    /// Days learnt from.
    pub(crate) days: u32,
    smoothed: [f64; 4],
    mean: f64,
    occurrence: f64,
    size: f64,
    /// By weekday: demand with the weekday's own effect left in, newest last.
    same_weekday: [Vec<f64>; 7],
}

impl LevelExperts {
    /// What each expert says of an ordinary day. `market_index` is how much the whole market sells
    /// against its slow level, `weekday_effect` what the weekday multiplies.
    pub(crate) fn levels(&self, weekday: usize, weekday_effect: f64, market_index: f64) -> [f64; LEVELS] {
        let same = &self.same_weekday[weekday];
        let last = |count: usize| {
            let from = same.len().saturating_sub(count);
            match same.len() {
                0 => self.smoothed[1],
                _ => same[from..].iter().sum::<f64>() / (same.len() - from) as f64 / weekday_effect,
            }
        };
        let [slow, middle, quick, quickest] = self.smoothed;
        [
            slow,
            middle,
            quick,
            quickest,
            self.mean,
            last(4),
            last(SAME_WEEKDAYS),
            self.occurrence * self.size,
            slow * market_index,
            median_of(same).map_or(middle, |median| median / weekday_effect),
        ]
    }

    /// What the last four of these weekdays sold, the newest first; where there were none, `otherwise`.
    pub(crate) fn last_same(&self, weekday: usize, otherwise: f64) -> [f64; 4] {
        let same = &self.same_weekday[weekday];
        std::array::from_fn(|back| match same.len().checked_sub(back + 1) {
            Some(place) => same[place],
            None => otherwise,
        })
    }

    /// The level that moves least from day to day.
    pub(crate) fn slow(&self) -> f64 {
        self.smoothed[0]
    }

    /// A level that knows nothing of weekdays.
    pub(crate) fn base(&self) -> f64 {
        f64::midpoint(self.smoothed[0], self.smoothed[1])
    }

    /// Learns from a day that was: `ordinary` is its demand without the day's effects, `with_weekday`
    /// with only the weekday's left in. `certainty`, 0 to 1, is how far the demand is known.
    pub(crate) fn learn(&mut self, weekday: usize, ordinary: f64, with_weekday: f64, certainty: f64) {
        self.days += 1;
        let days = f64::from(self.days);
        let is_first = self.days == 1;
        for (level, rate) in self.smoothed.iter_mut().zip(RATES) {
            let rate = certainty * rate.max(1.0 / days);
            let bound =
                if *level > 0.0 { ordinary.clamp(*level / FURTHEST, *level * FURTHEST) } else { ordinary };
            *level = if is_first { ordinary } else { *level + rate * (bound - *level) };
        }
        self.mean += (ordinary - self.mean) / days;
        let (occurs, sells) = (f64::from(ordinary > 0.0), ordinary);
        self.occurrence += TSB_RATES.0.max(1.0 / days) * (occurs - self.occurrence);
        if ordinary > 0.0 {
            let rate = if self.size > 0.0 { TSB_RATES.1.max(1.0 / days) } else { 1.0 };
            self.size += rate * (sells - self.size);
        }
        let same = &mut self.same_weekday[weekday];
        if same.len() == SAME_WEEKDAYS {
            same.remove(0);
        }
        same.push(with_weekday);
    }
}

fn median_of(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let mut sorted = [0.0; SAME_WEEKDAYS];
    let sorted = &mut sorted[..values.len()];
    sorted.copy_from_slice(values);
    sorted.sort_unstable_by(f64::total_cmp);
    Some(f64::midpoint(sorted[(values.len() - 1) / 2], sorted[values.len() / 2]))
}
