//! Trains models: reads everything recorded so far, writes a snapshot, registers it and
//! promotes it. Runs when asked, on schedule, and after enough new events; serving never
//! waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larder_lifecycle::Shutdown;
use larder_ranking::{Snapshot, SnapshotHeader, Trainer, TrainingSettings, Watermark};
use larder_settings::RecommendationSettings;
use sqlx::PgPool;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::Clock;
use crate::error::Error;
use crate::metrics;
use crate::served::Served;
use crate::snapshots::SnapshotFolder;
use crate::store::models::{self, NewModel};
use crate::store::{self, LogPosition, interactions, products};

const ROWS: i64 = 10_000;
/// How often the schedule, and a training lock that is taken, are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long a first import may go on before it is trained on.
const SETTLE: Duration = Duration::from_secs(5);

/// How far a training has come.
#[derive(Clone, Debug)]
pub(crate) struct TrainingProgress {
    pub(crate) step: &'static str,
    pub(crate) done_count: i64,
}

/// A model that was trained and promoted.
#[derive(Clone, Debug)]
pub(crate) struct TrainedModel {
    pub(crate) version: String,
    pub(crate) interaction_count: i64,
}

/// Trains, one tenant at a time.
#[derive(Clone)]
pub(crate) struct ModelTrainer {
    pub(crate) worker: PgPool,
    pub(crate) snapshots: SnapshotFolder,
    pub(crate) settings: RecommendationSettings,
    pub(crate) clock: Clock,
    /// Tells the follower that a model waits for it.
    pub(crate) nudge: Arc<Notify>,
    /// Events recorded since the last training, by tenant.
    pub(crate) pending: PendingEvents,
}

/// Counts what was recorded since a tenant was trained last.
#[derive(Clone, Default)]
pub(crate) struct PendingEvents {
    counts: Arc<Mutex<HashMap<String, u64>>>,
}

impl PendingEvents {
    pub(crate) fn add(&self, tenant: &str, events: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(tenant.to_owned()).or_default() += events;
    }

    fn take(&self, tenant: &str) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }

    fn of(&self, tenant: &str) -> u64 {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).copied().unwrap_or(0)
    }
}

impl ModelTrainer {
    /// Trains a tenant's model, promotes it and removes the oldest ones. With somebody to
    /// tell the progress to, it waits for a training that is under way.
    pub(crate) async fn train(
        &self,
        tenant: &str,
        progress: Option<mpsc::Sender<TrainingProgress>>,
    ) -> Result<TrainedModel, Error> {
        let started = Instant::now();
        let pending_before = self.pending.of(tenant);
        let mut lock = self.worker.begin().await?;
        while !models::take_training_lock(&mut lock, tenant).await? {
            if progress.is_none() {
                return Err(Error::Busy(
                    "this tenant's model is being trained already; try again when that is done",
                ));
            }
            // Whoever asks for a training wants what they just recorded in it: the one under
            // way may have read before that.
            tell(progress.as_ref(), "waiting for the training before", 0).await;
            tokio::time::sleep(LOOK).await;
        }
        // Versions sort by time even when two are trained within one tick of the clock.
        let newest_us = models::newest_trained_at_us(&mut lock, tenant).await?;
        let now_us = (self.clock)().max(newest_us + 1);
        let (trainer, horizon) = self.read(tenant, now_us, progress.as_ref()).await?;
        tell(progress.as_ref(), "computing the model", 0).await;
        let header = SnapshotHeader {
            tenant: tenant.to_owned(),
            version: version(now_us),
            watermark: Watermark { transaction_id: u64::try_from(horizon).unwrap_or(0), sequence: 0 },
        };
        let folder = self.snapshots.clone();
        let computed = tokio::task::spawn_blocking(move || {
            let snapshot = trainer.finish(header);
            folder.write(&snapshot).map(|written| (snapshot, written))
        });
        let (snapshot, written) = computed
            .await
            .map_err(|error| Error::Internal(format!("training stopped: {error}")))?
            .map_err(|error| Error::Internal(format!("snapshot not written: {error}")))?;
        tell(progress.as_ref(), "promoting the model", 0).await;
        models::promote(&mut lock, &registration(&snapshot, &written, horizon)).await?;
        let forgotten =
            models::forget_old(&mut lock, tenant, count(self.settings.snapshots_kept as u64)).await?;
        interactions::wake_followers(&mut lock).await?;
        lock.commit().await?;
        self.remove_files(tenant, forgotten).await;
        if pending_before <= self.pending.of(tenant) {
            self.pending.take(tenant);
        }
        self.nudge.notify_one();
        metrics::model_trained(started.elapsed());
        tracing::info!(
            tenant.id = tenant,
            model.version = snapshot.version(),
            duration_ms = started.elapsed().as_millis(),
            "model trained and promoted"
        );
        Ok(TrainedModel {
            version: snapshot.version().to_owned(),
            interaction_count: count(snapshot.interaction_count()),
        })
    }

