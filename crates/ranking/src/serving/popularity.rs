//! The visible products in the order of popularity, overall and by category, kept as they change.

use std::{cmp::Reverse, collections::BTreeSet, sync::Arc};

use super::catalogue::Catalogue;

/// Popularity falling, then the product's id; the number at the end tells which product it is.
type Key = (Reverse<u64>, Arc<str>, u32);

/// Both orders and what they are ordered by. A query walks them from the top.
#[derive(Default)]
pub(super) struct PopularityOrder {
    /// By product, binary logarithms; negative infinity where nobody bought.
    logs: Vec<f64>,
    overall: BTreeSet<Key>,
    by_category: Vec<BTreeSet<Key>>,
}

impl PopularityOrder {
    pub(super) fn of(catalogue: &Catalogue, logs: Vec<f64>) -> Self {
        let mut order = Self { logs, ..Self::default() };
        let visible = (0..catalogue.len() as u32).filter(|&product| catalogue.is_visible(product));
        order.overall = visible.map(|product| order.key(catalogue, product)).collect();
        for key in &order.overall {
            shelf_of(&mut order.by_category, catalogue, key.2).insert(key.clone());
        }
        order
    }

    /// Takes the product out, before its visibility or category changes.
    pub(super) fn remove(&mut self, catalogue: &Catalogue, product: u32) {
        let key = self.key(catalogue, product);
        self.overall.remove(&key);
        shelf_of(&mut self.by_category, catalogue, product).remove(&key);
    }

    /// Puts the product where it belongs, if it is visible.
    pub(super) fn insert(&mut self, catalogue: &Catalogue, product: u32) {
        if catalogue.is_visible(product) {
            let key = self.key(catalogue, product);
            shelf_of(&mut self.by_category, catalogue, product).insert(key.clone());
            self.overall.insert(key);
        }
    }

    /// Moves the product to its new popularity.
    pub(super) fn change(&mut self, catalogue: &Catalogue, product: u32, log2: f64) {
        self.remove(catalogue, product);
        if self.logs.len() <= product as usize {
            self.logs.resize(product as usize + 1, f64::NEG_INFINITY);
        }
        self.logs[product as usize] = log2;
        self.insert(catalogue, product);
    }

    pub(super) fn log2(&self, product: u32) -> f64 {
        self.logs.get(product as usize).copied().unwrap_or(f64::NEG_INFINITY)
    }

    /// How popular a product is, the most popular visible one being 1.
    pub(super) fn shares(&self) -> impl Fn(u32) -> f64 {
        let top = self.overall.first().map_or(f64::NEG_INFINITY, |key| self.log2(key.2));
        move |product| {
            if top == f64::NEG_INFINITY { 0.0 } else { (self.log2(product) - top).exp2().min(1.0) }
        }
    }

    /// The first `count` products that are accepted, of some categories or of all.
    pub(super) fn first(
        &self,
        categories: Option<&[u32]>,
        count: usize,
        accept: &dyn Fn(u32) -> bool,
    ) -> Vec<u32> {
        let accepted = |keys: &BTreeSet<Key>| -> Vec<Key> {
            keys.iter().filter(|key| accept(key.2)).take(count).cloned().collect()
        };
        let mut keys = match categories {
            None => accepted(&self.overall),
            Some(categories) => categories
                .iter()
                .filter_map(|&category| self.by_category.get(category as usize))
                .flat_map(accepted)
                .collect(),
        };
        if categories.is_some() {
            keys.sort_unstable();
            keys.truncate(count);
        }
        keys.into_iter().map(|key| key.2).collect()
    }

    fn key(&self, catalogue: &Catalogue, product: u32) -> Key {
        (Reverse(ascending_bits(self.log2(product))), Arc::clone(catalogue.id(product)), product)
    }
}

fn shelf_of<'a>(
    by_category: &'a mut Vec<BTreeSet<Key>>,
    catalogue: &Catalogue,
    product: u32,
) -> &'a mut BTreeSet<Key> {
    let category = catalogue.shelf(product) as usize;
    if by_category.len() <= category {
        by_category.resize_with(category + 1, BTreeSet::new);
    }
    &mut by_category[category]
}

/// Bits that compare as the numbers do.
fn ascending_bits(number: f64) -> u64 {
    let bits = number.to_bits();
    if number.is_sign_negative() { !bits } else { bits | 1 << 63 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_compare_as_numbers_do() {
        let numbers = [f64::NEG_INFINITY, -3.5, -1e-300, 0.0, 1e-300, 2.0, f64::INFINITY];
        for pair in numbers.windows(2) {
            assert!(ascending_bits(pair[0]) < ascending_bits(pair[1]), "{pair:?}");
        }
    }
}
