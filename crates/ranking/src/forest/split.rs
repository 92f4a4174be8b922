//! The best way to part the rows of one leaf.

use super::{
    bins::Bins,
    histogram::{Histogram, Sums},
    objective::Scale,
    settings::ForestSettings,
};

/// Less curvature than this in a child is no ground for a leaf's value (LightGBM's
/// `min_sum_hessian_in_leaf`).
const LEAST_HESSIAN: f64 = 1e-3;

/// One way to part a leaf's rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    /// How much the loss falls, doubled.
    pub gain: f64,
    pub feature: usize,
    /// Rows of higher bins go right.
    pub bin: u8,
    pub missing_right: bool,
    /// The sums of the rows that go left.
    pub left: Sums,
}

/// What a split has to respect.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    scale: Scale,
    l2: f64,
    min_rows: f64,
}

/// A leaf about to be parted.
#[derive(Clone, Copy)]
pub(super) struct Undivided {
    pub sums: Sums,
    pub rows: usize,
}

impl Rules {
    pub(super) fn of(settings: &ForestSettings, scale: Scale) -> Self {
        Self { scale, l2: settings.l2, min_rows: settings.min_rows_in_leaf as f64 }
    }

    /// The correction that lowers the loss of rows with these sums most, before the learning rate.
    pub(super) fn value(&self, sums: Sums) -> f64 {
        -(sums.gradient() as f64 / self.scale.gradient) / (self.hessian(sums) + self.l2)
    }

    fn hessian(&self, sums: Sums) -> f64 {
        sums.hessian() as f64 / self.scale.hessian
    }

    /// How much that correction lowers the loss, doubled.
    fn gain(&self, sums: Sums) -> f64 {
        let gradient = sums.gradient() as f64 / self.scale.gradient;
        gradient * gradient / (self.hessian(sums) + self.l2)
    }
}

/// The best split of a leaf by any of the features, which the histogram has in this order; of equally good ones that of the first
/// feature and the lowest bin. `None` when no split is better than none.
pub(super) fn best_split(
    histogram: &Histogram,
    bins: &Bins,
    features: &[usize],
    leaf: Undivided,
    rules: &Rules,
) -> Option<Split> {
    if (leaf.rows as f64) < 2.0 * rules.min_rows || leaf.sums.hessian() == 0 {
        return None;
    }
    let mut search = Search {
        rules,
        leaf,
        rows_per_hessian: leaf.rows as f64 / rules.hessian(leaf.sums),
        best: None,
        to_beat: rules.gain(leaf.sums) + 1e-12,
    };
    for (place, &feature) in features.iter().enumerate() {
        search.look_at(feature, bins.value_bins(feature), histogram.bins(place));
    }
    search.best
}

struct Search<'a> {
    rules: &'a Rules,
    leaf: Undivided,
    /// Rows are not counted bin by bin but taken to be in proportion to the second derivatives,
    /// as LightGBM does.
    rows_per_hessian: f64,
    best: Option<Split>,
    /// The gain of both children together that a better split exceeds.
    to_beat: f64,
}

impl Search<'_> {
    fn look_at(&mut self, feature: usize, value_bins: usize, bins: &[Sums]) {
        let missing = bins[0];
        let nothing = Sums::default();
        let mut left = nothing;
        for (bin, &sums) in bins.iter().enumerate().take(value_bins).skip(1) {
            if sums == nothing {
                continue;
            }
            left = left.plus(sums);
            if missing == nothing {
                let heavier_right = left.hessian() * 2 < self.leaf.sums.hessian();
                self.consider(feature, bin, heavier_right, left);
            } else {
                self.consider(feature, bin, true, left);
                self.consider(feature, bin, false, left.plus(missing));
            }
        }
        if missing != nothing {
            self.consider(feature, value_bins, true, self.leaf.sums.minus(missing));
        }
    }

    fn consider(&mut self, feature: usize, bin: usize, missing_right: bool, left: Sums) {
        let right = self.leaf.sums.minus(left);
        let (least, most) = if left.hessian() < right.hessian() { (left, right) } else { (right, left) };
        let hessian = self.rules.hessian(least);
        if hessian < LEAST_HESSIAN || hessian * self.rows_per_hessian < self.rules.min_rows {
            return;
        }
        let gain = self.rules.gain(least) + self.rules.gain(most);
        if gain > self.to_beat {
            self.to_beat = gain;
            let gain = gain - self.rules.gain(self.leaf.sums);
            self.best = Some(Split { gain, feature, bin: bin as u8, missing_right, left });
        }
    }
}
