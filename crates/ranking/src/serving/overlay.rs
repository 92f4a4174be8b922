//! What happened since the snapshot: the pairs of customer and product that have fresh events, and
//! how they move popularity.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::{
    Event,
    decay::{DecayedSum, HalfLife, clamp_time},
    history::{Facts, Pair},
    snapshot::HistoryRow,
};

/// What the overlay has to know of the snapshot below it.
#[derive(Clone, Copy)]
pub(super) struct Ground {
    pub popularity_half_life: HalfLife,
    pub personal_half_life: HalfLife,
    /// Since when a purchase counts as recent.
    pub recent_since_us: i64,
}

/// Fresh events, gathered by customer and product.
#[derive(Default)]
pub(super) struct Overlay {
    /// Fingerprints of the ids of events: a million of them have to fit beside the models.
    event_ids: HashSet<u64>,
    customers: HashMap<Box<str>, BTreeMap<u32, Pair>>,
    /// Customers whose rows in the snapshot no longer count.
    erased: HashSet<Box<str>>,
    /// What to add to a product's popularity in the snapshot.
    popularity: HashMap<u32, DecayedSum>,
    /// What to add to a product's recent buyers in the snapshot.
    recent_buyers: HashMap<u32, i64>,
    latest_us: Option<i64>,
}

impl Overlay {
    /// Notes the event's id; `false` when it was noted before.
    pub(super) fn note_event(&mut self, event_id: &str) -> bool {
        self.event_ids.insert(fingerprint(event_id))
    }

    pub(super) fn is_erased(&self, customer_id: &str) -> bool {
        self.erased.contains(customer_id)
    }

    /// Everybody with fresh events.
    pub(super) fn customer_ids(&self) -> impl Iterator<Item = &str> {
        self.customers.keys().map(AsRef::as_ref)
    }

    /// The customer's fresh pairs in the order of product numbers.
    pub(super) fn pairs_of(&self, customer_id: &str) -> Option<&BTreeMap<u32, Pair>> {
        self.customers.get(customer_id)
    }

    /// The time of the newest event.
    pub(super) fn latest_us(&self) -> Option<i64> {
        self.latest_us
    }

    pub(super) fn popularity(&self, product: u32) -> Option<&DecayedSum> {
        self.popularity.get(&product)
    }

    pub(super) fn recent_buyers(&self, product: u32) -> i64 {
        self.recent_buyers.get(&product).copied().unwrap_or(0)
    }

    /// Adds an event on top of what the snapshot knows of the pair.
    pub(super) fn add(&mut self, event: &Event, product: u32, in_snapshot: Facts, ground: Ground) {
        let time_us = clamp_time(event.occurred_at_us);
        self.latest_us = self.latest_us.max(Some(time_us));
        if !self.customers.contains_key(event.customer_id.as_str()) {
            self.customers.insert(event.customer_id.as_str().into(), BTreeMap::new());
        }
        let pairs = self.customers.get_mut(event.customer_id.as_str()).expect("inserted above");
        let pair = pairs.entry(product).or_default();
        let before = in_snapshot.merged(&pair.facts);
        pair.add(event, time_us, ground.personal_half_life);
        let after = in_snapshot.merged(&pair.facts);
        self.shift(product, &before, &after, ground);
    }

    /// Forgets the customer and returns the products whose popularity that changes.
    pub(super) fn erase(&mut self, customer_id: &str, rows: &[HistoryRow], ground: Ground) -> Vec<u32> {
        self.erased.insert(customer_id.into());
        let mut known: BTreeMap<u32, Facts> = rows.iter().map(|row| (row.product, row.facts)).collect();
        for (product, pair) in self.customers.remove(customer_id).unwrap_or_default() {
            known.entry(product).or_default().merge(&pair.facts);
        }
        for (&product, facts) in &known {
            self.shift(product, facts, &Facts::default(), ground);
        }
        known.into_keys().collect()
    }

    fn shift(&mut self, product: u32, before: &Facts, after: &Facts, ground: Ground) {
        let (part_before, part_after) = (before.popularity_part(), after.popularity_part());
        if part_before != part_after {
            let sum = self.popularity.entry(product).or_default();
            if let Some((time_us, share)) = part_before {
                sum.add(ground.popularity_half_life, time_us, -share);
            }
            if let Some((time_us, share)) = part_after {
                sum.add(ground.popularity_half_life, time_us, share);
            }
        }
        let is_recent =
            |facts: &Facts| facts.purchases > 0 && facts.last_purchase_us >= ground.recent_since_us;
        let change = i64::from(is_recent(after)) - i64::from(is_recent(before));
        if change != 0 {
            *self.recent_buyers.entry(product).or_default() += change;
        }
    }
}

/// Of a million events two have the same one with a chance of one in 36 million; the second would be
/// missed until the next training.
fn fingerprint(event_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    event_id.hash(&mut hasher);
    hasher.finish()
}
