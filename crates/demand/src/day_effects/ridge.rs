//! One ridge regression that learns a day at a time and forgets slowly: effects of a day on the
//! logarithm of demand, drawn towards those of a wider group as far as its own days are few.

use serde::{Deserialize, Serialize};

use super::features::{DayVector, WIDTH};

/// The normal equations of one group and their solution.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ridge {
    /// Row by row, lower triangle.
    squares: Vec<f64>,
    products: Vec<f64>,
    effects: Vec<f64>,
}

impl Ridge {
    pub(crate) fn new() -> Self {
        Self { squares: vec![0.0; WIDTH * WIDTH], products: vec![0.0; WIDTH], effects: vec![0.0; WIDTH] }
    }

    /// Learns that a day of these numbers, `present` those that are not 0, moved demand by `effect`.
    pub(crate) fn learn(&mut self, day: &DayVector, present: &[usize], effect: f64, weight: f64) {
        for (place, &row) in present.iter().enumerate() {
            let weighted = weight * day[row];
            self.products[row] += weighted * effect;
            for &column in &present[..=place] {
                self.squares[row * WIDTH + column] += weighted * day[column];
            }
        }
    }

    /// Finds the effects of the `active` numbers, drawn towards `prior` with the strength of
    /// `pull` days, then forgets a share of what it learnt: 1 nothing.
    pub(crate) fn solve(&mut self, active: &[usize], prior: &DayVector, pull: &DayVector, keep: f64) {
        let size = active.len();
        let mut lower = [0.0; WIDTH * WIDTH];
        let mut wanted = [0.0; WIDTH];
        for (row, &of) in active.iter().enumerate() {
            for (column, &with) in active[..=row].iter().enumerate() {
                lower[row * WIDTH + column] = self.squares[of * WIDTH + with];
            }
            lower[row * WIDTH + row] += pull[of];
            wanted[row] = self.products[of] + pull[of] * prior[of];
        }
        solve_by_cholesky(&mut lower, &mut wanted, size);
        for (row, &of) in active.iter().enumerate() {
            self.effects[of] = wanted[row];
        }
        self.squares.iter_mut().chain(&mut self.products).for_each(|value| *value *= keep);
    }

    /// What each number does to the logarithm of demand.
    pub(crate) fn effects(&self) -> DayVector {
        std::array::from_fn(|place| self.effects[place])
    }
}

/// Overwrites `wanted` by the solution; the matrix is positive definite, because every pull is above 0.
fn solve_by_cholesky(lower: &mut [f64; WIDTH * WIDTH], wanted: &mut [f64; WIDTH], size: usize) {
    for row in 0..size {
        for column in 0..=row {
            let mut sum = lower[row * WIDTH + column];
            for place in 0..column {
                sum -= lower[row * WIDTH + place] * lower[column * WIDTH + place];
            }
            lower[row * WIDTH + column] =
                if row == column { sum.max(1e-12).sqrt() } else { sum / lower[column * WIDTH + column] };
        }
        for place in 0..row {
            wanted[row] -= lower[row * WIDTH + place] * wanted[place];
        }
        wanted[row] /= lower[row * WIDTH + row];
    }
    for row in (0..size).rev() {
        for place in row + 1..size {
            wanted[row] -= lower[place * WIDTH + row] * wanted[place];
        }
        wanted[row] /= lower[row * WIDTH + row];
    }
}
