//! What is served: for each tenant the ranking state of its newest model with everything
//! that happened since. Reads take a short lock and never wait for the database.

mod live;
mod tenant;
mod wanted;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use larder_identity::TenantId;
use larder_ranking::{Event, Filter, ProductRecord, Snapshot};

use crate::error::Error;
use crate::experiments::Experiments;
use crate::nutrition::food_match::FoodMatch;
use crate::profile::{Declaration, Profile, Promotion};
use crate::store::LogPosition;

pub(crate) use self::live::Live;
pub(crate) use self::tenant::ServedTenant;
pub(crate) use self::wanted::WantedModels;

/// The ranking state of every tenant of this process.
#[derive(Default)]
pub(crate) struct Served {
    tenants: RwLock<HashMap<String, Arc<ServedTenant>>>,
    /// The experiments that run.
    pub(crate) experiments: Experiments,
    database_reachable: AtomicBool,
    loaded: AtomicBool,
    /// Whether all profiles of the database have been read.
    profiles_read: AtomicBool,
    /// Whether the database has been asked at all, with or without an answer.
    asked: AtomicBool,
    /// Why the newest snapshot of a tenant was refused, by tenant.
    refused_snapshots: Mutex<HashMap<String, String>>,
    /// Which other model of a tenant was found damaged, and how, by tenant. What serves is whole.
    damaged_snapshots: Mutex<HashMap<String, String>>,
    /// Models beside the promoted ones that somebody asks to be answered by.
    pub(crate) wanted: WantedModels,
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
        self.open(tenant.as_str()).record(xid, events.into_iter().collect());
    }

    /// Shows the next answers how products changed, each with its place in the order of
    /// changes.
    pub(crate) fn upsert_products(
        &self,
        tenant: &TenantId,
        changes: impl IntoIterator<Item = (i64, ProductRecord)>,
    ) {
        self.open(tenant.as_str()).change_own_products(changes.into_iter().collect());
    }

    /// Hides a product from the next answers.
    pub(crate) fn hide_product(&self, tenant: &TenantId, place: i64, product_id: &str) {
        let Some(served) = self.find(tenant.as_str()) else { return };
        let known = served.read().serving.product(product_id).cloned();
        if let Some(product) = known {
            served.change_own_products(vec![(place, ProductRecord { hidden: true, ..product })]);
        }
    }

    /// Shows the next answers how customers changed; `None` hides one.
    pub(crate) fn change_profiles(
        &self,
        tenant: &TenantId,
        changes: impl IntoIterator<Item = (String, LogPosition, Option<Profile>)>,
    ) {
        let served = self.open(tenant.as_str());
        let mut facts = served.facts_mut();
        changes.into_iter().for_each(|(id, place, profile)| facts.profiles.change(id, place, profile));
    }

    /// Shows the next answers how promotions changed; `None` hides one.
    pub(crate) fn change_promotions(
        &self,
        tenant: &TenantId,
        changes: impl IntoIterator<Item = (String, LogPosition, Option<Promotion>)>,
    ) {
        let served = self.open(tenant.as_str());
        let mut facts = served.facts_mut();
        changes.into_iter().for_each(|(id, place, promotion)| facts.promotions.change(id, place, promotion));
    }

    /// Shows the next answers which generic foods stand for products.
    pub(crate) fn change_matches(
        &self,
        tenant: &TenantId,
        changes: impl IntoIterator<Item = (String, LogPosition, FoodMatch)>,
    ) {
        let served = self.open(tenant.as_str());
        let mut facts = served.facts_mut();
        changes.into_iter().for_each(|(id, place, found)| facts.matches.change(id, place, Some(found)));
    }

    /// Shows the next answers what the tenant says of products for nutrition alone.
    pub(crate) fn change_declarations(
        &self,
        tenant: &TenantId,
        changes: impl IntoIterator<Item = (String, i64, Declaration)>,
    ) {
        let served = self.open(tenant.as_str());
        let mut facts = served.facts_mut();
        for (product_id, sequence, declaration) in changes {
            let declaration = Some(declaration).filter(|declaration| *declaration != Declaration::default());
            facts.declarations.change(product_id, LogPosition { xid: 0, sequence }, declaration);
        }
    }

    /// Adds what a customer's profile forbids, if there is one, to what a request forbids. An empty
    /// id names nobody.
    ///
    /// Refused when nothing tells what the customer must stay away from: the database has not been
    /// read since the start, and no profiles were kept on disk.
    pub(crate) fn constrain(
        &self,
        tenant: &TenantId,
        customer_id: &str,
        filter: &mut Filter,
    ) -> Result<(), Error> {
        if customer_id.is_empty() {
            return Ok(());
        }
        let Some(served) = self.find(tenant.as_str()) else { return Ok(()) };
        let facts = served.facts();
        if !self.profiles_read() && facts.kept_as_of_us.is_none() {
            return Err(Error::ProfilesUnknown);
        }
        if let Some(profile) = facts.profiles.get(customer_id) {
            profile.constrain(filter);
        }
        Ok(())
    }

    /// What a customer says of themselves; nothing when nothing is known.
    pub(crate) fn traits_of(&self, tenant: &TenantId, customer_id: &str, now_us: i64) -> Vec<String> {
        let Some(served) = self.find(tenant.as_str()) else { return Vec::new() };
        let facts = served.facts();
        facts.profiles.get(customer_id).map(|profile| profile.traits(now_us)).unwrap_or_default()
    }

    /// Whether all profiles of the database have been read since the start.
    pub(crate) fn profiles_read(&self) -> bool {
        self.profiles_read.load(Ordering::Acquire)
    }

    /// Notes that all profiles of the database have been read; what was kept on disk and is not
    /// among them is forgotten.
    pub(crate) fn set_profiles_read(&self) {
        for tenant in self.tenant_names() {
            self.open(&tenant).facts_mut().profiles.drop_unconfirmed();
        }
        self.profiles_read.store(true, Ordering::Release);
    }

    /// What an answer says while the database is away.
    pub(crate) fn known_before(&self, tenant: &TenantId) -> String {
        let known = "the database cannot be reached: this is what was known before";
        let kept = self.find(tenant.as_str()).and_then(|served| served.facts().kept_as_of_us);
        match kept.filter(|_| !self.profiles_read()) {
            Some(as_of_us) => {
                let as_of = jiff::Timestamp::from_microsecond(as_of_us).unwrap_or_default();
                format!("{known}, with the profiles of {as_of:.0}")
            }
            None => known.to_owned(),
        }
    }

    /// The first tenant that is served although nothing is known of its profiles.
    pub(crate) fn without_profiles(&self) -> Option<String> {
        if self.profiles_read() {
            return None;
        }
        self.tenant_names()
            .into_iter()
            .find(|tenant| self.find(tenant).is_some_and(|of| of.facts().kept_as_of_us.is_none()))
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
