//! What is served of one tenant: the promoted model, other models that somebody asked to be
//! answered by, and the profiles and promotions, which no change of models touches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use larder_ranking::{Event, Impressions, ProductRecord, Serving};

use super::live::{Live, OwnWrites};
use crate::profile::Facts;

/// Models kept in memory beside the promoted one.
const KEPT_MODELS: usize = 2;
/// Products that were shown and ignored, of all customers together; some 100 bytes each.
const MOST_IMPRESSIONS: usize = 200_000;

/// The ranking state of one tenant. Locks are taken in the order of the fields.
pub(crate) struct ServedTenant {
    own: Mutex<OwnWrites>,
    live: RwLock<Live>,
    /// By version, the one that was asked for last at the end.
    kept: RwLock<Vec<(String, Arc<RwLock<Live>>)>>,
    facts: RwLock<Facts>,
    /// What was shown to customers and ignored.
    impressions: Mutex<Impressions>,
    /// Counts the changes of products and models.
    generation: AtomicU64,
}

impl ServedTenant {
    pub(super) fn new(tenant: &str) -> Self {
        Self {
            own: Mutex::default(),
            live: RwLock::new(Live::new(Serving::empty(tenant), 0)),
            kept: RwLock::default(),
            facts: RwLock::default(),
            impressions: Mutex::new(Impressions::new(MOST_IMPRESSIONS)),
            generation: AtomicU64::default(),
        }
    }

    /// The promoted model.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn own(&self) -> MutexGuard<'_, OwnWrites> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Profiles and promotions.
    pub(crate) fn facts(&self) -> RwLockReadGuard<'_, Facts> {
        self.facts.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn facts_mut(&self) -> RwLockWriteGuard<'_, Facts> {
        self.facts.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was shown to customers and ignored.
    pub(crate) fn impressions(&self) -> MutexGuard<'_, Impressions> {
        self.impressions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A model beside the promoted one, if it is in memory.
    pub(crate) fn kept(&self, version: &str) -> Option<Arc<RwLock<Live>>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == version).map(|(_, live)| live.clone())
    }

    fn note_change(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Differs whenever a profile, a product or the model has changed.
    pub(crate) fn generation(&self) -> (u64, u64) {
        (self.generation.load(Ordering::Acquire), self.facts().profiles.generation())
    }

    /// Does something to every model in memory.
    fn each_model(&self, mut act: impl FnMut(&mut Live)) {
        act(&mut self.live.write().unwrap_or_else(PoisonError::into_inner));
        for (_, live) in self.kept.read().unwrap_or_else(PoisonError::into_inner).iter() {
            act(&mut live.write().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Shows the next answers what transaction `xid` of this process recorded.
    pub(super) fn record(&self, xid: i64, events: Vec<Event>) {
        let mut own = self.own();
        self.each_model(|live| events.iter().for_each(|event| live.overlay(xid, event)));
        let mut impressions = self.impressions();
        events.iter().for_each(|event| impressions.interact(&event.customer_id, &event.product_id));
        drop(impressions);
        events.into_iter().for_each(|event| own.remember(xid, event));
    }

    /// Overlays an event that the log tells of.
    pub(crate) fn overlay(&self, xid: i64, event: &Event) {
        self.each_model(|live| live.overlay(xid, event));
        self.impressions().interact(&event.customer_id, &event.product_id);
    }

    /// Shows how this process changed products, unless a later change is shown already.
    pub(super) fn change_own_products(&self, changes: Vec<(i64, ProductRecord)>) {
        let mut own = self.own();
        let news: Vec<_> =
            changes.into_iter().filter(|(place, product)| own.change(*place, product)).collect();
        self.each_model(|live| {
            news.iter().for_each(|(_, product)| live.serving.upsert_product(product.clone()));
        });
        self.note_change();
    }

    /// Shows how the log says that a product changed.
    pub(crate) fn follow_product(&self, place: i64, product: ProductRecord) {
        let mut own = self.own();
        if own.follow(place, &product.product_id) {
            self.each_model(|live| live.serving.upsert_product(product.clone()));
            self.note_change();
        }
    }

    /// Forgets a customer, in the models, in what came after them and among the profiles.
    pub(crate) fn erase(&self, customer_id: &str) {
        self.erase_from_models(customer_id);
        self.facts_mut().profiles.erase(customer_id);
    }

    /// Forgets a customer whom transaction `xid` erased, as the log tells; a profile that was
    /// written later stays.
    pub(crate) fn erase_logged(&self, customer_id: &str, xid: i64) {
        self.erase_from_models(customer_id);
        self.facts_mut().profiles.erase_by(customer_id, xid);
    }

    fn erase_from_models(&self, customer_id: &str) {
        let mut own = self.own();
        own.erase(customer_id);
        self.each_model(|live| live.serving.erase_customer(customer_id));
        self.impressions().forget(customer_id);
    }

    /// Promotes a newer state, whose model knows every transaction below `watermark_xid`, and
    /// lays over it what this process recorded since.
    pub(crate) fn swap(&self, newer: Serving, watermark_xid: i64) {
        let mut own = self.own();
        let mut newer = Live::new(newer, watermark_xid);
        newer.catch_up(&own);
        let before =
            std::mem::replace(&mut *self.live.write().unwrap_or_else(PoisonError::into_inner), newer);
        own.forget_below(watermark_xid);
        self.note_change();
        // A large model takes its time to go; nobody has to wait for that.
        drop(own);
        drop(before);
    }

    /// Keeps a model beside the promoted one; the one that was kept first makes room.
    pub(crate) fn keep(&self, version: &str, serving: Serving, watermark_xid: i64) {
        let own = self.own();
        let mut live = Live::new(serving, watermark_xid);
        live.catch_up(&own);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| known != version);
        if kept.len() == KEPT_MODELS {
            kept.remove(0);
        }
        kept.push((version.to_owned(), Arc::new(RwLock::new(live))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bread(hidden: bool) -> ProductRecord {
        ProductRecord { product_id: "bread".into(), name: "Bread".into(), hidden, ..ProductRecord::default() }
    }

    fn shows(live: &RwLock<Live>) -> bool {
        live.read().unwrap().serving.product("bread").is_some_and(|product| !product.hidden)
    }

    #[test]
    fn what_the_follower_read_before_an_own_change_is_old_news() {
        let served = ServedTenant::new("shop");
        let is_hidden = || served.read().serving.product("bread").unwrap().hidden;
        served.change_own_products(vec![(7, bread(false))]);
        served.follow_product(6, bread(true));
        assert!(!is_hidden());
        served.swap(Serving::empty("shop"), 0);
        assert!(!is_hidden(), "a swap keeps it");
        served.follow_product(7, bread(false));
        served.follow_product(8, bread(true));
        assert!(is_hidden());
        served.change_own_products(vec![(10, bread(false)), (9, bread(true))]);
        assert!(!is_hidden(), "the later change counts whichever is told first");
    }

    #[test]
    fn kept_models_hear_of_every_change_and_make_room() {
        let served = ServedTenant::new("shop");
        served.change_own_products(vec![(1, bread(false))]);
        served.keep("one", Serving::empty("shop"), 0);
        let one = served.kept("one").unwrap();
        assert!(shows(&one), "what was written before it was kept");
        served.follow_product(2, bread(true));
        assert!(!shows(&one));
        served.keep("two", Serving::empty("shop"), 0);
        served.keep("three", Serving::empty("shop"), 0);
        assert!(served.kept("one").is_none(), "the first one made room");
        assert!(served.kept("two").is_some() && served.kept("three").is_some());
    }
}
