//! Trains models: has one trained and measured, registers it, and promotes it when it may serve.
//! One training a tenant at a time over all replicas, one at all in this process; serving never
//! waits for it, and whatever becomes of it, what serves goes on serving.

mod pending;
mod register;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use larder_lifecycle::Shutdown;
use larder_settings::RecommendationSettings;
use sqlx::{PgConnection, PgPool};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

pub(crate) use self::pending::{PendingEvents, Wish};
use crate::Clock;
use crate::error::Error;
use crate::metrics;
use crate::model_settings::ModelSettings;
use crate::snapshots::SnapshotFolder;
use crate::store::models::{self, ServingModel, State};
use crate::training::process::TrainingProcess;
use crate::training::read::Progress;
use crate::training::{
    EvaluationParameters, ModelCard, PromotedReference, TrainingOrder, TrainingOutcome, TrainingParameters,
    work,
};

/// How often the schedule, and a training lock that is taken, are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is made sure that the lock is still held, and how long that may take.
const HOLD: Duration = Duration::from_secs(2);

/// What whoever asks for a training wants of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes {
    /// Promote the model whatever its evaluation says.
    pub(crate) force_promotion: bool,
    /// Do not promote it.
    pub(crate) keep_back: bool,
    /// Wait for a training that is under way: what was just recorded should be in the model.
    pub(crate) waits: bool,
}

/// What whoever asks for an evaluation wants other than the model settings say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EvaluationWishes {
    pub(crate) horizon_days: Option<u32>,
    pub(crate) list_length: Option<usize>,
}

/// A model that was trained.
#[derive(Clone, Debug)]
pub(crate) struct TrainedModel {
    pub(crate) version: String,
    pub(crate) interaction_count: i64,
    pub(crate) state: State,
    pub(crate) reason: String,
}

/// Trains, one tenant at a time.
#[derive(Clone)]
pub(crate) struct ModelTrainer {
    pub(crate) worker: PgPool,
    pub(crate) snapshots: SnapshotFolder,
    pub(crate) settings: RecommendationSettings,
    /// How models are trained and measured.
    pub(crate) model_settings: Arc<ModelSettings>,
    pub(crate) clock: Clock,
    /// Tells the follower that a model waits for it.
    pub(crate) nudge: Arc<Notify>,
    /// What speaks for training, by tenant.
    pub(crate) pending: PendingEvents,
    /// Trains in a process of its own; `None` trains in this one.
    pub(crate) process: Option<TrainingProcess>,
    /// The memory of trainings is bounded for the machine, so they take turns.
    pub(crate) turn: Arc<Semaphore>,
    pub(crate) shutdown: Shutdown,
}

impl ModelTrainer {
    /// Trains a tenant's model, promotes it when it may serve, and removes the oldest ones.
    pub(crate) async fn train(
        &self,
        tenant: &str,
        wishes: Wishes,
        progress: &Progress,
    ) -> Result<TrainedModel, Error> {
        let started = Instant::now();
        let result = self.try_to_train(tenant, wishes, progress).await;
        match &result {
            Ok(model) => {
                metrics::model_trained(started.elapsed());
                tracing::info!(
                    tenant.id = tenant,
                    model.version = model.version,
                    model.state = ?model.state,
                    model.reason = model.reason,
                    duration_ms = started.elapsed().as_millis(),
                    "model trained"
                );
            }
            // Neither says anything of the training.
            Err(Error::Busy(_)) => {}
            Err(_) if self.shutdown.is_triggered() => {}
            Err(error) => {
                metrics::training_failed(error.kind());
                self.pending.fail(tenant, error.to_string());
            }
        }
        result
    }

    async fn try_to_train(
        &self,
        tenant: &str,
        wishes: Wishes,
        progress: &Progress,
    ) -> Result<TrainedModel, Error> {
        let started = Instant::now();
        let events_before = self.pending.of(tenant).events;
        let mut lock = self.worker.begin().await?;
        wait_for_lock(&mut lock, tenant, wishes.waits, progress).await?;
        // What a training left that was killed together with its service.
        self.remove_half_written(tenant).await;
        // Versions sort by time even when two are trained within one tick of the clock.
        self.pending.withdraw(tenant);
        let newest_us = models::newest_trained_at_us(&mut lock, tenant).await?;
        let now_us = (self.clock)().max(newest_us + 1);
        let version = version(now_us);
        let serving = models::serving(&mut lock, tenant).await?;
        // A first model is compared with nothing: it serves at once and is measured afterwards.
        let is_first = serving.is_none() && !wishes.keep_back;
        let mut order = self.order(tenant, Some(version.clone()), now_us, serving);
        let measured_later = order.evaluation.take_if(|_| is_first);
        let outcome = match self.carry_out(&order, Some(&mut lock), progress).await {
            Ok(outcome) => outcome,
            Err(error) => {
                self.remove_half_written(tenant).await;
                self.remove_files(tenant, vec![version]).await;
                return Err(error);
            }
        };
        progress.tell("registering the model", 0).await;
        let (decision, forgotten) = self.register(&mut lock, &order, &outcome, wishes).await?;
        lock.commit().await?;
        self.remove_files(tenant, forgotten).await;
        self.pending.fulfil(tenant, events_before);
        self.nudge.notify_one();
        let card = match is_first {
            true => {
                let order = TrainingOrder { evaluation: measured_later, ..order };
                self.measure_first(order, outcome.card, started, progress).await
            }
            false => outcome.card,
        };
        metrics::model_decided(decision.state, decision.cause, card.as_ref().and_then(ModelCard::ndcg));
        Ok(TrainedModel {
            version,
            interaction_count: outcome.model.map_or(0, |model| model.interaction_count),
            state: decision.state,
            reason: decision.reason,
        })
    }

