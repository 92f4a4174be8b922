//! What a customer's products are, all together, and how like them another product is.

use super::{ContentModel, ContentVector};

/// The sum of the vectors of a customer's products. Only what was touched is cleared.
#[derive(Default)]
pub(crate) struct Likeness {
    /// By feature.
    sums: Vec<f32>,
    touched: Vec<u32>,
    length: f32,
}

impl Likeness {
    /// Starts anew with these products and how much each counts.
    pub(crate) fn fill(
        &mut self,
        model: Option<&ContentModel>,
        products: impl IntoIterator<Item = (u32, f32)>,
    ) {
        for feature in self.touched.drain(..) {
            self.sums[feature as usize] = 0.0;
        }
        self.length = 0.0;
        let Some(model) = model else { return };
        if self.sums.len() < model.features.len() {
            self.sums.resize(model.features.len(), 0.0);
        }
        for (product, weight) in products.into_iter().filter(|(_, weight)| *weight > 0.0) {
            let row = model.row_of(product);
            for (&feature, &value) in row.columns.iter().zip(row.values) {
                let sum = &mut self.sums[feature as usize];
                // Values are above 0, so a sum is 0 only before the first.
                if *sum == 0.0 {
                    self.touched.push(feature);
                }
                *sum += weight * value;
            }
        }
        let squares = self.touched.iter().map(|&feature| self.sums[feature as usize].powi(2));
        self.length = squares.sum::<f32>().sqrt();
    }

    /// The cosine with a product, 0 to 1; missing when nothing is known of the customer's products.
    pub(crate) fn of(&self, model: &ContentModel, product: u32) -> f32 {
        if self.length <= 0.0 {
            return f32::NAN;
        }
        let row = model.row_of(product);
        let mut sum = 0.0;
        for (&feature, &value) in row.columns.iter().zip(row.values) {
            sum += value * self.sums[feature as usize];
        }
        (sum / self.length).clamp(0.0, 1.0)
    }

    /// The features that say most, `most` of them, as a vector to look for.
    pub(crate) fn vector(&self, most: usize) -> ContentVector {
        let value_of = |&feature: &u32| (feature, self.sums[feature as usize] / self.length);
        let mut entries: Vec<(u32, f32)> = self.touched.iter().map(value_of).collect();
        if self.length <= 0.0 {
            entries.clear();
        }
        entries.sort_unstable_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        entries.truncate(most);
        entries.sort_unstable_by_key(|(feature, _)| *feature);
        ContentVector::from_sorted(entries)
    }
}
