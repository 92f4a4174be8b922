//! Where products stand: their category, their kind within it, and their brand within it, numbered;
//! and what a customer buys of each.

use std::collections::HashMap;

use super::own::{HALVING_21, HALVING_120, OwnProduct};
use crate::ProductRecord;

/// The number of the shelf of products of which nothing is known.
const NO_SHELF: u32 = 0;

/// In how many ways products are put together.
pub(super) const WAYS: usize = 3;

pub(super) const CATEGORY: usize = 0;
/// The name, or else the first tag: the same thing in another package or by another maker.
pub(super) const KIND: usize = 1;
pub(super) const BRAND: usize = 2;

/// The shelves of each product. Numbers are never reused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelves {
    numbers: [HashMap<String, u32>; WAYS],
    shelves: Vec<[u32; WAYS]>,
}

impl Shelves {
    pub(crate) fn of(records: &[Option<ProductRecord>]) -> Self {
        let mut shelves = Self::default();
        for (product, record) in (0u32..).zip(records) {
            match record {
                Some(record) => shelves.replace(product, record),
                None => shelves.make_room(product),
            }
        }
        shelves
    }

    /// Puts a product where it belongs now.
    pub(crate) fn replace(&mut self, product: u32, record: &ProductRecord) {
        self.make_room(product);
        let category = record.category.to_lowercase();
        let name = Some(&record.name).filter(|name| !name.is_empty());
        let kind = name.or(record.tags.first()).map_or_else(String::new, |kind| kind.to_lowercase());
        let brand = record.brand.to_lowercase();
        let keys = [
            category.clone(),
            if kind.is_empty() { kind } else { format!("{category}\0{kind}") },
            if brand.is_empty() { brand } else { format!("{category}\0{brand}") },
        ];
        for (way, key) in keys.into_iter().enumerate() {
            let shelf = if key.is_empty() {
                NO_SHELF
            } else {
                let next = self.numbers[way].len() as u32 + 1;
                *self.numbers[way].entry(key).or_insert(next)
            };
            self.shelves[product as usize][way] = shelf;
        }
    }

    /// Makes the product one of which nothing is known, unless something is.
    pub(crate) fn make_room(&mut self, product: u32) {
        if self.shelves.len() <= product as usize {
            self.shelves.resize(product as usize + 1, [NO_SHELF; WAYS]);
        }
    }

    /// The product's shelves; `None` where it stands on none.
    pub(super) fn of_product(&self, product: u32) -> [Option<u32>; WAYS] {
        let shelves = self.shelves.get(product as usize).copied().unwrap_or_default();
        shelves.map(|shelf| (shelf != NO_SHELF).then_some(shelf))
    }

    pub(super) fn count(&self, way: usize) -> usize {
        self.numbers[way].len() + 1
    }
}

/// What one customer buys of a shelf.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ShelfSum {
    pub decayed_21: f32,
    pub decayed_120: f32,
    pub since: f32,
}

/// What one customer buys of every shelf. Only the touched shelves are cleared.
#[derive(Default)]
pub(super) struct GroupSums {
    sums: [Vec<ShelfSum>; WAYS],
    touched: [Vec<u32>; WAYS],
}

impl GroupSums {
    pub(super) fn fill(&mut self, shelves: &Shelves, own: &[OwnProduct]) {
        for way in 0..WAYS {
            for shelf in self.touched[way].drain(..) {
                self.sums[way][shelf as usize] = ShelfSum::default();
            }
            if self.sums[way].len() < shelves.count(way) {
                self.sums[way].resize(shelves.count(way), ShelfSum::default());
            }
        }
        for product in own.iter().filter(|product| product.days > 0.0) {
            for (way, shelf) in shelves.of_product(product.product).into_iter().enumerate() {
                let Some(shelf) = shelf else { continue };
                let sum = &mut self.sums[way][shelf as usize];
                if sum.decayed_120 == 0.0 {
                    self.touched[way].push(shelf);
                    sum.since = f32::INFINITY;
                }
                sum.decayed_21 += product.decayed[HALVING_21];
                sum.decayed_120 += product.decayed[HALVING_120];
                sum.since = sum.since.min(product.since);
            }
        }
    }

    /// The sum of one shelf; nothing when the customer bought nothing of it.
    pub(super) fn of(&self, way: usize, shelf: u32) -> Option<ShelfSum> {
        self.sums[way].get(shelf as usize).copied().filter(|sum| sum.decayed_120 > 0.0)
    }
}
