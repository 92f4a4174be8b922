//! One model at work: its ranking state with everything that happened since laid over it.

use std::collections::{HashMap, VecDeque};

use larder_ranking::{Event, ProductRecord, Serving};

/// A model and what came after it.
pub(crate) struct Live {
    pub(crate) serving: Serving,
    /// The model knows every transaction below this one.
    watermark_xid: i64,
}

/// What this process wrote and a model that arrives later may not know.
#[derive(Default)]
pub(super) struct OwnWrites {
    /// Events recorded here, with their transaction.
    recent: VecDeque<(i64, Event)>,
    /// Products changed here that the follower has not read back yet, by id.
    products: HashMap<String, (i64, ProductRecord)>,
}

/// How many events recorded here are remembered until a model that knows them arrives.
const RECENT_EVENTS: usize = 50_000;

impl Live {
    pub(crate) fn new(serving: Serving, watermark_xid: i64) -> Self {
        Self { serving, watermark_xid }
    }

    /// Overlays an event of transaction `xid`, unless the model knows it already.
    pub(super) fn overlay(&mut self, xid: i64, event: &Event) {
        if xid >= self.watermark_xid {
            self.serving.record(event);
        }
    }

    /// Lays over it what this process wrote since its watermark.
    pub(super) fn catch_up(&mut self, own: &OwnWrites) {
        for (xid, event) in &own.recent {
            self.overlay(*xid, event);
        }
        own.products.values().for_each(|(_, product)| self.serving.upsert_product(product.clone()));
    }
}

impl OwnWrites {
    pub(super) fn remember(&mut self, xid: i64, event: Event) {
        if self.recent.len() == RECENT_EVENTS {
            self.recent.pop_front();
        }
        self.recent.push_back((xid, event));
    }

    /// Forgets events below `watermark_xid`, which the promoted model knows.
    pub(super) fn forget_below(&mut self, watermark_xid: i64) {
        self.recent.retain(|(xid, _)| *xid >= watermark_xid);
    }

    /// Notes how this process changed a product; `false` when a later change is known already.
    pub(super) fn change(&mut self, place: i64, product: &ProductRecord) -> bool {
        let is_later = self.products.get(&product.product_id).is_none_or(|(known, _)| *known < place);
        if is_later {
            self.products.insert(product.product_id.clone(), (place, product.clone()));
        }
        is_later
    }

    /// Whether the log's change of a product is news. What the follower read before this
    /// process changed the product again is not.
    pub(super) fn follow(&mut self, place: i64, product_id: &str) -> bool {
        if self.products.get(product_id).is_some_and(|(own, _)| *own > place) {
            return false;
        }
        self.products.remove(product_id);
        true
    }

    pub(super) fn erase(&mut self, customer_id: &str) {
        self.recent.retain(|(_, event)| event.customer_id != customer_id);
    }
}
