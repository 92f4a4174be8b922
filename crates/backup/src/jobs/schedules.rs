//! Runs what is due: one replica takes each run, what failed is tried again, and what hangs is given
//! up after a while without holding up anything else.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use larder_lifecycle::Shutdown;
use larder_proto::larder::operation::v1::{Operation, OperationState};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use uuid::Uuid;

use crate::config::Schedules;
use crate::drill::RecoveryTarget;
use crate::error::BackupError;
use crate::operate::{self, CreateWishes, DrillWishes};
use crate::operations::wait;
use crate::schedule::Schedule;
use crate::state::State;
use crate::store::canary;
use crate::store::schedule_runs::{self, Ending};

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_secs(10);
/// A run that takes longer is given up.
const RUN_LIMIT: Duration = Duration::from_secs(24 * 3600);
const RENEW: Duration = Duration::from_secs(30);
const ATTEMPTS: i32 = 3;
const AGAIN_AFTER_SECONDS: f64 = 600.0;
/// How often the figures of recovery are worked out for whoever scrapes them, and the canary written.
const STATUS: Duration = Duration::from_secs(60);
const WEEK_SECONDS: i64 = 7 * 86_400;

/// What is done on a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Backup,
    Drill,
    Dump,
    SelfTest,
}

impl Work {
    const ALL: [Self; 4] = [Self::Backup, Self::Drill, Self::Dump, Self::SelfTest];

    fn name(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Drill => "drill",
            Self::Dump => "dump",
            Self::SelfTest => "self_test",
        }
    }
}

