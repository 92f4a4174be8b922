//! Runs what is due: one replica takes each run, what failed is tried again, and what hangs is given
//! up after a while without holding up anything else.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use larder_lifecycle::Shutdown;
use larder_proto::larder::operation::v1::{Operation, OperationState};
use sqlx::PgPool;
use tokio::time::{MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use crate::error::BackupError;
use crate::operate::{self, CreateWishes};
use crate::operations::wait;
use crate::schedule::Schedule;
use crate::state::State;
use crate::store::schedule_runs::{self, Ending};

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_secs(10);
/// A run that takes longer is given up.
const RUN_LIMIT: Duration = Duration::from_secs(24 * 3600);
const RENEW: Duration = Duration::from_secs(30);
const ATTEMPTS: i32 = 3;
const AGAIN_AFTER_SECONDS: f64 = 600.0;
/// How often the figures of recovery are worked out for whoever scrapes them.
const STATUS: Duration = Duration::from_secs(60);

const BACKUP: &str = "backup";

/// Takes backups on schedule.
pub(crate) struct Scheduler {
    pub(crate) state: Arc<State>,
    pub(crate) pool: PgPool,
    pub(crate) backup: Option<Schedule>,
}

impl Scheduler {
    /// Runs until the process is asked to stop. A run under way is broken off then; what it has
    /// stored is no backup, and the next process takes the run again.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let scheduler = Arc::new(self);
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut statuses = interval(STATUS);
        statuses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut running: Option<tokio::task::JoinHandle<()>> = None;
        loop {
            tokio::select! {
                () = shutdown.wait() => break,
                _ = statuses.tick() => scheduler.clone().tell_status(),
                _ = looks.tick() => {
                    if running.as_ref().is_none_or(tokio::task::JoinHandle::is_finished) {
                        running = Some(tokio::spawn(scheduler.clone().look()));
                    }
                }
            }
        }
        if let Some(running) = running {
            running.abort();
        }
    }

    fn tell_status(self: Arc<Self>) {
        tokio::spawn(async move {
            if let Err(error) = operate::recovery_status(&self.state).await {
                tracing::warn!(error.cause = %error, "the state of recovery is not known");
            }
        });
    }

    async fn look(self: Arc<Self>) {
        let Some(schedule) = &self.backup else { return };
        if let Err(error) = self.run_if_due(schedule).await {
            tracing::warn!(error.cause = %error, schedule = BACKUP, "the schedule cannot be looked at");
        }
    }

    async fn run_if_due(&self, schedule: &Schedule) -> Result<(), BackupError> {
        let mut db = self.pool.acquire().await?;
        let last = schedule_runs::last_done(&mut db, BACKUP).await?;
        let Some(due) = schedule.due(last, (self.state.clock)()) else { return Ok(()) };
        let holder = Uuid::new_v4();
        let Some(attempt) = schedule_runs::take(&mut db, BACKUP, due, holder).await? else { return Ok(()) };
        drop(db);
        tracing::info!(schedule = BACKUP, due_at = %due, attempt, "scheduled run begins");
        let failure = tokio::select! {
            ended = timeout(RUN_LIMIT, self.take_backup()) => match ended {
                Ok(failure) => failure,
                Err(_) => Some("it took too long and was given up".to_owned()),
            },
            () = self.keep_lease(due, holder) => {
                tracing::error!(schedule = BACKUP, due_at = %due, "another replica has taken this run over");
                return Ok(());
            }
        };
        let again = (failure.is_some() && attempt < ATTEMPTS).then_some(AGAIN_AFTER_SECONDS);
        let ending = Ending { failure: failure.as_deref(), again_after_seconds: again };
        let mut db = self.pool.acquire().await?;
        schedule_runs::end(&mut db, BACKUP, due, holder, &ending).await?;
        schedule_runs::forget_old(&mut db).await?;
        Ok(())
    }

    /// Ends when the lease is lost. A database that is away for a moment loses nothing.
    async fn keep_lease(&self, due: Timestamp, holder: Uuid) {
        loop {
            tokio::time::sleep(RENEW).await;
            let Ok(mut db) = self.pool.acquire().await else { continue };
            if let Ok(false) = schedule_runs::renew(&mut db, BACKUP, due, holder).await {
                return;
            }
        }
    }

    /// Takes a backup, then lets old ones go. Old ones stay when there is no new one.
    async fn take_backup(&self) -> Option<String> {
        let state = self.state.clone();
        let followed = self.state.operations.start("create_backup", |progress| async move {
            operate::create_backup(&state, CreateWishes::default(), &progress).await
        });
        let ended: Operation = wait(followed).await;
        if ended.state() != OperationState::Succeeded {
            return Some(ended.error.map_or_else(String::new, |error| error.message));
        }
        for target in &self.state.vault.targets {
            if let Err(error) = operate::apply_retention(&self.state, target).await {
                crate::metrics::failed("apply_retention", error.stage());
                tracing::error!(target.name = target.name(), error.cause = %error, "old backups were not removed");
            }
        }
        None
    }
}
