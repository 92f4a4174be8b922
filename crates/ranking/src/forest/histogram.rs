//! Sums of first and second derivatives in every bin of every feature, over the rows of one leaf.
//!
//! Both are whole numbers packed into one 64-bit word, so one addition adds both, and the sums are
//! exact: the same bits in whatever order and on however many threads the rows are added.

use rayon::prelude::*;

use super::bins::BinnedRows;

/// A bin's number is a byte. The eight never used keep the first bins of all features, which are
/// the busiest, from sharing the same few lines of the processor's cache.
const BINS: usize = 256 + 8;

/// Leaves with fewer rows are not worth sharing out among threads.
const ROWS_WORTH_SHARING: usize = 8_192;

/// A sum of first derivatives (upper half, signed) and of second ones (lower half, not negative).
/// The sum over all rows keeps both below 2³¹, so neither runs into the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums(i64);

impl Sums {
    pub(super) fn of(gradient: i32, hessian: u32) -> Self {
        Self((i64::from(gradient) << 32).wrapping_add(i64::from(hessian)))
    }

    pub(super) fn gradient(self) -> i64 {
        self.0 >> 32
    }

    pub(super) fn hessian(self) -> i64 {
        self.0 & 0xffff_ffff
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }
}

/// The rows' bins of the features a tree sees.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub binned: &'a BinnedRows,
    pub features: &'a [usize],
}

/// The sums of the bins of each feature that is seen, in the order they are seen in.
#[derive(Clone)]
pub(super) struct Histogram {
    features: Vec<[Sums; BINS]>,
}

impl Histogram {
    pub(super) fn empty(features: usize) -> Self {
        Self { features: vec![[Sums::default(); BINS]; features] }
    }

    /// The bins of the feature that is seen at this place.
    pub(super) fn bins(&self, place: usize) -> &[Sums] {
        &self.features[place]
    }

    /// Replaces the sums by those of the given rows; `sums` are those of every row there is.
    pub(super) fn fill(&mut self, seen: Seen<'_>, rows: &[u32], sums: &[Sums]) {
        self.features.fill([Sums::default(); BINS]);
        let threads = rayon::current_num_threads();
        if threads < 2 || rows.len() < ROWS_WORTH_SHARING {
            self.add(seen, rows, sums);
            return;
        }
        let parts: Vec<Self> = rows
            .par_chunks(rows.len().div_ceil(threads))
            .map(|rows| {
                let mut part = Self::empty(seen.features.len());
                part.add(seen, rows, sums);
                part
            })
            .collect();
        for part in parts {
            self.combine(&part, Sums::plus);
        }
    }

    /// Takes away the sums of a part of the rows.
    pub(super) fn take_away(&mut self, part: &Self) {
        self.combine(part, Sums::minus);
    }

    /// Adds two rows at once: while one waits for memory, so does the other.
    fn add(&mut self, seen: Seen<'_>, rows: &[u32], sums: &[Sums]) {
        let (pairs, last) = rows.as_chunks::<2>();
        for &[one, other] in pairs {
            let added = (sums[one as usize], sums[other as usize]);
            let (one, other) = (seen.binned.row(one as usize), seen.binned.row(other as usize));
            for (bins, &feature) in self.features.iter_mut().zip(seen.features) {
                let (one, other) = (usize::from(one[feature]), usize::from(other[feature]));
                bins[one] = bins[one].plus(added.0);
                bins[other] = bins[other].plus(added.1);
            }
        }
        for &row in last {
            let (added, row) = (sums[row as usize], seen.binned.row(row as usize));
            for (bins, &feature) in self.features.iter_mut().zip(seen.features) {
                let bin = usize::from(row[feature]);
                bins[bin] = bins[bin].plus(added);
            }
        }
    }

    fn combine(&mut self, other: &Self, how: impl Fn(Sums, Sums) -> Sums) {
        for (bins, others) in self.features.iter_mut().zip(&other.features) {
            for (place, &other) in bins.iter_mut().zip(others) {
                *place = how(*place, other);
            }
        }
    }
}
