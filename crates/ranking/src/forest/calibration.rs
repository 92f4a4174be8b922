//! From margins to chances: Platt's sigmoid, fitted by Newton's method.

use crate::{
    SnapshotError,
    snapshot::bytes::{Reader, Writer},
};

/// Newton's method on two convex parameters needs about ten steps.
const MOST_STEPS: usize = 100;

/// `chance = 1 / (1 + exp(−(slope · margin + offset)))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    slope: f32,
    offset: f32,
}

/// The targets and the sums of one step; `slope` and `offset` in `f64` while fitting.
struct Step {
    loss: f64,
    gradient: [f64; 2],
    /// Second derivatives: slope twice, slope and offset, offset twice.
    curvature: [f64; 3],
}

impl Calibration {
    /// Fits the chances to what happened, with Platt's smoothed targets, so that a clean separation
    /// does not give certainty (Platt, "Probabilistic outputs for support vector machines", 1999;
    /// Newton with backtracking: Lin, Lin, Weng, "A note on Platt's probabilistic outputs", 2007).
    /// `None` when there is no example. Margins that are not finite are left out.
    ///
    /// # Panics
    /// When there are not as many outcomes as margins.
    pub fn fit(margins: &[f32], happened: &[bool]) -> Option<Self> {
        assert_eq!(margins.len(), happened.len(), "every margin needs its outcome");
        let examples: Vec<(f64, bool)> = margins
            .iter()
            .zip(happened)
            .filter(|(margin, _)| margin.is_finite())
            .map(|(&margin, &happened)| (f64::from(margin), happened))
            .collect();
        if examples.is_empty() {
            return None;
        }
        let positives = examples.iter().filter(|(_, happened)| *happened).count() as f64;
        let negatives = examples.len() as f64 - positives;
        let targets = [1.0 / (negatives + 2.0), (positives + 1.0) / (positives + 2.0)];
        let start = ((positives + 1.0) / (negatives + 1.0)).ln();
        let [slope, offset] = minimum(&examples, targets, [0.0, start]);
        Some(Self { slope: slope as f32, offset: offset as f32 })
    }

    /// The chance for a margin, 0 to 1; 0 for a margin that is not a number.
    pub fn chance(&self, margin: f32) -> f32 {
        if margin.is_nan() {
            return 0.0;
        }
        let logit = f64::from(self.slope) * f64::from(margin) + f64::from(self.offset);
        sigmoid(logit) as f32
    }

    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.f32(self.slope);
        writer.f32(self.offset);
    }

    pub(crate) fn decode(reader: &mut Reader) -> Result<Self, SnapshotError> {
        Ok(Self { slope: reader.finite()?, offset: reader.finite()? })
    }
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// Newton's method from the given slope and offset, each step halved until the loss falls.
fn minimum(examples: &[(f64, bool)], targets: [f64; 2], start: [f64; 2]) -> [f64; 2] {
    let mut at = start;
    let mut here = step_at(examples, targets, at);
    for _ in 0..MOST_STEPS {
        let [a, b, c] = here.curvature;
        let determinant = a * c - b * b;
        let [down_slope, down_offset] = here.gradient;
        let direction = [
            -(c * down_slope - b * down_offset) / determinant,
            -(a * down_offset - b * down_slope) / determinant,
        ];
        let expected = direction[0] * down_slope + direction[1] * down_offset;
        let mut length = 1.0;
        let mut moved = None;
        while length > 1e-10 && moved.is_none() {
            let next = [at[0] + length * direction[0], at[1] + length * direction[1]];
            let there = step_at(examples, targets, next);
            if there.loss < here.loss + 1e-4 * length * expected {
                moved = Some((next, there));
            }
            length /= 2.0;
        }
        let Some((next, there)) = moved else { break };
        let gained = here.loss - there.loss;
        (at, here) = (next, there);
        if gained < 1e-12 * here.loss {
            break;
        }
    }
    at
}

/// The cross-entropy and its derivatives, summed in the examples' order.
fn step_at(examples: &[(f64, bool)], targets: [f64; 2], [slope, offset]: [f64; 2]) -> Step {
    // The ridge keeps the curvature invertible when all margins are one.
    let mut step = Step { loss: 0.0, gradient: [0.0; 2], curvature: [1e-12, 0.0, 1e-12] };
    for &(margin, happened) in examples {
        let logit = slope * margin + offset;
        let target = targets[usize::from(happened)];
        let chance = sigmoid(logit);
        let softplus = logit.max(0.0) + (-logit.abs()).exp().ln_1p();
        step.loss += softplus - target * logit;
        let error = chance - target;
        let spread = chance * (1.0 - chance);
        step.gradient[0] += error * margin;
        step.gradient[1] += error;
        step.curvature[0] += spread * margin * margin;
        step.curvature[1] += spread * margin;
        step.curvature[2] += spread;
    }
    step
}
