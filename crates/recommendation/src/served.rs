//! What is served: for each tenant the ranking state of its newest model with everything
//! that happened since. Reads take a short lock and never wait for the database.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use larder_identity::TenantId;
use larder_ranking::{Event, ProductRecord, Serving, Snapshot};

use crate::experiments::Experiments;

/// How many events recorded here are remembered until a model that knows them arrives.
const RECENT_EVENTS: usize = 50_000;

/// The ranking state of every tenant of this process.
#[derive(Default)]
pub(crate) struct Served {
    tenants: RwLock<HashMap<String, Arc<ServedTenant>>>,
    /// The experiments that run.
    pub(crate) experiments: Experiments,
    database_reachable: AtomicBool,
    loaded: AtomicBool,
    /// Whether the database has been asked at all, with or without an answer.
    asked: AtomicBool,
    /// Why the newest snapshot of a tenant was refused, by tenant.
    refused_snapshots: Mutex<HashMap<String, String>>,
    /// Which other model of a tenant was found damaged, and how, by tenant. What serves is whole.
    damaged_snapshots: Mutex<HashMap<String, String>>,
}

/// The ranking state of one tenant.
pub(crate) struct ServedTenant {
    live: RwLock<Live>,
}

/// What a tenant's answers are made of.
pub(crate) struct Live {
    pub(crate) serving: Serving,
    /// The model knows every transaction below this one.
    watermark_xid: i64,
    /// Events recorded by this process, with their transaction, for the next swap.
    recent: VecDeque<(i64, Event)>,
    /// Products changed by this process that the follower has not read back yet, by id.
    own_products: HashMap<String, (i64, ProductRecord)>,
}

/// How many models serve and how many tenants have none.
pub(crate) struct ModelCensus {
    pub(crate) with_model: usize,
    pub(crate) without_model: usize,
    pub(crate) refused: Vec<String>,
}

impl Served {
    /// The tenant's state, or `None` when it has written nothing yet.
    pub(crate) fn find(&self, tenant: &str) -> Option<Arc<ServedTenant>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    /// The tenant's state, made empty when there is none.
    pub(crate) fn open(&self, tenant: &str) -> Arc<ServedTenant> {
        if let Some(found) = self.find(tenant) {
            return found;
        }
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.entry(tenant.to_owned()).or_insert_with(|| Arc::new(ServedTenant::new(tenant))).clone()
    }

    /// Shows the next answers what transaction `xid` of this process just recorded.
    pub(crate) fn record(&self, tenant: &TenantId, xid: i64, events: impl IntoIterator<Item = Event>) {
        let served = self.open(tenant.as_str());
        let mut live = served.write();
        for event in events {
            live.overlay(xid, &event);
            live.remember(xid, event);
        }
    }

    /// Shows the next answers how products changed, each with its place in the order of
    /// changes.
    pub(crate) fn upsert_products(
        &self,
        tenant: &TenantId,
        changes: impl IntoIterator<Item = (i64, ProductRecord)>,
    ) {
        let served = self.open(tenant.as_str());
        let mut live = served.write();
        changes.into_iter().for_each(|(place, product)| live.change_own_product(place, product));
    }

    /// Hides a product from the next answers.
    pub(crate) fn hide_product(&self, tenant: &TenantId, place: i64, product_id: &str) {
        let Some(served) = self.find(tenant.as_str()) else { return };
        let mut live = served.write();
        if let Some(product) = live.serving.product(product_id).cloned() {
            live.change_own_product(place, ProductRecord { hidden: true, ..product });
        }
    }

    pub(crate) fn tenant_names(&self) -> Vec<String> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    pub(crate) fn census(&self) -> ModelCensus {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let with_model = tenants.values().filter(|tenant| tenant.read().serving.snapshot().is_some()).count();
        let refused = self.refused_snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        let damaged = self.damaged_snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        ModelCensus {
            with_model,
            without_model: tenants.len() - with_model,
            refused: refused.values().chain(damaged.values()).cloned().collect(),
        }
    }

    /// Whether the answers of a tenant come from this model.
    pub(crate) fn serves(&self, tenant: &str, version: &str) -> bool {
        self.of_snapshot(tenant, |snapshot| snapshot.version() == version).unwrap_or(false)
    }

    /// How many events the model of a tenant knows; `None` when it has no model.
    pub(crate) fn interactions_known(&self, tenant: &str) -> Option<u64> {
        self.of_snapshot(tenant, Snapshot::interaction_count)
    }

    /// When the model of a tenant was trained, in microseconds since 1970; `None` when it has none.
    pub(crate) fn model_trained_at_us(&self, tenant: &str) -> Option<i64> {
        self.of_snapshot(tenant, Snapshot::trained_at_us)
    }

    /// When the oldest model that serves was trained; `None` when none does.
    pub(crate) fn oldest_model_us(&self) -> Option<i64> {
        self.tenant_names().iter().filter_map(|tenant| self.model_trained_at_us(tenant)).min()
    }

