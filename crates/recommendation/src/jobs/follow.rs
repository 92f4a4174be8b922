//! Follows the log of changes of every tenant, and swaps in models as they are promoted.
//! One task does both, one after the other, so that no event falls between two models.
//! While the database is away it keeps asking, and what is in memory goes on serving.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use larder_lifecycle::Shutdown;
use larder_ranking::{Serving, Snapshot};
use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;

use crate::error::Error;
use crate::jobs::keep::FactsKeeper;
use crate::metrics;
use crate::served::{Served, ServedTenant};
use crate::snapshots::{SnapshotFileError, SnapshotFolder};
use crate::store::models::PromotedModel;
use crate::store::{
    self, LogPosition, customers, erasures, experiments, interactions, models, products, promotions, tenants,
};

/// Rows read in one go.
const ROWS: i64 = 5_000;
/// How long to wait before the database is asked again after it did not answer.
const AWAY: Duration = Duration::from_millis(500);

/// The task that keeps memory in step with the database.
pub(crate) struct Follower {
    worker: PgPool,
    served: Arc<Served>,
    snapshots: SnapshotFolder,
    interval: Duration,
    /// Wakes the follower from inside this process.
    nudge: Arc<Notify>,
    /// Every transaction below this one has been read; `None` before the first reading.
    read_until: Option<i64>,
    /// The checksum of the model that serves, by tenant.
    serving_checksums: HashMap<String, String>,
}

impl Follower {
    pub(crate) fn new(
        worker: PgPool,
        served: Arc<Served>,
        snapshots: SnapshotFolder,
        interval: Duration,
        nudge: Arc<Notify>,
    ) -> Self {
        Self {
            worker,
            served,
            snapshots,
            interval,
            nudge,
            read_until: None,
            serving_checksums: HashMap::new(),
        }
    }

    /// Follows until shutdown.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let mut listener = None;
        loop {
            let result = self.step().await;
            self.note(&result);
            let pause = if result.is_ok() { self.interval } else { AWAY };
            if result.is_err() {
                listener = None;
            } else if listener.is_none() {
                listener = self.listen().await;
                // Whatever was announced before the listener stood is read at once.
                if listener.is_some() {
                    continue;
                }
            }
            let woken = async {
                match listener.as_mut() {
                    Some(listener) => listener.recv().await.map(drop),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(pause) => {}
                () = self.nudge.notified() => {}
                heard = woken => if heard.is_err() { listener = None },
            }
        }
    }

    async fn listen(&self) -> Option<PgListener> {
        let mut listener = PgListener::connect_with(&self.worker).await.ok()?;
        listener.listen(interactions::CHANNEL).await.ok()?;
        Some(listener)
    }

    fn note(&self, result: &Result<(), Error>) {
        let is_news = self.served.set_database_reachable(result.is_ok());
        match result {
            Ok(()) if is_news => tracing::info!("database reached; following its log"),
            Err(error) if is_news => {
                tracing::warn!(error.cause = %error, error.kind = ?error.kind(), "database lost; serving from memory");
            }
            Err(error) => tracing::debug!(error.cause = %error, "database still away"),
            Ok(()) => {}
        }
    }

    /// Serves what lies on disk until the database can be asked which models are current.
    pub(crate) async fn serve_newest_files(&self, keeper: &Arc<FactsKeeper>, now_us: i64) {
        let (folder, keeper) = (self.snapshots.clone(), keeper.clone());
        let served = self.served.clone();
        let reading = tokio::task::spawn_blocking(move || {
            for tenant in folder.tenants() {
                let Some(snapshot) = folder.newest(&tenant) else { continue };
                let watermark = watermark_xid(&snapshot);
                let mut serving = Serving::new(Arc::new(snapshot));
                let tenant = served.open(&tenant);
                // Profiles hold what no answer may break: they are known before the model serves.
                keeper.restore(&tenant, &mut serving, now_us);
                tenant.swap(serving, watermark);
            }
        });
        if let Err(error) = reading.await {
            tracing::error!(error.cause = %error, "what lies on disk could not be read");
        }
    }

    /// Reads everything that is new.
    async fn step(&mut self) -> Result<(), Error> {
        let own_changes = self.served.experiments.own_changes();
        let mut transaction = self.worker.begin().await?;
        store::freeze(&mut transaction).await?;
        let horizon = interactions::horizon(&mut transaction).await?;
        let promoted = models::promoted(&mut transaction).await?;
        self.served.experiments.replace(own_changes, experiments::running(&mut transaction).await?);
        if self.read_until.is_none() {
            // Profiles hold what no answer may break: they are known before any model serves.
            self.follow_facts(&mut transaction, LogPosition::default()).await?;
            self.served.set_profiles_read();
            let known = tenants::all(&mut transaction).await?;
            let with_model = promoted.iter().map(|model| model.tenant_id.as_str()).collect::<Vec<_>>();
            for tenant in known.iter().filter(|tenant| !with_model.contains(&tenant.as_str())) {
                let empty = Serving::empty(tenant);
                let serving = replay(&mut transaction, empty, tenant, 0, horizon).await?;
                self.served.open(tenant).swap(serving, 0);
            }
        }
        for model in promoted {
            if self.serving_checksums.get(&model.tenant_id) != Some(&model.checksum_sha256) {
                self.take_model(&mut transaction, model, horizon).await?;
            }
        }
        if let Some(read_until) = self.read_until {
            self.overlay_changes(&mut transaction, read_until, horizon).await?;
        }
        self.keep_wanted(&mut transaction, horizon).await?;
        self.read_until = Some(horizon);
        self.served.set_loaded();
        Ok(())
    }

