//! How far days lie from their level: one shape for the vendor, learnt from the relative errors of all its
//! forecasts, a size that depends on how much is sold, and how much wilder each product is than that.

use serde::{Deserialize, Serialize};

use crate::normal;

/// Errors remembered.
const REMEMBERED: usize = 3_000;
/// Made-up errors that stand beside the real ones until there are many.
const MADE_UP: usize = 40;
/// What is assumed before anything is known: a quarter of the level, and the chance of single buyers.
const ASSUMED: (f64, f64) = (0.0625, 1.0);
/// The weight of what is assumed, in days, at each of three sizes.
const ASSUMED_DAYS: f64 = 2.0;
/// Days after which a product's own wildness outweighs that of others.
const OWN_DAYS: f64 = 8.0;
const OWN_KEPT: f64 = 0.97;
/// Levels of the shape that are kept ready.
const KNOTS: usize = 199;

/// The spread of a vendor's days.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// Relative errors over their expected size; a ring.
    errors: Vec<f64>,
    next: usize,
    /// The shape at 1/200, 2/200, … 199/200.
    shape: Vec<f64>,
    /// Of the regression of squared relative errors on 1 and 1 / level: weights, their sums with the
    /// second number, its square, and with the errors.
    sums: [f64; 5],
}

/// How much wilder one product is at one market than others of its size.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Wildness {
    days: f64,
    squares: f64,
}

impl Wildness {
    /// The size of its errors over those of others.
    pub(crate) fn factor(&self) -> f64 {
        ((OWN_DAYS + self.squares) / (OWN_DAYS + self.days)).sqrt().clamp(0.4, 2.5)
    }

    fn learn(&mut self, square: f64) {
        self.days = OWN_KEPT * self.days + 1.0;
        self.squares = OWN_KEPT * self.squares + square.min(9.0);
    }
}

impl Spread {
    pub(crate) fn new() -> Self {
        let mut spread = Self { errors: Vec::new(), next: 0, shape: Vec::new(), sums: [0.0; 5] };
        for inverse in [0.0, 0.1, 1.0] {
            spread.learn_size(inverse, ASSUMED.0 + ASSUMED.1 * inverse, ASSUMED_DAYS);
        }
        spread.sort();
        spread
    }

    fn learn_size(&mut self, inverse: f64, square: f64, weight: f64) {
        for (sum, value) in
            self.sums.iter_mut().zip([1.0, inverse, inverse * inverse, square, square * inverse])
        {
            *sum += weight * value;
        }
    }

    /// The standard deviation of demand over level, for products that sell as much.
    pub(crate) fn size(&self, level: f64) -> f64 {
        let [weights, inverses, squares, errors, mixed] = self.sums;
        let inverse = 1.0 / level.max(0.3);
        let below = (weights * squares - inverses * inverses).max(1e-9);
        let slope = (weights * mixed - inverses * errors) / below;
        let (always, slope) = match (errors - slope * inverses) / weights {
            _ if slope < 0.0 => (errors / weights, 0.0),
            always if always < 4e-4 => (4e-4, mixed / squares.max(1e-9)),
            always => (always, slope),
        };
        (always + slope * inverse).sqrt()
    }

    /// Learns from a day: its level as forecast, its demand over that.
    pub(crate) fn learn(&mut self, wildness: &mut Wildness, level: f64, ratio: f64) {
        let error = (ratio - 1.0).clamp(-1.0, 3.0);
        let size = self.size(level);
        let scaled = error / (size * wildness.factor());
        if self.errors.len() < REMEMBERED {
            self.errors.push(scaled);
        } else {
            self.errors[self.next] = scaled;
            self.next = (self.next + 1) % REMEMBERED;
        }
        wildness.learn(error * error / (size * size));
        self.learn_size(1.0 / level.max(0.3), error * error, 1.0);
    }

    /// How many errors it remembers.
    pub(crate) fn errors(&self) -> usize {
        self.errors.len()
    }

    /// Makes the shape ready again after days were learnt.
    pub(crate) fn sort(&mut self) {
        let made_up = (0..MADE_UP).map(|place| normal::quantile((place as f64 + 0.5) / MADE_UP as f64));
        let mut errors: Vec<f64> = self.errors.iter().copied().chain(made_up).collect();
        errors.sort_unstable_by(f64::total_cmp);
        let place = |knot: usize| (knot + 1) as f64 / (KNOTS + 1) as f64 * (errors.len() - 1) as f64;
        self.shape = (0..KNOTS).map(|knot| between(&errors, place(knot))).collect();
    }

    /// With which probability demand stays below so many sizes away from the level.
    pub(crate) fn level_of(&self, sizes: f64) -> f64 {
        (self.shape.partition_point(|&shape| shape < sizes) as f64 + 0.5) / (KNOTS + 1) as f64
    }

    /// How many sizes away from the level demand stays with probability `level`.
    pub(crate) fn shape_at(&self, level: f64) -> f64 {
        between(&self.shape, (level * (KNOTS + 1) as f64 - 1.0).clamp(0.0, (KNOTS - 1) as f64))
    }
}

fn between(sorted: &[f64], place: f64) -> f64 {
    let below = (place as usize).min(sorted.len() - 2);
    let share = place - below as f64;
    sorted[below] + share * (sorted[below + 1] - sorted[below])
}