    fn of_snapshot<T>(&self, tenant: &str, look: impl FnOnce(&Snapshot) -> T) -> Option<T> {
        let served = self.find(tenant)?;
        let live = served.read();
        live.serving.snapshot().map(|snapshot| look(snapshot))
    }

    /// Notes that a model which does not serve was found damaged, or that another one serves now.
    pub(crate) fn note_damage(&self, tenant: &str, cause: Option<String>) {
        let mut damaged = self.damaged_snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        match cause {
            Some(cause) => damaged.insert(tenant.to_owned(), cause),
            None => damaged.remove(tenant),
        };
    }

    pub(crate) fn refuse_snapshot(&self, tenant: &str, cause: Option<String>) {
        let mut refused = self.refused_snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        match cause {
            Some(cause) => refused.insert(tenant.to_owned(), cause),
            None => refused.remove(tenant),
        };
    }

    /// Why the newest snapshot of the tenant does not serve, if it was refused.
    pub(crate) fn refusal(&self, tenant: &str) -> Option<String> {
        self.refused_snapshots.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    pub(crate) fn database_reachable(&self) -> bool {
        self.database_reachable.load(Ordering::Relaxed)
    }

    /// Notes whether the database answers; returns whether that is news.
    pub(crate) fn set_database_reachable(&self, reachable: bool) -> bool {
        let was_asked = self.asked.swap(true, Ordering::Release);
        let was_reachable = self.database_reachable.swap(reachable, Ordering::Relaxed);
        !was_asked || was_reachable != reachable
    }

    /// Whether the state of before the start has been read.
    pub(crate) fn loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// Whether there is something to answer from: all of it, or what lay on disk while the
    /// database is away.
    pub(crate) fn can_answer(&self) -> bool {
        self.loaded() || (self.asked.load(Ordering::Acquire) && self.census().with_model > 0)
    }

    pub(crate) fn set_loaded(&self) {
        self.loaded.store(true, Ordering::Release);
    }
}

impl ServedTenant {
    fn new(tenant: &str) -> Self {
        let live = Live {
            serving: Serving::empty(tenant),
            watermark_xid: 0,
            recent: VecDeque::new(),
            own_products: HashMap::new(),
        };
        Self { live: RwLock::new(live) }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Live> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a newer state in place, whose model knows every transaction below
    /// `watermark_xid`, and lays over it what this process recorded since.
    pub(crate) fn swap(&self, newer: Serving, watermark_xid: i64) {
        let mut live = self.write();
        live.serving = newer;
        live.watermark_xid = watermark_xid;
        live.recent.retain(|(xid, _)| *xid >= watermark_xid);
        let Live { serving, recent, own_products, .. } = &mut *live;
        for (_, event) in recent.iter() {
            serving.record(event);
        }
        own_products.values().for_each(|(_, product)| serving.upsert_product(product.clone()));
    }
}

impl Live {
    /// Overlays an event of transaction `xid`, unless the model knows it already.
    pub(crate) fn overlay(&mut self, xid: i64, event: &Event) {
        if xid >= self.watermark_xid {
            self.serving.record(event);
        }
    }

    /// Shows how this process changed a product, unless a later change is shown already.
    fn change_own_product(&mut self, place: i64, product: ProductRecord) {
        if self.own_products.get(&product.product_id).is_none_or(|(later, _)| *later < place) {
            self.own_products.insert(product.product_id.clone(), (place, product.clone()));
            self.serving.upsert_product(product);
        }
    }

    /// Shows how the log says that a product changed. What the follower read before this
    /// process changed the product again is old news.
    pub(crate) fn follow_product(&mut self, place: i64, product: ProductRecord) {
        if self.own_products.get(&product.product_id).is_some_and(|(own, _)| *own > place) {
            return;
        }
        self.own_products.remove(&product.product_id);
        self.serving.upsert_product(product);
    }

    fn remember(&mut self, xid: i64, event: Event) {
        if self.recent.len() == RECENT_EVENTS {
            self.recent.pop_front();
        }
        self.recent.push_back((xid, event));
    }

    /// Forgets a customer, in the model and in what came after it.
    pub(crate) fn erase(&mut self, customer_id: &str) {
        self.recent.retain(|(_, event)| event.customer_id != customer_id);
        self.serving.erase_customer(customer_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bread(hidden: bool) -> ProductRecord {
        ProductRecord { product_id: "bread".into(), name: "Bread".into(), hidden, ..ProductRecord::default() }
    }

    #[test]
    fn what_the_follower_read_before_an_own_change_is_old_news() {
        let served = ServedTenant::new("shop");
        let is_hidden = || served.read().serving.product("bread").unwrap().hidden;
        served.write().change_own_product(7, bread(false));
        served.write().follow_product(6, bread(true));
        assert!(!is_hidden());
        served.swap(Serving::empty("shop"), 0);
        assert!(!is_hidden(), "a swap keeps it");
        served.write().follow_product(7, bread(false));
        served.write().follow_product(8, bread(true));
        assert!(is_hidden());
        served.write().change_own_product(10, bread(false));
        served.write().change_own_product(9, bread(true));
        assert!(!is_hidden(), "the later change counts whichever is told first");
    }
}
