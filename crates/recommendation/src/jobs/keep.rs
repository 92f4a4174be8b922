//! Keeps on disk what a start without the database needs beside the models: what profiles
//! forbid, and the products that changed. Written a moment after a change, at once after an
//! erasure, and again now and then, so that its age tells how old the knowledge is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larder_lifecycle::Shutdown;
use larder_ranking::Serving;
use tokio::time::Instant;

use crate::Clock;
use crate::kept_facts::{KeptFacts, KeptProduct, KeptProfile};
use crate::served::{Served, ServedTenant};
use crate::snapshots::SnapshotFolder;

/// How soon a change is written.
const SOON: Duration = Duration::from_secs(1);
/// Writing takes at most one part of so many of the time.
const SHARE: u32 = 20;
/// So many products are copied while answers are held up.
const PRODUCTS_AT_ONCE: usize = 1_000;
/// How old a file that says what is true gets before it is written again.
const OLDEST_US: i64 = 300_000_000;

/// What was written of a tenant last.
#[derive(Clone, Copy)]
struct Written {
    generation: (u64, u64),
    as_of_us: i64,
}

/// Writes and reads the files of kept facts.
pub(crate) struct FactsKeeper {
    snapshots: SnapshotFolder,
    max_age: Duration,
    /// Held while memory is read and written down, so that no older state replaces a newer one.
    written: Mutex<HashMap<String, Written>>,
}

impl FactsKeeper {
    pub(crate) fn new(snapshots: SnapshotFolder, max_age: Duration) -> Self {
        Self { snapshots, max_age, written: Mutex::default() }
    }

    /// Writes what changed until shutdown, and then once more.
    pub(crate) async fn run(self: Arc<Self>, served: Arc<Served>, clock: Clock, shutdown: Shutdown) {
        let mut pause = SOON;
        loop {
            let is_over = tokio::select! {
                () = shutdown.wait() => true,
                () = tokio::time::sleep(pause) => false,
            };
            let started = Instant::now();
            let (keeper, of, now_us) = (self.clone(), served.clone(), clock());
            if let Err(error) = tokio::task::spawn_blocking(move || keeper.write_changed(&of, now_us)).await {
                tracing::error!(error.cause = %error, "profiles not kept on disk");
            }
            if is_over {
                return;
            }
            pause = SOON.max(started.elapsed() * SHARE);
        }
    }

    /// Writes the facts of every tenant that changed; while the database is away, nothing is known
    /// to be true that was not written before.
    fn write_changed(&self, served: &Served, now_us: i64) {
        if !served.loaded() || !served.database_reachable() {
            return;
        }
        for name in served.tenant_names() {
            let Some(tenant) = served.find(&name) else { continue };
            let last = self.written.lock().unwrap_or_else(PoisonError::into_inner).get(&name).copied();
            let is_due = last.is_none_or(|last| {
                last.generation != tenant.generation() || now_us - last.as_of_us >= OLDEST_US
            });
            if is_due && let Err(error) = self.write(&name, &tenant, now_us) {
                tracing::warn!(tenant.id = name, error.cause = %error, "profiles not kept on disk");
            }
        }
    }

    /// Writes the facts of a tenant as they are in memory.
    pub(crate) fn write(&self, name: &str, tenant: &ServedTenant, as_of_us: i64) -> std::io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = tenant.generation();
        self.snapshots.write_facts(&gather(name, tenant, as_of_us))?;
        written.insert(name.to_owned(), Written { generation, as_of_us });
        Ok(())
    }

    /// Writes the file of a tenant anew after somebody was erased from memory. Before the database
    /// was read, what is kept gets no younger; and a file that nobody believes goes.
    pub(crate) fn forget(&self, name: &str, served: &Served, now_us: i64) -> std::io::Result<()> {
        let tenant = served.find(name);
        let kept_as_of_us = tenant.as_ref().and_then(|tenant| tenant.facts().kept_as_of_us);
        let as_of_us = if served.profiles_read() { Some(now_us) } else { kept_as_of_us };
        match (tenant, as_of_us) {
            (Some(tenant), Some(as_of_us)) => self.write(name, &tenant, as_of_us),
            _ => self.snapshots.remove_facts(name),
        }
    }

    /// Lays what was kept over a model that is about to serve, and tells the tenant its profiles.
    /// A file that is damaged or too old is as good as none.
    pub(crate) fn restore(&self, tenant: &ServedTenant, serving: &mut Serving, now_us: i64) {
        let name = serving.tenant().to_owned();
        let kept = match self.snapshots.read_facts(&name) {
            Ok(Some(kept)) => kept,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(tenant.id = name, error.cause = %error, "kept profiles are not believed");
                return;
            }
        };
        let age_us = u128::try_from(now_us - kept.as_of_us).unwrap_or(0);
        if age_us > self.max_age.as_micros() {
            tracing::warn!(tenant.id = name, age_s = age_us / 1_000_000, "kept profiles are too old");
            return;
        }
        // Versions sort by age: a newer model knows its products better than the file does.
        if serving.snapshot().is_some_and(|snapshot| snapshot.version() <= kept.model_version.as_str()) {
            kept.products.into_iter().for_each(|product| serving.upsert_product(product.0));
        }
        let mut facts = tenant.facts_mut();
        facts.kept_as_of_us = Some(kept.as_of_us);
        for profile in kept.profiles {
            let (id, place, profile) = profile.into_profile();
            facts.profiles.take_kept(id, place, profile);
        }
    }
}

