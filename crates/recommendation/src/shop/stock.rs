//! What is left on the shop's shelves, as the shop counts it: nothing left beside a last sale tells that a product
//! ran out, and when. What cannot be asked changes nothing.

use std::collections::HashMap;

use larder_connectors::square::StockCount;

use super::lines::Stalls;
use super::products::ShopProducts;
use crate::store::stock_counts::StockCountRow;

/// A count of longer ago says nothing of a market day that anybody still waits for.
const FRESH_US: i64 = 36 * 3_600_000_000;

/// The stock of one product at one location.
struct Sum {
    quantity: f64,
    counted_at_us: i64,
    /// More was sold than had been counted in: nobody keeps the counts, and they say nothing.
    is_sound: bool,
}

impl Default for Sum {
    fn default() -> Self {
        Self { quantity: 0.0, counted_at_us: i64::MIN, is_sound: true }
    }
}

/// What each product's stock was when it was counted last. A product that is several things in the shop is in stock
/// while any of them is.
pub(crate) fn rows(
    counts: &[StockCount],
    stalls: &Stalls,
    products: &ShopProducts,
    now_us: i64,
) -> Vec<StockCountRow> {
    let mut by_place: HashMap<(&str, &str), Sum> = HashMap::new();
    for count in counts {
        let Some(product_id) = products.of_catalog(&count.catalog_object_id) else { continue };
        let sum = by_place.entry((&count.location_id, product_id)).or_default();
        sum.quantity += count.quantity;
        sum.is_sound &= count.quantity >= 0.0;
        sum.counted_at_us = sum.counted_at_us.max(count.counted_at.as_microsecond());
    }
    let fresh = by_place
        .into_iter()
        .filter(|(_, sum)| sum.is_sound && (now_us - FRESH_US..=now_us).contains(&sum.counted_at_us));
    let mut rows: Vec<_> = fresh
        .filter_map(|((location, product_id), sum)| {
            let Sum { quantity, counted_at_us, .. } = sum;
            let (market_id, counted_on_day, counted_at_minute) = stalls.day_at(location, counted_at_us)?;
            Some(StockCountRow {
                market_id: market_id.to_owned(),
                product_id: product_id.to_owned(),
                counted_on_day,
                counted_at_us,
                counted_at_minute,
                quantity,
            })
        })
        .collect();
    rows.sort_by(|one, other| (&one.market_id, &one.product_id).cmp(&(&other.market_id, &other.product_id)));
    rows.dedup_by(|one, other| (&one.market_id, &one.product_id) == (&other.market_id, &other.product_id));
    rows
}
