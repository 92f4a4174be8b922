//! Signals that a model has gone wrong: a bias that adds up (tracking signal), a smoothed bias, a level
//! that moved (Page-Hinkley), and quantiles that hold too often or too seldom (binomial band).

/// Fewest errors a signal is taken from.
pub const FEWEST_ERRORS: usize = 6;

/// The tracking signal: the sum of the errors over their mean absolute size (Brown, "Smoothing,
/// Forecasting and Prediction", 1963). Unbiased errors stay near 0; beyond 4 either way is a bias, or
/// chance: of six unbiased errors it is chance one time in five. `None` below six errors, or when all are 0.
#[must_use]
pub fn tracking_signal(errors: &[f64]) -> Option<f64> {
    if errors.len() < FEWEST_ERRORS {
        return None;
    }
    let mean_absolute = errors.iter().map(|error| error.abs()).sum::<f64>() / errors.len() as f64;
    (mean_absolute > 0.0).then(|| errors.iter().sum::<f64>() / mean_absolute)
}

/// The smoothed error over the smoothed absolute error, -1 to 1 (Trigg, "Monitoring a forecasting
/// system", 1964); `alpha` is the weight of the newest error, .1 to .2 in use. The absolute error starts
/// at the mean of the first six. `None` below six errors, or when all are 0.
#[must_use]
pub fn smoothed_signal(errors: &[f64], alpha: f64) -> Option<f64> {
    if errors.len() < FEWEST_ERRORS {
        return None;
    }
    let mut absolute =
        errors[..FEWEST_ERRORS].iter().map(|error| error.abs()).sum::<f64>() / FEWEST_ERRORS as f64;
    let mut signed = 0.0;
    for error in errors {
        signed += alpha * (error - signed);
        absolute += alpha * (error.abs() - absolute);
    }
    (absolute > 0.0).then(|| signed / absolute)
}

/// Which way a level moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// More is asked for than forecast.
    Up,
    /// Less is asked for than forecast.
    Down,
}

/// The Page-Hinkley test (Page, 1954; Hinkley, 1971) on errors in standard deviations: how far their
/// sum has come from its own lowest or highest point, each error less `allowed` towards 0. The errors
/// are held against 0, not against their own mean: a forecast is wrong as soon as it is off, also when
/// it always was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageHinkley {
    /// What each error may be off without counting, in standard deviations: half of the smallest shift
    /// worth finding.
    pub allowed: f64,
    /// How far the sum may come.
    pub limit: f64,
    rise: f64,
    fall: f64,
}

impl PageHinkley {
    /// A test that has seen nothing yet.
    #[must_use]
    pub fn new(allowed: f64, limit: f64) -> Self {
        Self { allowed, limit, rise: 0.0, fall: 0.0 }
    }

    /// Takes in the next error; `Some` when the level has moved.
    pub fn take(&mut self, error: f64) -> Option<Drift> {
        // The sum less its lowest point so far, and the highest point so far less the sum.
        self.rise = (self.rise + error - self.allowed).max(0.0);
        self.fall = (self.fall - error - self.allowed).max(0.0);
        if self.rise > self.limit {
            Some(Drift::Up)
        } else if self.fall > self.limit {
            Some(Drift::Down)
        } else {
            None
        }
    }
}

/// How many of `days` days may lie below an honest quantile at `level`: outside of these, both
/// included, is less likely than `doubt` (exact binomial, half of the doubt on each side).
#[must_use]
pub fn binomial_band(level: f64, days: usize, doubt: f64) -> (usize, usize) {
    let (mut lowest, mut highest) = (0, days);
    let mut below = 0.0;
    let chances = binomial_chances(level, days);
    for (count, chance) in chances.iter().enumerate() {
        below += chance;
        if below > doubt / 2.0 {
            lowest = count;
            break;
        }
    }
    let mut above = 0.0;
    for (count, chance) in chances.iter().enumerate().rev() {
        above += chance;
        if above > doubt / 2.0 {
            highest = count;
            break;
        }
    }
    (lowest, highest)
}

/// The chance of each count, 0 to `days`.
fn binomial_chances(level: f64, days: usize) -> Vec<f64> {
    let level = level.clamp(1e-9, 1.0 - 1e-9);
    let odds = (level / (1.0 - level)).ln();
    let mut log_chance = days as f64 * (1.0 - level).ln();
    (0..=days)
        .map(|count| {
            let chance = log_chance.exp();
            log_chance += odds + ((days - count) as f64 / (count + 1) as f64).ln();
            chance
        })
        .collect()
}
