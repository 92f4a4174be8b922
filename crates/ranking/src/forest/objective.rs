//! The derivatives of the loss at the present scores, and their rounding to whole numbers.

use rayon::prelude::*;

use super::settings::ForestSettings;
use super::{Objective, TrainingRows, histogram::Sums, lambdarank::RankedGroup, sample::sees_group};

/// Groups worked on by one thread at a time.
const GROUPS_AT_ONCE: usize = 64;

/// Steps of the rounding that finds out how fine the real one may be.
const COARSE_STEPS: f64 = (1u64 << 20) as f64;

/// What the sums of absolute whole-number derivatives come to at most, rounding aside.
const MOST: f64 = (1u64 << 30) as f64;

/// First and second derivative of the loss by one row's score.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slope {
    pub gradient: f32,
    pub hessian: f32,
}

/// How many whole-number steps are one unit.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub gradient: f64,
    pub hessian: f64,
}

/// The loss of one set of rows.
pub(super) struct Loss<'a> {
    rows: &'a TrainingRows,
    settings: &'a ForestSettings,
    /// For LambdaRank, 1 / the best possible DCG of each group; 0 where no order is better.
    best_inverse: Vec<f32>,
}

impl<'a> Loss<'a> {
    pub(super) fn of(rows: &'a TrainingRows, settings: &'a ForestSettings) -> Self {
        let best_inverse = match settings.objective {
            Objective::LambdaRank { truncation } => (0..rows.groups())
                .map(|group| super::lambdarank::best_inverse(&rows.grades()[rows.group(group)], truncation))
                .collect(),
            Objective::Logistic => Vec::new(),
        };
        Self { rows, settings, best_inverse }
    }

    /// The score that is best when all rows get the same.
    pub(super) fn bias(&self) -> f32 {
        if !matches!(self.settings.objective, Objective::Logistic) {
            return 0.0;
        }
        let positives = self.rows.grades().iter().filter(|&&grade| grade > 0).count() as f64;
        let negatives = self.rows.rows() as f64 - positives;
        ((positives + 0.5) / (negatives + 0.5)).ln() as f32
    }

    /// Whether there is anything to learn.
    pub(super) fn is_flat(&self) -> bool {
        match self.settings.objective {
            Objective::LambdaRank { .. } => self.best_inverse.iter().all(|&inverse| inverse == 0.0),
            Objective::Logistic => {
                let positive = |grade: &u8| *grade > 0;
                self.rows.grades().iter().all(positive) || !self.rows.grades().iter().any(positive)
            }
        }
    }

    /// The rows a tree learns from: those of the groups it sees, without groups that teach nothing.
    pub(super) fn rows_of_tree(&self, tree: usize) -> Vec<u32> {
        let sees = |group: usize| sees_group(self.settings.seed, tree, group, self.settings.group_fraction);
        let teaches = |group: usize| self.best_inverse.get(group).is_none_or(|&inverse| inverse > 0.0);
        (0..self.rows.groups())
            .filter(|&group| teaches(group) && sees(group))
            .flat_map(|group| self.rows.group(group).map(|row| row as u32))
            .collect()
    }

    /// Writes every row's derivatives at the given scores.
    pub(super) fn slopes(&self, scores: &[f32], slopes: &mut [Slope]) {
        let groups: Vec<usize> = (0..self.rows.groups()).collect();
        let mut left = slopes;
        let mut shares = Vec::new();
        for some in groups.chunks(GROUPS_AT_ONCE) {
            let rows: usize = some.iter().map(|&group| self.rows.group(group).len()).sum();
            let (mine, rest) = left.split_at_mut(rows);
            left = rest;
            shares.push((some, mine));
        }
        shares.into_par_iter().for_each_init(RankedGroup::default, |ranked, (groups, mut slopes)| {
            for &group in groups {
                let rows = self.rows.group(group);
                let (mine, rest) = slopes.split_at_mut(rows.len());
                slopes = rest;
                self.slopes_of_group(group, &scores[rows], ranked, mine);
            }
        });
    }

    fn slopes_of_group(&self, group: usize, scores: &[f32], ranked: &mut RankedGroup, slopes: &mut [Slope]) {
        let grades = &self.rows.grades()[self.rows.group(group)];
        match self.settings.objective {
            Objective::LambdaRank { truncation } => {
                slopes.fill(Slope::default());
                if self.best_inverse[group] > 0.0 {
                    ranked.slopes(scores, grades, truncation, self.best_inverse[group], slopes);
                }
            }
            Objective::Logistic => {
                for ((slope, &score), &grade) in slopes.iter_mut().zip(scores).zip(grades) {
                    let chance = 1.0 / (1.0 + (-score).exp());
                    let target = if grade > 0 { 1.0 } else { 0.0 };
                    *slope = Slope { gradient: chance - target, hessian: chance * (1.0 - chance) };
                }
            }
        }
        let weight = self.rows.weight(group);
        for slope in slopes.iter_mut() {
            slope.gradient *= weight;
            slope.hessian *= weight;
        }
    }
}

/// Rounds the derivatives of the given rows to whole numbers, as fine as 32-bit sums allow; the
/// scale depends on the rows, not on their order. `None` when all derivatives are 0.
pub(super) fn rounded(slopes: &[Slope], rows: &[u32], sums: &mut [Sums]) -> Option<Scale> {
    let of = |row: u32| slopes[row as usize];
    let most = rows
        .par_iter()
        .map(|&row| (of(row).gradient.abs(), of(row).hessian))
        .reduce(|| (0.0f32, 0.0f32), |one, other| (one.0.max(other.0), one.1.max(other.1)));
    if most.0 <= 0.0 || most.1 <= 0.0 {
        return None;
    }
    let per_most = (COARSE_STEPS / f64::from(most.0), COARSE_STEPS / f64::from(most.1));
    let total = rows
        .par_iter()
        .map(|&row| {
            let slope = of(row);
            let gradient = (f64::from(slope.gradient.abs()) * per_most.0) as u64 + 1;
            (gradient, (f64::from(slope.hessian) * per_most.1) as u64 + 1)
        })
        .reduce(|| (0u64, 0u64), |one, other| (one.0 + other.0, one.1 + other.1));
    let scale =
        Scale { gradient: MOST * per_most.0 / total.0 as f64, hessian: MOST * per_most.1 / total.1 as f64 };
    sums.par_iter_mut().zip(slopes).for_each(|(sum, slope)| {
        // Casts round towards 0, which with the half added is to the nearest.
        let gradient =
            (f64::from(slope.gradient) * scale.gradient + 0.5f64.copysign(slope.gradient.into())) as i32;
        let hessian = (f64::from(slope.hessian) * scale.hessian + 0.5) as u32;
        *sum = Sums::of(gradient, hessian);
    });
    Some(scale)
}