    /// Feeds the trainer with everything of transactions that have ended, and tells below
    /// which transaction that is.
    async fn read(
        &self,
        tenant: &str,
        now_us: i64,
        progress: Option<&mpsc::Sender<TrainingProgress>>,
    ) -> Result<(Trainer, i64), Error> {
        let mut trainer = Trainer::new(
            TrainingSettings {
                popularity_half_life: days(self.settings.popularity_half_life_days),
                personal_half_life: days(self.settings.personal_half_life_days),
                neighbours_per_product: self.settings.neighbours_per_product,
                ..TrainingSettings::default()
            },
            now_us,
        );
        let mut db = self.worker.begin().await?;
        store::freeze(&mut db).await?;
        let horizon = interactions::horizon(&mut db).await?;
        let mut after = LogPosition::default();
        loop {
            let rows = products::changes(&mut db, Some(tenant), after, Some(horizon), ROWS).await?;
            let Some(last) = rows.last() else { break };
            after = last.position;
            rows.into_iter().for_each(|row| trainer.add_product(row.record));
        }
        let (mut after, mut read) = (LogPosition::default(), 0);
        loop {
            let rows = interactions::log(&mut db, Some(tenant), after, Some(horizon), ROWS).await?;
            let Some(last) = rows.last() else { break };
            after = last.position;
            read += count(rows.len() as u64);
            rows.iter().filter_map(|row| row.event.as_ref()).for_each(|event| trainer.add_event(event));
            tell(progress, "reading interactions", read).await;
        }
        Ok((trainer, horizon))
    }

    async fn remove_files(&self, tenant: &str, versions: Vec<String>) {
        let (folder, tenant) = (self.snapshots.clone(), tenant.to_owned());
        let removal = tokio::task::spawn_blocking(move || {
            for version in versions {
                if let Err(error) = folder.remove(&tenant, &version) {
                    tracing::warn!(model.version = version, error.cause = %error, "old snapshot not removed");
                }
            }
        });
        if let Err(error) = removal.await {
            tracing::warn!(error.cause = %error, "old snapshots not removed");
        }
    }

    /// Trains on schedule until shutdown: a tenant without a model at once, the others
    /// after enough new events or enough time.
    pub(crate) async fn run(self, served: Arc<Served>, shutdown: Shutdown) {
        let mut trained_at: HashMap<String, Instant> = HashMap::new();
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            if !served.database_reachable() || !served.loaded() {
                continue;
            }
            for tenant in served.tenant_names() {
                let last = *trained_at.entry(tenant.clone()).or_insert_with(Instant::now);
                if self.is_due(&served, &tenant, last.elapsed()) {
                    trained_at.insert(tenant.clone(), Instant::now());
                    self.train_on_schedule(&tenant, &shutdown).await;
                }
            }
        }
    }

    fn is_due(&self, served: &Served, tenant: &str, since: Duration) -> bool {
        let pending = self.pending.of(tenant);
        let known = served
            .find(tenant)
            .and_then(|tenant| tenant.read().serving.snapshot().map(|snapshot| snapshot.interaction_count()));
        let Some(known) = known else { return since >= SETTLE };
        pending >= self.settings.training_min_events
            || (pending > 0 && since >= self.settings.training_interval)
            // A model that knows less than what came since is no model yet.
            || (pending > known && since >= SETTLE)
    }

    async fn train_on_schedule(&self, tenant: &str, shutdown: &Shutdown) {
        let result = tokio::select! {
            () = shutdown.wait() => return,
            result = self.train(tenant, None) => result,
        };
        if let Err(error) = result {
            metrics::training_failed();
            tracing::warn!(tenant.id = tenant, error.cause = %error, "scheduled training failed; it is tried again");
        }
    }
}

fn registration<'a>(
    snapshot: &'a Snapshot,
    written: &'a crate::snapshots::WrittenSnapshot,
    horizon: i64,
) -> NewModel<'a> {
    NewModel {
        tenant_id: snapshot.tenant(),
        model_version: snapshot.version(),
        trained_at_us: snapshot.trained_at_us(),
        product_count: count(snapshot.product_count() as u64),
        customer_count: count(snapshot.customer_count() as u64),
        interaction_count: count(snapshot.interaction_count()),
        size_bytes: written.size_bytes,
        checksum_sha256: &written.checksum_sha256,
        watermark_xid: horizon,
    }
}

async fn tell(progress: Option<&mpsc::Sender<TrainingProgress>>, step: &'static str, done_count: i64) {
    if let Some(progress) = progress {
        // Nobody listening any more is no reason to stop training.
        let _ = progress.send(TrainingProgress { step, done_count }).await;
    }
}

fn days(days: f64) -> Duration {
    Duration::from_secs_f64(days * 86_400.0)
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A version that sorts by time: `20260131T120000.000000Z-` and eight random characters.
fn version(now_us: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(now_us).unwrap_or_default();
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{}-{}", at.strftime("%Y%m%dT%H%M%S.%6fZ"), &random[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_sort_by_time() {
        let (earlier, later) = (version(1_700_000_000_000_000), version(1_700_000_000_000_001));
        assert!(earlier < later);
        assert!(earlier.starts_with("20231114T221320.000000Z-"));
    }
}
