//! What this service can tell of its own health. Nothing here decides for the others: the registry
//! takes the worst level.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use larder_lifecycle::{Check, CheckOutcome, HealthRegistry};

use crate::config::Schedules;
use crate::jobs;
use crate::operate;
use crate::schedule::Schedule;
use crate::state::State;

const TIMEOUT: Duration = Duration::from_secs(5);
/// A run takes a while, and one that failed is tried again.
const LATE: SignedDuration = SignedDuration::from_hours(2);

/// Registers the checks of this service.
pub(crate) fn register(registry: &HealthRegistry, state: Arc<State>, schedules: &Schedules) {
    let (backup, dump) = (schedules.backup.clone(), schedules.dump.clone());
    let wal = state.clone();
    registry.register(Check::optional("archived_log", TIMEOUT, move || {
        let complaint = wal.wal.get().and_then(jobs::wal::complaint);
        async move { complaint.map_or_else(CheckOutcome::healthy, CheckOutcome::degraded) }
    }));
    registry.register(Check::optional("backups", TIMEOUT, move || {
        let (state, backup, dump) = (state.clone(), backup.clone(), dump.clone());
        async move { backups(&state, backup.as_ref(), dump.as_ref()).await }
    }));
}

/// Late backups are told before anybody needs one.
async fn backups(state: &State, schedule: Option<&Schedule>, dumps: Option<&Schedule>) -> CheckOutcome {
    let status = match operate::recovery_status(state).await {
        Ok(status) => status,
        Err(error) => return CheckOutcome::degraded(format!("the backups cannot be listed: {error}")),
    };
    let now = (state.clock)();
    let Some(last) = status.last_backup_at else {
        return if schedule.is_some() {
            CheckOutcome::degraded("there is no backup yet")
        } else {
            CheckOutcome::healthy()
        };
    };
    if is_late(last, schedule, now) {
        return CheckOutcome::degraded(format!(
            "the last backup is of {last}, later than its schedule allows"
        ));
    }
    match status.last_dump_at {
        Some(last) if is_late(last, dumps, now) => {
            CheckOutcome::degraded(format!("the last dump is of {last}, later than its schedule allows"))
        }
        _ => CheckOutcome::healthy(),
    }
}

/// Whether there should have been another backup since the last one.
pub(crate) fn is_late(last: Timestamp, schedule: Option<&Schedule>, now: Timestamp) -> bool {
    let interval = schedule.and_then(|schedule| schedule.interval(now));
    interval.is_some_and(|interval| now.duration_since(last) > interval + LATE)
}
