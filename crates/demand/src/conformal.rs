//! Honest levels: if the quantile called P90 has lately held less often than nine days of ten, a higher one
//! is shown. Adaptive conformal inference (Gibbs and Candès, 2021), at five levels, over all of a
//! vendor's products, whose days share their luck and so count as one.

use serde::{Deserialize, Serialize};

/// The levels that are watched.
pub(crate) const WATCHED: [f64; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];
/// How far one day moves a level.
const RATE: f64 = 0.025;
/// No level is moved further than this.
const FURTHEST: f64 = 0.12;

/// By how much each level has to be moved.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Conformal {
    moved: [f64; WATCHED.len()],
    today: [f64; WATCHED.len()],
    today_count: f64,
}

impl Conformal {
    /// Levels that are known to have to be moved so far.
    pub(crate) fn moved_by(moved: [f64; WATCHED.len()]) -> Self {
        let moved = moved.map(|moved| moved.clamp(-FURTHEST, FURTHEST));
        Self { moved, ..Self::default() }
    }

    /// Which level to read from the mixture to get an honest `level`.
    pub(crate) fn honest(&self, level: f64) -> f64 {
        let above = WATCHED.partition_point(|&watched| watched < level);
        let known = |place: usize| (WATCHED[place], self.moved[place]);
        let (from, before) = if above == 0 { (0.0, 0.0) } else { known(above - 1) };
        let (to, after) = if above == WATCHED.len() { (1.0, 0.0) } else { known(above) };
        let moved = before + (after - before) * (level - from) / (to - from);
        (level + moved).clamp(level / 2.0, f64::midpoint(level, 1.0))
    }

    /// Notes a day: the demand and the honest quantiles at [`WATCHED`] that were forecast.
    pub(crate) fn note(&mut self, demand: f64, quantiles: &[f64; WATCHED.len()]) {
        for (place, quantile) in quantiles.iter().enumerate() {
            self.today[place] += WATCHED[place] - f64::from(demand <= *quantile);
        }
        self.today_count += 1.0;
    }

    /// Closes a day.
    pub(crate) fn end_day(&mut self) {
        if self.today_count == 0.0 {
            return;
        }
        for (moved, today) in self.moved.iter_mut().zip(&mut self.today) {
            *moved = (*moved + RATE * *today / self.today_count).clamp(-FURTHEST, FURTHEST);
            *today = 0.0;
        }
        self.today_count = 0.0;
    }
}
