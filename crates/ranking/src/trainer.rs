//! From a stream of events to a snapshot.

use std::time::Duration;

use crate::{Event, ProductRecord, Snapshot, SnapshotHeader};

const DAY: Duration = Duration::from_hours(24);

/// How a model is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingSettings {
    /// After this time a purchase counts half for what is popular.
    pub popularity_half_life: Duration,
    /// After this time an event counts half for what a customer likes.
    pub personal_half_life: Duration,
    /// How many similar products are kept for each product.
    pub neighbours_per_product: usize,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self { popularity_half_life: DAY * 14, personal_half_life: DAY * 120, neighbours_per_product: 50 }
    }
}

/// Reads products and events in any order and makes a snapshot of them.
pub struct Trainer {
    now_us: i64,
}

impl Trainer {
    /// `now_us` is the time the snapshot is trained at; events after it count as happening then.
    pub fn new(_settings: TrainingSettings, now_us: i64) -> Self {
        Self { now_us }
    }

    /// Adds a product, or replaces the one with the same id.
    pub fn add_product(&mut self, _product: ProductRecord) {}

    /// Counts an event; its product and customer need not be known.
    pub fn add_event(&mut self, _event: &Event) {}

    /// Derives the models.
    pub fn finish(self, header: SnapshotHeader) -> Snapshot {
        Snapshot { header, trained_at_us: self.now_us }
    }
}
