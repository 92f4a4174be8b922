//! Which products are promoted at a market on a day.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use crate::days::{DAY_US, date_of};
use crate::store::promotions::PromotionRow;

/// The promotions of a tenant, ready to be asked about days.
pub(crate) struct PromotedDays {
    promotions: Vec<PromotionRow>,
    /// Of every product that has one.
    categories: HashMap<String, String>,
}

impl PromotedDays {
    pub(crate) fn new(promotions: Vec<PromotionRow>, categories: HashMap<String, String>) -> Self {
        Self { promotions, categories }
    }

    /// The category of a product, if it has one.
    pub(crate) fn category(&self, product_id: &str) -> Option<&str> {
        self.categories.get(product_id).map(String::as_str).filter(|category| !category.is_empty())
    }

    /// Whether a promotion applies to the product for any part of the day, by the clock of its market.
    pub(crate) fn is_promoted(&self, product_id: &str, day: i32, zone: &TimeZone) -> bool {
        let applies = |promotion: &&PromotionRow| {
            promotion.product_ids.iter().any(|id| id == product_id)
                || self
                    .category(product_id)
                    .is_some_and(|category| promotion.categories.iter().any(|named| named == category))
        };
        let mut applying = self.promotions.iter().filter(applies).peekable();
        if applying.peek().is_none() {
            return false;
        }
        let midnight = |day: i32| {
            let at = zone.to_ambiguous_zoned(date_of(day).at(0, 0, 0, 0)).compatible();
            at.map_or(i64::from(day) * DAY_US, |at| at.timestamp().as_microsecond())
        };
        let (starts_us, ends_us) = (midnight(day), midnight(day + 1));
        applying.any(|promotion| promotion.starts_at_us < ends_us && promotion.ends_at_us > starts_us)
    }
}
