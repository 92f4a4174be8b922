//! Keeps the strongest weights of a row while all of them pass by.

use super::WeightRow;

/// The weights of largest absolute value seen so far; of equal ones the smaller product.
pub(super) struct Strongest {
    most: usize,
    /// Weights at most as strong as this cannot be among the strongest any more.
    threshold: f32,
    kept: WeightRow,
}

impl Strongest {
    pub(super) fn new(most: usize) -> Self {
        let threshold = if most == 0 { f32::INFINITY } else { 0.0 };
        Self { most, threshold, kept: Vec::with_capacity(2 * most) }
    }

    pub(super) fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Products have to pass by in order, for equal weights to be told apart rightly.
    pub(super) fn offer(&mut self, product: u32, weight: f32) {
        if weight.abs() <= self.threshold || !weight.is_finite() {
            return;
        }
        self.kept.push((product, weight));
        if self.kept.len() >= 2 * self.most {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.kept.len() <= self.most {
            return;
        }
        self.kept.select_nth_unstable_by(self.most - 1, by_strength);
        self.kept.truncate(self.most);
        self.threshold = self.kept[self.most - 1].1.abs();
    }

    /// The strongest, by falling strength; empties this for the next row.
    pub(super) fn take(&mut self) -> WeightRow {
        self.cut();
        self.kept.sort_unstable_by(by_strength);
        let row = self.kept.clone();
        self.kept.clear();
        self.threshold = if self.most == 0 { f32::INFINITY } else { 0.0 };
        row
    }
}

fn by_strength(one: &(u32, f32), other: &(u32, f32)) -> std::cmp::Ordering {
    other.1.abs().total_cmp(&one.1.abs()).then(one.0.cmp(&other.0))
}
