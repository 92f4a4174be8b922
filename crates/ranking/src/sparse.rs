//! A sparse matrix by rows: what customers did with products, or the other way round.
//! Columns are sorted within a row and come once; nothing here changes a matrix after it is made.

/// A matrix whose zeros take no room (compressed sparse rows).
#[derive(Clone, Debug, PartialEq)]
pub struct SparseMatrix {
    column_count: usize,
    /// Where each row begins; one more than rows.
    offsets: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
}

/// One row: its columns in order and a value for each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SparseRow<'a> {
    /// Sorted, each once.
    pub columns: &'a [u32],
    /// As many as columns.
    pub values: &'a [f32],
}

impl<'a> SparseRow<'a> {
    /// Column and value, by column.
    pub fn iter(self) -> impl Iterator<Item = (u32, f32)> + 'a {
        self.columns.iter().copied().zip(self.values.iter().copied())
    }

    /// How many entries.
    pub fn len(self) -> usize {
        self.columns.len()
    }

    /// Whether it has no entry.
    pub fn is_empty(self) -> bool {
        self.columns.is_empty()
    }
}

impl SparseMatrix {
    /// From entries of row, column and value in any order; entries of one place are added up, and
    /// those outside the matrix, zero or not finite are left out.
    pub fn from_entries(
        row_count: usize,
        column_count: usize,
        entries: impl IntoIterator<Item = (u32, u32, f32)>,
    ) -> Self {
        let is_inside = |&(row, column, value): &(u32, u32, f32)| {
            (row as usize) < row_count
                && (column as usize) < column_count
                && value.is_finite()
                && value != 0.0
        };
        let mut entries: Vec<(u32, u32, f32)> = entries.into_iter().filter(is_inside).collect();
        // By value as well, so that the sum does not depend on the order they came in.
        entries.sort_unstable_by(|one, other| {
            (one.0, one.1).cmp(&(other.0, other.1)).then(one.2.total_cmp(&other.2))
        });
        let mut matrix =
            Self { column_count, offsets: vec![0; row_count + 1], columns: Vec::new(), values: Vec::new() };
        let mut last = None;
        for (row, column, value) in entries {
            if last == Some((row, column)) {
                *matrix.values.last_mut().expect("an entry was just pushed") += value;
                continue;
            }
            last = Some((row, column));
            matrix.columns.push(column);
            matrix.values.push(value);
            matrix.offsets[row as usize + 1] += 1;
        }
        accumulate(&mut matrix.offsets);
        matrix
    }

    /// From rows of columns and values; columns that are not sorted, or come twice, are put right.
    pub fn from_rows(column_count: usize, rows: &[Vec<(u32, f32)>]) -> Self {
        let entries = (0u32..)
            .zip(rows)
            .flat_map(|(row, entries)| entries.iter().map(move |&(column, value)| (row, column, value)));
        Self::from_entries(rows.len(), column_count, entries)
    }

    /// How many rows.
    pub fn row_count(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many columns.
    pub fn column_count(&self) -> usize {
        self.column_count
    }

    /// How many entries.
    pub fn entry_count(&self) -> usize {
        self.columns.len()
    }

    /// One row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, row: usize) -> SparseRow<'_> {
        let range = self.offsets[row]..self.offsets[row + 1];
        SparseRow { columns: &self.columns[range.clone()], values: &self.values[range] }
    }