    /// Loads a promoted model, replays what came after it and swaps it in. A file that is
    /// refused leaves the model before it serving.
    async fn take_model(
        &mut self,
        db: &mut PgConnection,
        model: PromotedModel,
        horizon: i64,
    ) -> Result<(), Error> {
        let folder = self.snapshots.clone();
        let (tenant, version) = (model.tenant_id.clone(), model.model_version.clone());
        let registered = model.checksum_sha256.clone();
        let read = tokio::task::spawn_blocking(move || folder.read(&tenant, &version, &registered)).await;
        match read.map_err(|error| Error::Internal(format!("reading a snapshot: {error}")))? {
            Ok(snapshot) => {
                let watermark = watermark_xid(&snapshot);
                let serving = Serving::new(Arc::new(snapshot));
                self.served.refuse_snapshot(&model.tenant_id, None);
                let serving = replay(db, serving, &model.tenant_id, watermark, horizon).await?;
                self.served.open(&model.tenant_id).swap(serving, watermark);
                tracing::info!(
                    tenant.id = model.tenant_id,
                    model.version = model.model_version,
                    "model swapped in"
                );
                metrics::model_swapped();
                self.served.note_damage(&model.tenant_id, None);
                self.note_serving(&model).await;
                self.serving_checksums.insert(model.tenant_id, model.checksum_sha256);
            }
            Err(error) => self.refuse(db, &model, &error, horizon).await?,
        }
        Ok(())
    }

    /// Leaves a note for a start without the database.
    async fn note_serving(&self, model: &PromotedModel) {
        let folder = self.snapshots.clone();
        let (tenant, version) = (model.tenant_id.clone(), model.model_version.clone());
        let noted = tokio::task::spawn_blocking(move || folder.note_serving(&tenant, &version)).await;
        if !matches!(noted, Ok(Ok(()))) {
            tracing::warn!(
                tenant.id = model.tenant_id,
                "which model serves could not be noted in its folder"
            );
        }
    }

    async fn refuse(
        &mut self,
        db: &mut PgConnection,
        model: &PromotedModel,
        error: &SnapshotFileError,
        horizon: i64,
    ) -> Result<(), Error> {
        if self.served.refusal(&model.tenant_id).is_none() {
            tracing::error!(tenant.id = model.tenant_id, model.version = model.model_version, error.cause = %error,
                "snapshot refused; the model before it goes on serving");
            metrics::snapshot_refused();
        }
        self.served.refuse_snapshot(&model.tenant_id, Some(format!("{}: {error}", model.model_version)));
        let is_unserved = self.read_until.is_none();
        if is_unserved {
            // At the start an older snapshot may still be whole; the log goes on from there.
            let folder = self.snapshots.clone();
            let tenant = model.tenant_id.clone();
            let older = tokio::task::spawn_blocking(move || folder.newest(&tenant)).await.ok().flatten();
            let watermark = older.as_ref().map_or(0, watermark_xid);
            let serving = match older {
                Some(snapshot) => Serving::new(Arc::new(snapshot)),
                None => Serving::empty(&model.tenant_id),
            };
            let serving = replay(db, serving, &model.tenant_id, watermark, horizon).await?;
            self.served.open(&model.tenant_id).swap(serving, watermark);
        }
        Ok(())
    }

    /// Loads the models that requests wait for, each with what came after it. One that is not
    /// registered, or whose file is refused, is not kept: whoever waits sees that.
    async fn keep_wanted(&self, db: &mut PgConnection, horizon: i64) -> Result<(), Error> {
        for name in self.served.wanted.all() {
            let (tenant, version) = name.clone();
            if let Some(registered) = models::checksum(db, &tenant, &version).await? {
                let folder = self.snapshots.clone();
                let read =
                    tokio::task::spawn_blocking(move || folder.read(&tenant, &version, &registered)).await;
                match read.map_err(|error| Error::Internal(format!("reading a snapshot: {error}")))? {
                    Ok(snapshot) => {
                        let watermark = watermark_xid(&snapshot);
                        let serving = Serving::new(Arc::new(snapshot));
                        let serving = replay(db, serving, &name.0, watermark, horizon).await?;
                        self.served.open(&name.0).keep(&name.1, serving, watermark);
                    }
                    Err(error) => {
                        tracing::warn!(tenant.id = name.0, model.version = name.1, error.cause = %error,
                            "model that was asked for is refused");
                        metrics::snapshot_refused();
                    }
                }
            }
            self.served.wanted.deal_with(&name);
        }
        Ok(())
    }