/// Reads memory in small pieces: no answer waits for it.
fn gather(name: &str, tenant: &ServedTenant, as_of_us: i64) -> KeptFacts {
    let facts = tenant.facts();
    let profiles = facts.profiles.placed().filter_map(|(id, place, of)| KeptProfile::of(id, place, of));
    let profiles = profiles.collect();
    drop(facts);
    let (model_version, changed) = changed_since(tenant);
    let mut products = Vec::with_capacity(changed.len());
    for ids in changed.chunks(PRODUCTS_AT_ONCE) {
        let live = tenant.read();
        products.extend(ids.iter().filter_map(|id| live.serving.product(id).cloned()).map(KeptProduct));
    }
    KeptFacts { tenant: name.to_owned(), as_of_us, model_version, profiles, products }
}

/// The model that serves and the products that changed after it; nothing without a model, since
/// then nothing is served from disk.
fn changed_since(tenant: &ServedTenant) -> (String, Vec<String>) {
    let live = tenant.read();
    let Some(snapshot) = live.serving.snapshot() else { return Default::default() };
    let changed = live.serving.changed_products().map(|product| product.product_id.clone());
    (snapshot.version().to_owned(), changed.collect())
}

#[cfg(test)]
mod tests {
    use larder_ranking::{ProductRecord, SnapshotHeader, Trainer, TrainingSettings};

    use super::*;
    use crate::profile::Profile;
    use crate::store::LogPosition;

    const DAY: Duration = Duration::from_secs(86_400);
    const DAY_US: i64 = 86_400_000_000;

    fn model(version: &str) -> Serving {
        let header =
            SnapshotHeader { tenant: "shop".into(), version: version.into(), ..SnapshotHeader::default() };
        let trainer = Trainer::new(TrainingSettings::default(), 1);
        Serving::new(Arc::new(trainer.finish(header)))
    }

    fn nougat() -> ProductRecord {
        ProductRecord {
            product_id: "nougat".into(),
            allergens: vec!["nuts".into()],
            ..ProductRecord::default()
        }
    }

    fn profile() -> Profile {
        Profile { allergens: vec!["nuts".into()], ..Profile::default() }
    }

    #[test]
    fn what_was_kept_is_restored_unless_it_is_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = FactsKeeper::new(SnapshotFolder::new(folder.path().to_owned()), DAY);
        let served = Served::default();
        let tenant = served.open("shop");
        let mut serving = model("m2");
        serving.upsert_product(nougat());
        tenant.swap(serving, 0);
        tenant.facts_mut().profiles.change("ann".into(), LogPosition::default(), Some(profile()));
        keeper.write("shop", &tenant, 5).unwrap();

        let after = |now_us: i64, version: &str| {
            let served = Served::default();
            let (tenant, mut serving) = (served.open("shop"), model(version));
            keeper.restore(&tenant, &mut serving, now_us);
            let facts = tenant.facts();
            let knows_ann = facts.profiles.get("ann").is_some();
            (facts.kept_as_of_us, knows_ann, serving.product("nougat").cloned())
        };
        assert_eq!(after(5 + DAY_US, "m2"), (Some(5), true, Some(nougat())));
        assert_eq!(after(5 + DAY_US, "m1").2, Some(nougat()), "an older model knows it even less");
        assert_eq!(after(5 + DAY_US, "m3"), (Some(5), true, None), "a newer model knows better");
        assert_eq!(after(6 + DAY_US, "m2"), (None, false, None));
    }

    #[test]
    fn an_erasure_before_the_database_was_read_claims_no_knowledge() {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = SnapshotFolder::new(folder.path().to_owned());
        let keeper = FactsKeeper::new(snapshots.clone(), DAY);
        let served = Served::default();
        let tenant = served.open("shop");
        tenant.facts_mut().profiles.change("ann".into(), LogPosition::default(), Some(profile()));
        keeper.write("shop", &tenant, 5).unwrap();

        let (served, mut serving) = (Served::default(), model("m"));
        let tenant = served.open("shop");
        keeper.restore(&tenant, &mut serving, 7);
        tenant.erase("ann");
        keeper.forget("shop", &served, 9).unwrap();
        let kept = snapshots.read_facts("shop").unwrap().unwrap();
        assert_eq!((kept.as_of_us, kept.profiles.len()), (5, 0), "it is as old as it was");
        keeper.forget("shop", &Served::default(), 9).unwrap();
        assert!(snapshots.read_facts("shop").unwrap().is_none());
    }
}