    /// Measures how a model would do that is trained as the settings say; writes nothing.
    pub(crate) async fn evaluate(
        &self,
        tenant: &str,
        wanted: EvaluationWishes,
        progress: &Progress,
    ) -> Result<TrainingOutcome, Error> {
        let mut connection = self.worker.acquire().await?;
        let serving = models::serving(&mut connection, tenant).await?;
        drop(connection);
        let mut order = self.order(tenant, None, (self.clock)(), serving);
        let mut parameters =
            EvaluationParameters::always(&self.model_settings.of(tenant).training.evaluation);
        parameters.horizon_days = wanted.horizon_days.unwrap_or(parameters.horizon_days);
        parameters.list_length = wanted.list_length.unwrap_or(parameters.list_length);
        order.evaluation = Some(parameters);
        self.carry_out(&order, None, progress).await
    }

    fn order(
        &self,
        tenant: &str,
        model_version: Option<String>,
        now_us: i64,
        serving: Option<ServingModel>,
    ) -> TrainingOrder {
        let settings = self.model_settings.of(tenant);
        TrainingOrder {
            tenant: tenant.to_owned(),
            model_version,
            now_us,
            parameters: TrainingParameters::of_this_program(&settings.training),
            evaluation: EvaluationParameters::of(&settings.training.evaluation),
            promoted: serving.map(|serving| PromotedReference {
                model_version: serving.model_version,
                checksum_sha256: serving.checksum_sha256,
                trained_at_us: serving.trained_at_us,
                parameters: serving.parameters.map(|parameters| parameters.0),
            }),
            snapshot_dir: self.snapshots.folder().to_owned(),
        }
    }

    /// Carries out an order when it is its turn, for as long as the service runs and the lock is
    /// held.
    async fn carry_out(
        &self,
        order: &TrainingOrder,
        lock: Option<&mut PgConnection>,
        progress: &Progress,
    ) -> Result<TrainingOutcome, Error> {
        let work = async {
            progress.tell("waiting for a turn", 0).await;
            let _turn = self.turn.acquire().await.map_err(|_| stopping())?;
            match &self.process {
                Some(process) => process.work(order, progress).await,
                None => work(order, &self.worker, progress).await,
            }
        };
        tokio::select! {
            () = self.shutdown.wait() => Err(stopping()),
            error = until_lost(lock) => Err(error),
            result = work => result,
        }
    }

    async fn remove_half_written(&self, tenant: &str) {
        let (folder, of) = (self.snapshots.clone(), tenant.to_owned());
        match tokio::task::spawn_blocking(move || folder.remove_half_written(&of)).await {
            Ok(Ok(0)) => {}
            Ok(Ok(files)) => tracing::info!(tenant.id = tenant, files, "half-written snapshots removed"),
            Ok(Err(error)) => {
                tracing::warn!(tenant.id = tenant, error.cause = %error, "half-written snapshot not removed");
            }
            Err(error) => tracing::warn!(error.cause = %error, "half-written snapshots not removed"),
        }
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
}

async fn wait_for_lock(
    lock: &mut PgConnection,
    tenant: &str,
    waits: bool,
    progress: &Progress,
) -> Result<(), Error> {
    while !models::take_training_lock(lock, tenant).await? {
        if !waits {
            return Err(Error::Busy(
                "this tenant's model is being trained already; try again when that is done",
            ));
        }
        // Whoever asks for a training wants what they just recorded in it: the one under way may
        // have read before that.
        progress.tell("waiting for the training before", 0).await;
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Ends when the lock is lost, because the database is.
async fn until_lost(lock: Option<&mut PgConnection>) -> Error {
    let Some(lock) = lock else { return std::future::pending().await };
    loop {
        tokio::time::sleep(HOLD).await;
        match tokio::time::timeout(HOLD, models::hold_lock(lock)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return Error::Unavailable(None),
        }
    }
}

fn stopping() -> Error {
    Error::TrainingStopped("the service is stopping; train again when it is back".to_owned())
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
