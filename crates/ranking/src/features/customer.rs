//! What is known of one customer, product by product and day by day, and the household as a whole.

use super::own::OwnProduct;
use crate::{
    occasion::{Occasion, append_merged},
    snapshot::{Customers, HistoryRow},
};

/// One customer's products with their days, in the order of product numbers.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct CustomerHistory {
    products: Vec<HistoryProduct>,
    occasions: Vec<Occasion>,
    /// The days anything was bought on, in order.
    baskets: Vec<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct HistoryProduct {
    product: u32,
    begin: u32,
    end: u32,
}

impl CustomerHistory {
    pub(crate) fn clear(&mut self) {
        self.products.clear();
        self.occasions.clear();
        self.baskets.clear();
    }

    /// Adds a product after all that were added; `known` and `fresh` are its days from two sources.
    pub(crate) fn push(&mut self, product: u32, known: &[Occasion], fresh: &[Occasion]) {
        let begin = self.occasions.len();
        if fresh.is_empty() {
            self.occasions.extend_from_slice(known);
        } else {
            append_merged(known, fresh, &mut self.occasions);
        }
        if self.occasions.len() > begin {
            let (begin, end) = (begin as u32, self.occasions.len() as u32);
            self.products.push(HistoryProduct { product, begin, end });
        }
    }

    /// Ends the adding of products.
    pub(crate) fn finish(&mut self) {
        let bought = self.occasions.iter().filter(|occasion| occasion.is_purchase());
        self.baskets.extend(bought.map(|occasion| occasion.day));
        self.baskets.sort_unstable();
        self.baskets.dedup();
    }

    /// Forgets everything but the newest day. False, with nothing forgotten, when there is no other.
    pub(crate) fn keep_newest_day(&mut self) -> bool {
        let days = || self.occasions.iter().map(|occasion| occasion.day);
        let Some(newest) = days().max().filter(|&newest| days().any(|day| day < newest)) else {
            return false;
        };
        let kept: Vec<(u32, Occasion)> = self
            .products()
            .flat_map(|(product, days)| days.iter().map(move |&occasion| (product, occasion)))
            .filter(|(_, occasion)| occasion.day == newest)
            .collect();
        self.clear();
        for (product, occasion) in kept {
            self.push(product, &[occasion], &[]);
        }
        self.finish();
        true
    }

    /// Becomes the history of a customer's rows.
    pub(crate) fn fill(&mut self, customers: &Customers, rows: &[HistoryRow]) {
        self.clear();
        for row in rows {
            self.push(row.product, customers.occasions_of(row), &[]);
        }
        self.finish();
    }

    pub(crate) fn products(&self) -> impl ExactSizeIterator<Item = (u32, &[Occasion])> {
        self.products.iter().map(|at| (at.product, &self.occasions[at.begin as usize..at.end as usize]))
    }

    /// The days anything was bought on, in order.
    pub(crate) fn baskets(&self) -> &[i32] {
        &self.baskets
    }

    /// How many baskets came after that day.
    pub(super) fn baskets_after(&self, day: i32) -> usize {
        self.baskets.len() - self.baskets.partition_point(|&basket| basket <= day)
    }
}

/// What is the same for every candidate of one customer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Household {
    pub baskets: f32,
    pub baskets_30: f32,
    pub last_basket: f32,
    pub first_basket: f32,
    pub basket_size: f32,
    pub products: f32,
    pub products_30: f32,
    pub variety: f32,
    pub baskets_decayed_60: f32,
    pub baskets_decayed_120: f32,
    /// All purchases, halving every four months.
    pub decayed_120: f32,
}

pub(super) fn weigh(history: &CustomerHistory, own: &[OwnProduct], now_day: i32) -> Household {
    let age = |day: i32| now_day.saturating_sub(day).max(0) as f32;
    let baskets = history.baskets();
    let days: f32 = own.iter().map(|product| product.days).sum();
    let decayed = |half_life: f32| baskets.iter().map(|&day| (-age(day) / half_life).exp2()).sum::<f32>();
    Household {
        baskets: baskets.len() as f32,
        baskets_30: baskets.iter().rev().take_while(|&&day| age(day) <= 30.0).count() as f32,
        last_basket: baskets.last().map_or(f32::NAN, |&day| age(day)),
        first_basket: baskets.first().map_or(f32::NAN, |&day| age(day)),
        basket_size: days / (baskets.len() as f32).max(1.0),
        products: own.len() as f32,
        products_30: own.iter().filter(|product| product.since <= 30.0).count() as f32,
        variety: own.len() as f32 / days.max(1.0),
        baskets_decayed_60: decayed(60.0),
        baskets_decayed_120: decayed(120.0),
        decayed_120: own.iter().map(|product| product.decayed[super::own::HALVING_120]).sum(),
    }
}
