//! What a forest learns from: rows in groups, each row with features and a grade.
//! A group is one customer at one time; only rows of one group are compared.

use super::FeatureBlock;

/// Grades above this would make the gain `2^grade − 1` drown everything else.
const HIGHEST_GRADE: u8 = 15;

/// Groups of rows to learn from or to validate on.
#[derive(Clone, Debug)]
pub struct TrainingRows {
    columns: Vec<Vec<f32>>,
    grades: Vec<u8>,
    /// Where each group begins, and where the last ends.
    starts: Vec<usize>,
    weights: Vec<f32>,
}

impl TrainingRows {
    /// No rows yet, of so many features.
    pub fn new(features: usize) -> Self {
        Self { columns: vec![Vec::new(); features], grades: Vec::new(), starts: vec![0], weights: Vec::new() }
    }

    /// Appends the block's rows as one group. `grades` says how good each row is: 0 is not at all,
    /// and a grade is worth `2^grade − 1` in nDCG; grades above 15 count as 15. Infinite features
    /// count as missing. The group counts `weight` times; a weight that is not a positive number counts as 1. Empty groups are left out.
    ///
    /// # Panics
    /// When the block has other features than these rows, or not as many rows as grades.
    pub fn push_group(&mut self, block: &FeatureBlock, grades: &[u8], weight: f32) {
        assert_eq!(block.features(), self.columns.len(), "the block has other features");
        assert_eq!(block.rows(), grades.len(), "every row needs its grade");
        if grades.is_empty() {
            return;
        }
        for (feature, column) in self.columns.iter_mut().enumerate() {
            let finite = |value: &f32| if value.is_finite() { *value } else { f32::NAN };
            column.extend(block.column(feature).iter().map(finite));
        }
        self.grades.extend(grades.iter().map(|&grade| grade.min(HIGHEST_GRADE)));
        self.starts.push(self.grades.len());
        self.weights.push(if weight.is_finite() && weight > 0.0 { weight } else { 1.0 });
    }

    /// Appends another's groups after these.
    ///
    /// # Panics
    /// When it has other features.
    pub fn append(&mut self, other: Self) {
        assert_eq!(other.columns.len(), self.columns.len(), "the rows have other features");
        let base = self.grades.len();
        for (column, more) in self.columns.iter_mut().zip(other.columns) {
            column.extend(more);
        }
        self.grades.extend(other.grades);
        self.starts.extend(other.starts[1..].iter().map(|start| base + start));
        self.weights.extend(other.weights);
    }

    /// How many rows there are in all groups.
    pub fn rows(&self) -> usize {
        self.grades.len()
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.weights.len()
    }

    /// How many features each row has.
    pub fn features(&self) -> usize {
        self.columns.len()
    }

    /// One feature of every row.
    pub(super) fn column(&self, feature: usize) -> &[f32] {
        &self.columns[feature]
    }

    /// The grade of every row.
    pub fn grades(&self) -> &[u8] {
        &self.grades
    }

    /// The rows of one group.
    pub fn group(&self, group: usize) -> std::ops::Range<usize> {
        self.starts[group]..self.starts[group + 1]
    }

    /// How much a group counts.
    pub(super) fn weight(&self, group: usize) -> f32 {
        self.weights[group]
    }

    /// One group's features as a block, to score it the way serving does.
    pub fn fill_block(&self, group: usize, block: &mut FeatureBlock) {
        let rows = self.group(group);
        block.reset(rows.len());
        for (feature, column) in self.columns.iter().enumerate() {
            block.column_mut(feature).copy_from_slice(&column[rows.clone()]);
        }
    }
}
