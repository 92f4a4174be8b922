//! What the item-to-item weights and the vectors say of products, for one customer.

use super::own::OwnProduct;
use crate::{DiscoveryModel, history_value};

/// So many of the products with most pull say by the weights what else is liked.
const MOST_EASE_SEEDS: usize = 30;

/// Scores of one customer. Only the touched sums are cleared.
#[derive(Default)]
pub(crate) struct Discovered {
    sums: Vec<f32>,
    touched: Vec<u32>,
    vector: Vec<f32>,
    history: Vec<(u32, f32)>,
}

impl Discovered {
    /// Scores products for who has `own`, `order` being its places by falling pull. `vector` is the
    /// one found while training, and whether something happened since; without it one is found now.
    pub(super) fn fill(
        &mut self,
        model: Option<&DiscoveryModel>,
        (own, order): (&[OwnProduct], &[u32]),
        products: usize,
        (vector, is_old): (Option<&[f32]>, bool),
    ) {
        for product in self.touched.drain(..) {
            self.sums[product as usize] = 0.0;
        }
        if self.sums.len() < products {
            self.sums.resize(products, 0.0);
        }
        self.vector.clear();
        let Some(model) = model else { return };
        self.history.clear();
        let known = order.iter().map(|&place| &own[place as usize]);
        self.history.extend(known.map(|own| (own.product, history_value(own.taste))));
        for &(product, value) in self.history.iter().take(MOST_EASE_SEEDS) {
            for (target, weight) in model.ease().neighbours_of(product) {
                let Some(sum) = self.sums.get_mut(target as usize) else { continue };
                if *sum == 0.0 {
                    self.touched.push(target);
                }
                *sum += value * weight;
            }
        }
        if let Some(factors) = model.factors() {
            match vector {
                Some(vector) if is_old => self.vector = factors.fold_in_from(vector, &self.history),
                Some(vector) => self.vector.extend_from_slice(vector),
                None if self.history.is_empty() => {}
                None => self.vector = factors.fold_in(&self.history),
            }
        }
    }

    /// What the customer's products say for one.
    pub(super) fn ease(&self, product: u32) -> f32 {
        self.sums.get(product as usize).copied().unwrap_or(0.0)
    }

    /// How the customer's vector fits the product's; missing without one.
    pub(super) fn fit(&self, model: &DiscoveryModel, product: u32) -> f32 {
        match model.factors() {
            Some(factors) if !self.vector.is_empty() && (product as usize) < factors.product_count() => {
                factors.score(&self.vector, product)
            }
            _ => f32::NAN,
        }
    }

    /// The products most is said for, `count` at most, best first.
    pub(super) fn best(&self, count: usize) -> Vec<u32> {
        let mut best: Vec<(f32, u32)> = self
            .touched
            .iter()
            .map(|&product| (self.sums[product as usize], product))
            .filter(|(score, _)| *score > 0.0)
            .collect();
        let falling =
            |one: &(f32, u32), other: &(f32, u32)| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1));
        if count > 0 && best.len() > count {
            best.select_nth_unstable_by(count - 1, falling);
        }
        best.truncate(count);
        best.sort_unstable_by(falling);
        best.dedup();
        best.into_iter().map(|(_, product)| product).collect()
    }
}