/// Does what is due.
pub(crate) struct Scheduler {
    pub(crate) state: Arc<State>,
    pub(crate) pool: PgPool,
    pub(crate) schedules: Schedules,
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
        let mut running = Work::ALL.map(|_| None::<JoinHandle<()>>);
        loop {
            tokio::select! {
                () = shutdown.wait() => break,
                _ = statuses.tick() => scheduler.clone().tell_status(),
                _ = looks.tick() => {
                    for (work, running) in Work::ALL.into_iter().zip(&mut running) {
                        if running.as_ref().is_none_or(JoinHandle::is_finished) {
                            *running = Some(tokio::spawn(scheduler.clone().look(work)));
                        }
                    }
                }
            }
        }
        running.into_iter().flatten().for_each(|running| running.abort());
    }

    fn tell_status(self: Arc<Self>) {
        tokio::spawn(async move {
            if let Err(error) = self.write_canary().await {
                tracing::warn!(error.cause = %error, "the canary was not written");
            }
            if let Err(error) = operate::recovery_status(&self.state).await {
                tracing::warn!(error.cause = %error, "the state of recovery is not known");
            }
        });
    }

    async fn write_canary(&self) -> sqlx::Result<()> {
        if self.state.canary_database.is_some() {
            let mut db = self.pool.acquire().await?;
            let written = canary::write(&mut db).await?;
            self.state.canary_at.send_replace(Some(written));
        }
        Ok(())
    }

    async fn look(self: Arc<Self>, work: Work) {
        let schedules = &self.schedules;
        let schedule = match work {
            Work::Backup => &schedules.backup,
            Work::Drill => &schedules.drill,
            Work::Dump => &schedules.dump,
            Work::SelfTest => &schedules.self_test,
        };
        let Some(schedule) = schedule else { return };
        if let Err(error) = self.run_if_due(work, schedule).await {
            tracing::warn!(error.cause = %error, schedule = work.name(), "the schedule cannot be looked at");
        }
    }

    async fn run_if_due(&self, work: Work, schedule: &Schedule) -> Result<(), BackupError> {
        let name = work.name();
        let mut db = self.pool.acquire().await?;
        let mut last = schedule_runs::last_done(&mut db, name).await?;
        if matches!(work, Work::Drill | Work::SelfTest) {
            // There is nothing to drill before the first backup, and not at once after it either.
            let Some(first) = self.first_backup_at().await? else { return Ok(()) };
            last = last.max(Some(first));
        }
        let Some(due) = schedule.due(last, (self.state.clock)()) else { return Ok(()) };
        let holder = Uuid::new_v4();
        let Some(attempt) = schedule_runs::take(&mut db, name, due, holder).await? else { return Ok(()) };
        drop(db);
        tracing::info!(schedule = name, due_at = %due, attempt, "scheduled run begins");
        let failure = tokio::select! {
            ended = timeout(RUN_LIMIT, self.work(work, due)) => match ended {
                Ok(failure) => failure,
                Err(_) => Some("it took too long and was given up".to_owned()),
            },
            () = self.keep_lease(name, due, holder) => {
                tracing::error!(schedule = name, due_at = %due, "another replica has taken this run over");
                return Ok(());
            }
        };
        let again = (failure.is_some() && attempt < ATTEMPTS).then_some(AGAIN_AFTER_SECONDS);
        let ending = Ending { failure: failure.as_deref(), again_after_seconds: again };
        let mut db = self.pool.acquire().await?;
        schedule_runs::end(&mut db, name, due, holder, &ending).await?;
        schedule_runs::forget_old(&mut db).await?;
        Ok(())
    }

    async fn first_backup_at(&self) -> Result<Option<Timestamp>, BackupError> {
        let backups = operate::list_all(&self.state, None).await?;
        Ok(backups.last().map(|oldest| oldest.manifest.backup_id.begun_at()))
    }

    /// Ends when the lease is lost. A database that is away for a moment loses nothing.
    async fn keep_lease(&self, name: &str, due: Timestamp, holder: Uuid) {
        loop {
            tokio::time::sleep(RENEW).await;
            let Ok(mut db) = self.pool.acquire().await else { continue };
            if let Ok(false) = schedule_runs::renew(&mut db, name, due, holder).await {
                return;
            }
        }
    }

    async fn work(&self, work: Work, due: Timestamp) -> Option<String> {
        match work {
            Work::Backup => self.take_backup().await,
            Work::Drill => self.run_drill(due).await,
            Work::Dump => self.take_dumps().await,
            Work::SelfTest => {
                self.state.self_test_at.send_replace(Some(due));
                None
            }
        }
    }

    /// Takes a backup, then lets old ones go. Old ones stay when there is no new one.
    async fn take_backup(&self) -> Option<String> {
        let state = self.state.clone();
        let followed = self.state.operations.start("create_backup", |progress| async move {
            operate::create_backup(&state, CreateWishes::default(), &progress).await
        });
        let failure = failure(followed).await;
        if failure.is_some() {
            return failure;
        }
        for target in &self.state.vault.targets {
            if let Err(error) = operate::apply_retention(&self.state, target).await {
                crate::metrics::failed("apply_retention", error.stage());
                tracing::error!(target.name = target.name(), error.cause = %error, "old backups were not removed");
            }
        }
        None
    }

    /// Dumps databases, then lets old dumps go. Old ones stay when a database was not dumped.
    async fn take_dumps(&self) -> Option<String> {
        let state = self.state.clone();
        let followed = self.state.operations.start("create_dump", |progress| async move {
            operate::create_dumps(&state, None, &progress).await
        });
        let failure = failure(followed).await;
        if failure.is_some() {
            return failure;
        }
        for target in &self.state.vault.targets {
            if let Err(error) = operate::expire_dumps(&self.state, target).await {
                crate::metrics::failed("apply_retention", error.stage());
                tracing::error!(target.name = target.name(), error.cause = %error, "old dumps were not removed");
            }
        }
        None
    }

    /// Drills the newest backup: one week to the moment of its record, so that every row is compared,
    /// the next to the end of the log, so that nothing of that is missing.
    async fn run_drill(&self, due: Timestamp) -> Option<String> {
        let is_even = (due.as_second() / WEEK_SECONDS) % 2 == 0;
        let recover_to = is_even.then_some(RecoveryTarget::Latest);
        let (state, wishes) = (self.state.clone(), DrillWishes { recover_to, ..DrillWishes::default() });
        let followed = self.state.operations.start("run_drill", |progress| async move {
            operate::drill_backup(&state, wishes, &progress).await
        });
        failure(followed).await
    }
}

async fn failure(followed: watch::Receiver<Operation>) -> Option<String> {
    let ended = wait(followed).await;
    (ended.state() != OperationState::Succeeded)
        .then(|| ended.error.map_or_else(String::new, |error| error.message))
}
