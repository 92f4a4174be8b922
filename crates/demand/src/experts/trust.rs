//! Whom to trust how much: weights that fall exponentially with what an expert has lost against the mean of
//! all (Cesa-Bianchi and Lugosi, 2006), by the vendor's whole record and a product's own.

use serde::{Deserialize, Serialize};

/// What each of some experts has lost, in standard errors, against their mean; old days fade.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trust {
    lost: Vec<f64>,
    /// The losses of a day that is not over, and of how many forecasts.
    today: Vec<f64>,
    today_count: f64,
    kept: f64,
}

impl Trust {
    /// `kept` is how much of the record counts after another day.
    pub(crate) fn new(experts: usize, kept: f64) -> Self {
        Self { lost: vec![0.0; experts], today: vec![0.0; experts], today_count: 0.0, kept }
    }

    /// Notes what each expert lost with one forecast.
    pub(crate) fn note(&mut self, losses: &[f64]) {
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        for (today, loss) in self.today.iter_mut().zip(losses) {
            *today += loss - mean;
        }
        self.today_count += 1.0;
    }

    /// Closes a day: its forecasts count as one, because they share its luck.
    pub(crate) fn end_day(&mut self) {
        if self.today_count == 0.0 {
            return;
        }
        for (lost, today) in self.lost.iter_mut().zip(&mut self.today) {
            *lost = self.kept * *lost + *today / self.today_count.sqrt();
            *today = 0.0;
        }
        self.today_count = 0.0;
    }
}

/// The weights, that sum to 1, of experts with these prior weights: `rate` says how fast a loss counts
/// against them, by the record of all and by their own.
pub(crate) fn weights<const COUNT: usize>(
    prior: &[f64; COUNT],
    of_all: (&Trust, f64),
    own: (&Trust, f64),
) -> [f64; COUNT] {
    let exponent = |expert: usize| -> f64 { of_all.1 * of_all.0.lost[expert] + own.1 * own.0.lost[expert] };
    let least = (0..COUNT).map(exponent).fold(f64::INFINITY, f64::min);
    let raw: [f64; COUNT] = std::array::from_fn(|expert| prior[expert] * (least - exponent(expert)).exp());
    let total: f64 = raw.iter().sum();
    raw.map(|weight| weight / total)
}
