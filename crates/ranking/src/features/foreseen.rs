//! What a customer's profile foresees: how much more, or less, those who say the same of themselves
//! have each product.

use crate::ProfileModel;

/// Lifts of one customer. Only the touched sums are cleared.
#[derive(Default)]
pub(crate) struct Foreseen {
    sums: Vec<f32>,
    touched: Vec<u32>,
    is_known: bool,
}

impl Foreseen {
    /// Starts anew with what is said of a customer.
    pub(super) fn fill(&mut self, model: Option<&ProfileModel>, traits: &[String], products: usize) {
        for product in self.touched.drain(..) {
            self.sums[product as usize] = 0.0;
        }
        let model = model.filter(|model| model.knows(traits));
        self.is_known = model.is_some();
        let Some(model) = model else { return };
        if self.sums.len() < products {
            self.sums.resize(products, 0.0);
        }
        model.tell_lifts(traits, |product, lift| {
            if let Some(sum) = self.sums.get_mut(product as usize) {
                self.touched.push(product);
                *sum += lift;
            }
        });
        self.touched.sort_unstable();
        self.touched.dedup();
    }

    /// How much more often it is had, by the natural logarithm; missing when the profile says nothing.
    pub(crate) fn of(&self, product: u32) -> f32 {
        let sum = self.sums.get(product as usize).copied().unwrap_or(0.0);
        if self.is_known { sum } else { f32::NAN }
    }

    /// The products had more often that most would have, `count` at most, best first.
    pub(super) fn best(&self, model: &ProfileModel, count: usize) -> Vec<u32> {
        let share = |&product: &u32| (model.log_share(product) + self.sums[product as usize], product);
        let more = self.touched.iter().filter(|&&product| self.sums[product as usize] > 0.0);
        let mut best: Vec<(f32, u32)> = more.map(share).collect();
        best.sort_unstable_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        best.truncate(count);
        best.into_iter().map(|(_, product)| product).collect()
    }
}
