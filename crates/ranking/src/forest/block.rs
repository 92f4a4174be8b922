//! The features of a few hundred candidates, feature by feature, for scoring many rows at once.
//! A block is filled, scored and filled again without allocating.

/// So many rows are scored side by side.
pub const LANES: usize = 32;

/// The features of some rows, each feature's values next to each other. NaN is a missing value.
#[derive(Clone, Debug, Default)]
pub struct FeatureBlock {
    features: usize,
    rows: usize,
    /// Values of one feature: `rows` rounded up to whole [`LANES`]; what is beyond the rows means nothing.
    stride: usize,
    values: Vec<f32>,
}

impl FeatureBlock {
    /// A block without rows.
    pub fn new(features: usize) -> Self {
        Self { features, rows: 0, stride: 0, values: Vec::new() }
    }

    /// Makes it so many rows, all of them missing everything. Allocates only beyond the most rows
    /// there ever were.
    pub fn reset(&mut self, rows: usize) {
        self.rows = rows;
        self.stride = rows.next_multiple_of(LANES);
        self.values.clear();
        self.values.resize(self.stride * self.features, f32::NAN);
    }

    /// Makes it so many rows, to be written strip by strip; until then they hold what was there before.
    pub(crate) fn make_room(&mut self, rows: usize) {
        self.rows = rows;
        self.stride = rows.next_multiple_of(LANES);
        self.values.resize(self.stride * self.features, f32::NAN);
    }

    /// Writes [`LANES`] rows from row `place * LANES` on, feature by feature.
    ///
    /// # Panics
    /// When there are no such rows, or not so many features.
    pub(crate) fn write_strip(&mut self, place: usize, strip: &[[f32; LANES]]) {
        assert_eq!(strip.len(), self.features, "one row of values for each feature");
        for (column, values) in self.values.chunks_exact_mut(self.stride).zip(strip) {
            column[place * LANES..][..LANES].copy_from_slice(values);
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many features each row has.
    pub fn features(&self) -> usize {
        self.features
    }

    /// One feature of every row.
    ///
    /// # Panics
    /// When there is no such feature.
    pub fn column(&self, feature: usize) -> &[f32] {
        assert!(feature < self.features, "no feature {feature} among {}", self.features);
        &self.values[feature * self.stride..][..self.rows]
    }

    /// One feature of every row, to fill.
    ///
    /// # Panics
    /// When there is no such feature.
    pub fn column_mut(&mut self, feature: usize) -> &mut [f32] {
        assert!(feature < self.features, "no feature {feature} among {}", self.features);
        &mut self.values[feature * self.stride..][..self.rows]
    }

    /// One feature of one row.
    ///
    /// # Panics
    /// When there is no such row or feature.
    pub fn get(&self, row: usize, feature: usize) -> f32 {
        self.column(feature)[row]
    }

    /// Sets one feature of one row.
    ///
    /// # Panics
    /// When there is no such row or feature.
    pub fn set(&mut self, row: usize, feature: usize, value: f32) {
        // Every feature of every candidate passes here: two comparisons, where a column takes four.
        assert!(row < self.rows, "no row {row} among {}", self.rows);
        self.values[feature * self.stride + row] = value;
    }

    /// Feature-major values with their stride, the padding included.
    pub(super) fn padded(&self) -> (&[f32], usize) {
        (&self.values, self.stride)
    }
}
