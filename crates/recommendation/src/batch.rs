//! Batches: every row is checked by itself, the good ones go in together, and each row
//! hears its own verdict.

use std::collections::HashMap;

use larder_proto::larder::batch::v1::RowVerdict;

use crate::error::Error;

/// A batch whose rows have been checked one by one.
pub(crate) struct CheckedBatch<T> {
    /// The rows that may go in, with their place in the request.
    pub(crate) rows: Vec<(usize, T)>,
    /// One verdict a row, in the order of the request.
    pub(crate) verdicts: Vec<RowVerdict>,
}

impl<T> CheckedBatch<T> {
    /// Checks every row; more than `most` rows are refused as a whole.
    pub(crate) fn check<W>(
        field: &str,
        rows: Vec<W>,
        most: usize,
        check: impl Fn(W) -> Result<T, Error>,
    ) -> Result<Self, Error> {
        if rows.len() > most {
            return Err(Error::invalid(
                field,
                format!("must have at most {most} rows; this has {}", rows.len()),
            ));
        }
        let mut batch =
            Self { rows: Vec::with_capacity(rows.len()), verdicts: Vec::with_capacity(rows.len()) };
        for (index, row) in rows.into_iter().enumerate() {
            let status = match check(row) {
                Ok(row) => {
                    batch.rows.push((index, row));
                    tonic_types::Status::default()
                }
                Err(error) => error.row_status(),
            };
            let index = i32::try_from(index).unwrap_or(i32::MAX);
            batch.verdicts.push(RowVerdict { index, status: Some(status) });
        }
        Ok(batch)
    }

    /// Refuses, of the rows that passed, those that `check` finds fault with.
    pub(crate) fn refuse(&mut self, check: impl Fn(&T) -> Result<(), Error>) {
        let verdicts = &mut self.verdicts;
        self.rows.retain(|(index, row)| match check(row) {
            Ok(()) => true,
            Err(error) => {
                verdicts[*index].status = Some(error.row_status());
                false
            }
        });
    }

    pub(crate) fn accepted_count(&self) -> i32 {
        i32::try_from(self.rows.len()).unwrap_or(i32::MAX)
    }

    pub(crate) fn rejected_count(&self) -> i32 {
        i32::try_from(self.verdicts.len() - self.rows.len()).unwrap_or(i32::MAX)
    }
}

/// The last row of each id, in the order of the request: what a sequence of single writes
/// would have left behind.
pub(crate) fn last_of_each<T: Clone>(rows: &[(usize, T)], id: impl Fn(&T) -> &str) -> Vec<T> {
    let last: HashMap<&str, usize> = rows.iter().map(|(index, row)| (id(row), *index)).collect();
    rows.iter().filter(|(index, row)| last[id(row)] == *index).map(|(_, row)| row.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(row: i32) -> Result<i32, Error> {
        if row < 0 { Err(Error::invalid("row", "must not be negative")) } else { Ok(row) }
    }

    #[test]
    fn a_bad_row_does_not_stop_the_others() {
        let batch = CheckedBatch::check("rows", vec![1, -1, 2], 3, check).unwrap();
        assert_eq!(batch.rows, [(0, 1), (2, 2)]);
        let codes: Vec<_> =
            batch.verdicts.iter().map(|verdict| verdict.status.as_ref().unwrap().code).collect();
        assert_eq!(codes, [0, 3, 0]);
        assert_eq!((batch.accepted_count(), batch.rejected_count()), (2, 1));
    }

    #[test]
    fn a_second_look_refuses_more_rows_and_keeps_the_places() {
        let mut batch = CheckedBatch::check("rows", vec![-1, 1, 2], 3, check).unwrap();
        batch.refuse(|row| if *row == 2 { check(-1).map(drop) } else { Ok(()) });
        let codes: Vec<_> =
            batch.verdicts.iter().map(|verdict| verdict.status.as_ref().unwrap().code).collect();
        assert_eq!((batch.rows.as_slice(), codes), ([(1, 1)].as_slice(), vec![3, 0, 3]));
        assert_eq!((batch.accepted_count(), batch.rejected_count()), (1, 2));
    }

    #[test]
    fn one_row_too_many_is_refused_as_a_whole() {
        let refused = CheckedBatch::check("rows", vec![1, 2, 3, 4], 3, check).err().unwrap();
        assert_eq!(refused.to_string(), "rows: must have at most 3 rows; this has 4");
    }

    #[test]
    fn the_last_row_of_an_id_wins() {
        let rows = [(0, ("a", 1)), (1, ("b", 2)), (2, ("a", 3))];
        assert_eq!(last_of_each(&rows, |row| row.0), [("b", 2), ("a", 3)]);
    }
}
