//! Products, markets and categories of a history by number, and whether a history is still what it was.

use std::collections::BTreeMap;

use super::VendorHistory;
use super::observations::day_number;
use crate::PastDay;
use crate::day_effects::Place;

/// The numbers of a history.
pub(super) struct Numbered {
    pub(super) products: BTreeMap<String, usize>,
    pub(super) markets: BTreeMap<String, usize>,
    /// How many there are.
    pub(super) categories: usize,
    /// By product.
    pub(super) category_of: Vec<usize>,
    /// By series.
    pub(super) places: Vec<Place>,
}

impl Numbered {
    pub(super) fn of(history: &VendorHistory) -> Self {
        let mut products = BTreeMap::new();
        let mut markets = BTreeMap::new();
        let mut categories = BTreeMap::new();
        let mut category_of = Vec::new();
        let mut places = Vec::new();
        for (series, one) in history.series.iter().enumerate() {
            let product = number(&mut products, &one.product);
            let market = number(&mut markets, &one.market);
            if product == category_of.len() {
                category_of.push(number(&mut categories, one.category.as_deref().unwrap_or_default()));
            }
            places.push(Place { series, product, market });
        }
        Self { products, markets, categories: categories.len(), category_of, places }
    }
}

fn number(known: &mut BTreeMap<String, usize>, name: &str) -> usize {
    let next = known.len();
    *known.entry(name.to_owned()).or_insert(next)
}

/// Of what was sold and brought on the days until one, in the order they are told (FNV-1a; Fowler, Noll, Vo).
pub(super) fn fingerprint(days: &[PastDay], until: i32) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for day in days {
        let on = day_number(day.date);
        if on > until {
            continue;
        }
        let told = [Some(day.sold), day.brought, day.sold_out_at];
        for word in told
            .map(|amount| amount.map_or(u64::MAX, f64::to_bits))
            .into_iter()
            .chain([u64::from(on.unsigned_abs())])
        {
            hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
            hash ^= hash >> 29;
        }
    }
    hash
}
