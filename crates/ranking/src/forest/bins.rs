//! Features cut into at most 255 bins each, about equally many rows in a bin, so that growing a tree
//! adds up bins instead of sorting values. Bin 0 holds the missing values.

use rayon::prelude::*;

use super::TrainingRows;

/// Bins of present values; with the bin of missing ones a bin's number fits a byte.
const MOST_VALUE_BINS: usize = 255;

/// Quantiles are those of so many rows, evenly spaced among all.
const ROWS_LOOKED_AT: usize = 200_000;

/// Rows worked on at once.
const CHUNK: usize = 16_384;

/// Where each feature's bins end: bin `b` (from 1) holds values above threshold `b − 2` up to and with
/// threshold `b − 1`.
pub(super) struct Bins {
    thresholds: Vec<Vec<f32>>,
}

/// Every row's bins, row by row to add them up, and feature by feature to part rows.
pub(super) struct BinnedRows {
    pub features: usize,
    by_row: Vec<u8>,
    by_feature: Vec<Vec<u8>>,
}

impl Bins {
    pub(super) fn fit(rows: &TrainingRows) -> Self {
        let thresholds =
            (0..rows.features()).into_par_iter().map(|feature| thresholds_of(rows.column(feature)));
        Self { thresholds: thresholds.collect() }
    }

    /// How many bins of present values a feature has; at least one.
    pub(super) fn value_bins(&self, feature: usize) -> usize {
        self.thresholds[feature].len() + 1
    }

    /// The value above which rows are beyond the bin.
    pub(super) fn threshold(&self, feature: usize, bin: u8) -> f32 {
        self.thresholds[feature].get(usize::from(bin) - 1).copied().unwrap_or(f32::MAX)
    }

    /// The last bin whose values are not above the threshold, which is one of the feature's.
    pub(super) fn bin_below(&self, feature: usize, threshold: f32) -> u8 {
        1 + self.thresholds[feature].partition_point(|&each| each < threshold) as u8
    }

    pub(super) fn apply(&self, rows: &TrainingRows) -> BinnedRows {
        let features = rows.features();
        let by_feature: Vec<Vec<u8>> = (0..features)
            .into_par_iter()
            .map(|feature| rows.column(feature).iter().map(|&value| self.bin_of(feature, value)).collect())
            .collect();
        let mut by_row = vec![0; rows.rows() * features];
        if features > 0 {
            by_row.par_chunks_mut(CHUNK * features).enumerate().for_each(|(chunk, places)| {
                for (feature, column) in by_feature.iter().enumerate() {
                    let column = &column[chunk * CHUNK..];
                    for (row, &bin) in places.chunks_exact_mut(features).zip(column) {
                        row[feature] = bin;
                    }
                }
            });
        }
        BinnedRows { features, by_row, by_feature }
    }

    fn bin_of(&self, feature: usize, value: f32) -> u8 {
        if value.is_nan() {
            return 0;
        }
        1 + self.thresholds[feature].partition_point(|&threshold| threshold < value) as u8
    }
}

impl BinnedRows {
    /// The bins of one row, a byte for each feature.
    pub(super) fn row(&self, row: usize) -> &[u8] {
        &self.by_row[row * self.features..][..self.features]
    }

    /// The bins of one feature, a byte for each row.
    pub(super) fn column(&self, feature: usize) -> &[u8] {
        &self.by_feature[feature]
    }
}

fn thresholds_of(column: &[f32]) -> Vec<f32> {
    let step = column.len().div_ceil(ROWS_LOOKED_AT).max(1);
    let mut values: Vec<f32> = column.iter().step_by(step).copied().filter(|value| !value.is_nan()).collect();
    values.sort_unstable_by(f32::total_cmp);
    let mut counted: Vec<(f32, usize)> = Vec::new();
    for value in values {
        match counted.last_mut() {
            Some((last, count)) if *last == value => *count += 1,
            _ => counted.push((value, 1)),
        }
    }
    last_of_bins(&counted).into_iter().map(|last| between(counted[last].0, counted[last + 1].0)).collect()
}

/// Which values are the last of their bins, the last bin left out. A value as frequent as a bin
/// should be gets its own; the others share what is left (as LightGBM's `GreedyFindBin` does).
fn last_of_bins(counted: &[(f32, usize)]) -> Vec<usize> {
    let all_but_one = counted.len().saturating_sub(1);
    if counted.len() <= MOST_VALUE_BINS {
        return (0..all_but_one).collect();
    }
    let total: usize = counted.iter().map(|(_, count)| count).sum();
    let fair = total as f64 / MOST_VALUE_BINS as f64;
    let is_big = |at: usize| counted[at].1 as f64 >= fair;
    let big = (0..counted.len()).filter(|&at| is_big(at)).count();
    let mut small_rows: usize = (0..counted.len()).filter(|&at| !is_big(at)).map(|at| counted[at].1).sum();
    let mut small_bins = MOST_VALUE_BINS - big;
    let mut ends = Vec::new();
    let mut filled = 0;
    for (at, &(_, count)) in counted[..all_but_one].iter().enumerate() {
        let share = small_rows as f64 / small_bins.max(1) as f64;
        filled += count;
        let full = is_big(at) || filled as f64 >= share;
        let before_big = is_big(at + 1) && filled as f64 >= share / 2.0;
        if (full || before_big) && ends.len() + 1 < MOST_VALUE_BINS {
            ends.push(at);
            if !is_big(at) {
                small_rows -= filled;
                small_bins = small_bins.saturating_sub(1);
            }
            filled = 0;
        }
    }
    ends
}

/// A number from the lower value up to, but not with, the higher one.
fn between(lower: f32, higher: f32) -> f32 {
    let middle = ((f64::from(lower) + f64::from(higher)) / 2.0) as f32;
    if middle >= lower && middle < higher { middle } else { lower }
}