    /// Reads how customers and promotions of all tenants changed after `start`.
    async fn follow_facts(&self, db: &mut PgConnection, start: LogPosition) -> Result<(), Error> {
        let mut after = start;
        loop {
            let changes = customers::changes(db, after, ROWS).await?;
            let Some(last) = changes.last() else { break };
            after = last.position;
            for change in changes {
                let tenant = self.served.open(&change.tenant_id);
                tenant.facts_mut().profiles.change(change.customer_id, change.position, change.profile);
            }
        }
        let mut after = start;
        loop {
            let changes = promotions::changes(db, after, ROWS).await?;
            let Some(last) = changes.last() else { break };
            after = last.position;
            for change in changes {
                let tenant = self.served.open(&change.tenant_id);
                tenant.facts_mut().promotions.change(change.promotion_id, change.position, change.promotion);
            }
        }
        Ok(())
    }

    /// Overlays what all tenants wrote since the last reading. Rows of transactions above
    /// the horizon are read too, and read again next time: an event counts once, and a
    /// long transaction of somebody else delays nobody. Erasures wait for the horizon,
    /// since one that came twice would take what was recorded after it.
    async fn overlay_changes(&self, db: &mut PgConnection, from: i64, horizon: i64) -> Result<(), Error> {
        let start = LogPosition { xid: from - 1, sequence: i64::MAX };
        for erased in erasures::log(db, None, start, horizon).await? {
            let tenant = self.served.open(&erased.tenant_id);
            let customers = known_by_hash(&tenant.read().serving, &erased.tenant_id, &erased.customer_hash);
            customers.iter().for_each(|customer_id| tenant.erase_logged(customer_id, erased.xid));
            let profiled = profiled_by_hash(&tenant, &erased.tenant_id, &erased.customer_hash);
            profiled.iter().for_each(|customer_id| tenant.erase_logged(customer_id, erased.xid));
        }
        self.follow_facts(db, start).await?;
        let mut after = start;
        loop {
            let changes = products::changes(db, None, after, None, ROWS).await?;
            let Some(last) = changes.last() else { break };
            after = last.position;
            for change in changes {
                let tenant = self.served.open(&change.tenant_id);
                tenant.follow_product(change.position.sequence, change.record);
            }
        }
        let mut after = start;
        loop {
            let events = interactions::log(db, None, after, None, ROWS).await?;
            let Some(last) = events.last() else { break };
            after = last.position;
            metrics::events_followed(events.len());
            for logged in events {
                if let Some(event) = logged.event {
                    self.served.open(&logged.tenant_id).overlay(logged.position.xid, &event);
                }
            }
        }
        Ok(())
    }
}

/// Lays everything that the log has of one tenant since `watermark` over `serving`.
async fn replay(
    db: &mut PgConnection,
    mut serving: Serving,
    tenant: &str,
    watermark: i64,
    horizon: i64,
) -> Result<Serving, Error> {
    let start = LogPosition { xid: watermark - 1, sequence: i64::MAX };
    for erased in erasures::log(db, Some(tenant), start, horizon).await? {
        for customer_id in known_by_hash(&serving, tenant, &erased.customer_hash) {
            serving.erase_customer(&customer_id);
        }
    }
    let mut after = start;
    loop {
        let changes = products::changes(db, Some(tenant), after, None, ROWS).await?;
        let Some(last) = changes.last() else { break };
        after = last.position;
        changes.into_iter().for_each(|change| serving.upsert_product(change.record));
    }
    let mut after = start;
    loop {
        let events = interactions::log(db, Some(tenant), after, None, ROWS).await?;
        let Some(last) = events.last() else { break };
        after = last.position;
        events.into_iter().filter_map(|logged| logged.event).for_each(|event| {
            serving.record(&event);
        });
    }
    Ok(serving)
}

fn profiled_by_hash(served: &ServedTenant, tenant: &str, hash: &[u8]) -> Vec<String> {
    let facts = served.facts();
    facts.profiles.ids().filter(|id| erasures::hash(tenant, id) == hash).map(str::to_owned).collect()
}

fn watermark_xid(snapshot: &Snapshot) -> i64 {
    i64::try_from(snapshot.watermark().transaction_id).unwrap_or(i64::MAX)
}

fn known_by_hash(serving: &Serving, tenant: &str, hash: &[u8]) -> Vec<String> {
    serving.customer_ids().filter(|id| erasures::hash(tenant, id) == hash).map(str::to_owned).collect()
}