    /// All rows in order.
    pub fn rows(&self) -> impl Iterator<Item = SparseRow<'_>> {
        (0..self.row_count()).map(|row| self.row(row))
    }

    /// Rows become columns.
    pub fn transpose(&self) -> Self {
        let mut offsets = vec![0; self.column_count + 1];
        for &column in &self.columns {
            offsets[column as usize + 1] += 1;
        }
        accumulate(&mut offsets);
        let mut free = offsets.clone();
        let mut columns = vec![0; self.columns.len()];
        let mut values = vec![0.0; self.values.len()];
        for (row, entries) in (0u32..).zip(self.rows()) {
            for (column, value) in entries.iter() {
                let place = free[column as usize];
                free[column as usize] += 1;
                columns[place] = row;
                values[place] = value;
            }
        }
        Self { column_count: self.row_count(), offsets, columns, values }
    }

    /// The matrix with some of its columns, in the order they are named in.
    pub fn select_columns(&self, selected: &[u32]) -> Self {
        let mut places = vec![u32::MAX; self.column_count];
        for (place, &column) in (0u32..).zip(selected) {
            places[column as usize] = place;
        }
        let mut entries = Vec::with_capacity(self.entry_count());
        for (row, row_entries) in (0u32..).zip(self.rows()) {
            let kept = row_entries.iter().map(|(column, value)| (row, places[column as usize], value));
            entries.extend(kept.filter(|entry| entry.1 != u32::MAX));
        }
        Self::from_entries(self.row_count(), selected.len(), entries)
    }

    /// The matrix with every value changed.
    pub fn map_values(mut self, mut change: impl FnMut(f32) -> f32) -> Self {
        self.values.iter_mut().for_each(|value| *value = change(*value));
        self
    }

    /// The matrix with the values of each column multiplied.
    pub fn scale_columns(mut self, scale_of: impl Fn(u32) -> f32) -> Self {
        for (value, &column) in self.values.iter_mut().zip(&self.columns) {
            *value *= scale_of(column);
        }
        self
    }
}

/// Counts, each one place later, become the places where things begin.
fn accumulate(offsets: &mut [usize]) {
    for place in 1..offsets.len() {
        offsets[place] += offsets[place - 1];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_entries() -> impl Strategy<Value = Vec<(u32, u32, f32)>> {
        prop::collection::vec((0u32..9, 0u32..7, (-3i8..4).prop_map(f32::from)), 0..40)
    }

    #[test]
    fn entries_of_one_place_are_added_and_those_outside_left_out() {
        let entries = [(1, 2, 1.5), (0, 1, 1.0), (1, 2, 0.5), (2, 0, 1.0), (0, 9, 1.0), (0, 0, f32::NAN)];
        let matrix = SparseMatrix::from_entries(2, 3, entries);
        assert_eq!(matrix.entry_count(), 2);
        assert_eq!(matrix.row(0).iter().collect::<Vec<_>>(), [(1, 1.0)]);
        assert_eq!(matrix.row(1).iter().collect::<Vec<_>>(), [(2, 2.0)]);
    }

    #[test]
    fn columns_are_selected_in_the_order_asked() {
        let matrix = SparseMatrix::from_rows(3, &[vec![(0, 1.0), (2, 3.0)], vec![(1, 2.0)]]);
        let selected = matrix.select_columns(&[2, 0]);
        assert_eq!(selected, SparseMatrix::from_rows(2, &[vec![(0, 3.0), (1, 1.0)], vec![]]));
    }

    proptest! {
        #[test]
        fn transposing_twice_changes_nothing(entries in any_entries()) {
            let matrix = SparseMatrix::from_entries(9, 7, entries);
            prop_assert_eq!(matrix.transpose().transpose(), matrix);
        }

        #[test]
        fn the_order_of_entries_does_not_matter(entries in any_entries()) {
            let backwards = SparseMatrix::from_entries(9, 7, entries.iter().rev().copied());
            prop_assert_eq!(SparseMatrix::from_entries(9, 7, entries), backwards);
        }

        #[test]
        fn rows_are_sorted_and_hold_what_was_given(entries in any_entries()) {
            let matrix = SparseMatrix::from_entries(9, 7, entries.clone());
            for (number, row) in (0u32..).zip(matrix.rows()) {
                prop_assert!(row.columns.is_sorted_by(|one, other| one < other));
                for (column, value) in row.iter() {
                    let given = entries.iter().filter(|entry| (entry.0, entry.1) == (number, column));
                    prop_assert_eq!(value, given.map(|entry| entry.2).sum::<f32>());
                }
            }
        }
    }
}
