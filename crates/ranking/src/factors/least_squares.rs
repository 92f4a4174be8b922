//! Solves one side for vectors while the other stays: each row's normal equations
//! (w₀ YᵀY + Σ c yyᵀ + ridge) x = Σ c y by conjugate gradients, without ever forming the matrix
//! (Takács, Pilászy and Tikk, RecSys 2011).

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::{
    TOLERANCE,
    lanes::{add_scaled, dot},
};
use crate::SparseMatrix;

/// So many vectors are squared at a time; sums of these are added in order.
const CHUNK: usize = 4_096;

/// Rows that a thread takes at once.
const ROWS: usize = 64;

/// Numbers below this mean nothing, and their squares would be slow to reckon with.
const NOTHING: f32 = 1e-12;

/// What it takes to solve for the vectors of one side.
pub(super) struct Side<'a> {
    pub(super) factors: usize,
    /// The vectors of the other side.
    pub(super) others: &'a [f32],
    /// Their outer squares, summed and weighted as unobserved.
    pub(super) gram: &'a [f32],
    /// The weight of a row nothing was observed of.
    pub(super) background: f32,
    pub(super) regularization: f32,
    pub(super) frequency_exponent: f32,
}

/// What a thread needs, made once.
pub(super) struct Workbench {
    observed: Vec<(u32, f32)>,
    residual: Vec<f32>,
    direction: Vec<f32>,
    image: Vec<f32>,
}

/// One row to solve. A type, as a closure is not always made part of the function for wide registers.
struct Row<'a, 'b> {
    side: &'a Side<'b>,
    ridge: f32,
    vector: &'a mut [f32],
    steps: usize,
    workbench: &'a mut Workbench,
}

impl NullaryFnOnce for Row<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.side.conjugate_gradients(self.ridge, self.vector, self.steps, self.workbench);
    }
}

impl Side<'_> {
    pub(super) fn workbench(&self) -> Workbench {
        let zeros = || vec![0.0; self.factors];
        Workbench { observed: Vec::new(), residual: zeros(), direction: zeros(), image: zeros() }
    }

    /// Moves every vector towards the solution of its row.
    pub(super) fn solve(&self, rows: &SparseMatrix, vectors: &mut [f32], steps: usize) {
        vectors.par_chunks_mut(self.factors * ROWS).enumerate().for_each_init(
            || self.workbench(),
            |workbench, (chunk, vectors)| {
                for (nth, vector) in vectors.chunks_exact_mut(self.factors).enumerate() {
                    self.solve_row(rows.row(chunk * ROWS + nth).iter(), vector, steps, workbench);
                }
            },
        );
    }

    /// Moves one vector; a row of which nothing was observed becomes zero, its solution.
    pub(super) fn solve_row(
        &self,
        observed: impl Iterator<Item = (u32, f32)>,
        vector: &mut [f32],
        steps: usize,
        workbench: &mut Workbench,
    ) {
        workbench.observed.clear();
        workbench.observed.extend(observed.filter(|(_, weight)| *weight > 0.0));
        if workbench.observed.is_empty() {
            vector.fill(0.0);
            return;
        }
        let ridge = self.ridge(&workbench.observed);
        Arch::new().dispatch(Row { side: self, ridge, vector, steps, workbench });
    }

    fn ridge(&self, observed: &[(u32, f32)]) -> f32 {
        let weight = self.background + observed.iter().map(|(_, weight)| weight).sum::<f32>();
        self.regularization * weight.powf(self.frequency_exponent)
    }

    #[inline(always)]
    fn conjugate_gradients(&self, ridge: f32, vector: &mut [f32], steps: usize, workbench: &mut Workbench) {
        let Workbench { observed, residual, direction, image } = workbench;
        self.apply(ridge, observed, vector, image);
        residual.iter_mut().zip(image.iter()).for_each(|(residual, image)| *residual = -*image);
        for &(other, weight) in observed.iter() {
            add_scaled(residual, weight, self.other(other));
        }
        direction.copy_from_slice(residual);
        let mut square = dot(residual, residual);
        let enough = square * TOLERANCE * TOLERANCE;
        for _ in 0..steps {
            self.apply(ridge, observed, direction, image);
            let curvature = dot(direction, image);
            if square <= enough || curvature <= 0.0 {
                break;
            }
            let length = square / curvature;
            add_scaled(vector, length, direction);
            add_scaled(residual, -length, image);
            let next = dot(residual, residual);
            let share = next / square;
            for (direction, residual) in direction.iter_mut().zip(residual.iter()) {
                *direction = *residual + share * *direction;
            }
            square = next;
        }
        vector.iter_mut().filter(|value| value.abs() < NOTHING).for_each(|value| *value = 0.0);
    }

    /// The matrix of the normal equations times `vector`.
    #[inline(always)]
    fn apply(&self, ridge: f32, observed: &[(u32, f32)], vector: &[f32], image: &mut [f32]) {
        image.fill(0.0);
        add_scaled(image, ridge, vector);
        for (&value, row) in vector.iter().zip(self.gram.chunks_exact(self.factors)) {
            add_scaled(image, value, row);
        }
        for &(other, weight) in observed {
            let other = self.other(other);
            add_scaled(image, weight * dot(other, vector), other);
        }
    }

    #[inline(always)]
    fn other(&self, number: u32) -> &[f32] {
        let begin = number as usize * self.factors;
        &self.others[begin..begin + self.factors]
    }

    /// The part of the loss that the ridges of this side are.
    pub(super) fn ridge_loss(&self, rows: &SparseMatrix, vectors: &[f32]) -> f64 {
        let of_row = |(row, vector): (usize, &[f32])| {
            let observed: Vec<(u32, f32)> = rows.row(row).iter().collect();
            f64::from(self.ridge(&observed)) * f64::from(dot(vector, vector))
        };
        vectors.chunks_exact(self.factors).enumerate().map(of_row).sum()
    }
}

/// The sum of the vectors' outer squares, times `scale`.
pub(super) fn gram(vectors: &[f32], factors: usize, scale: f32) -> Vec<f32> {
    let part = |vectors: &[f32]| {
        let mut square = vec![0.0f32; factors * factors];
        let columns = MatRef::from_column_major_slice(vectors, factors, vectors.len() / factors);
        let into = MatMut::from_column_major_slice_mut(&mut square, factors, factors);
        matmul(into, Accum::Replace, columns, columns.transpose(), scale, Par::Seq);
        square
    };
    let parts: Vec<Vec<f32>> = vectors.par_chunks(factors * CHUNK).map(part).collect();
    let mut sum = vec![0.0; factors * factors];
    for part in parts {
        sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    sum
}
