//! The training process: `larder` started by `larder`, at low priority and in bounded memory. The
//! order comes on stdin, so that no secret stands in arguments; progress and the outcome go to
//! stdout, a JSON object a line. When stdin closes, whoever asked is gone, and the process ends.

use std::io::{BufRead, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use larder_database::{Role, Server};
use larder_settings::DatabaseSettings;
use rustix::process::{Resource, Rlimit};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::read::Progress;
use super::{TrainingOrder, TrainingOutcome, TrainingProgress, work};
use crate::app::SCHEMA;
use crate::error::Error;

/// Politer than anything that serves.
const NICENESS: i32 = 10;
/// One connection reads; another one is there when it breaks.
const CONNECTIONS: u32 = 2;

/// Why the training process could not begin.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Nobody told what to train.
    #[error("no order on stdin: this command is run by a service, not by hand ({0})")]
    Order(String),
    /// The memory could not be bounded.
    #[error("the memory cannot be bounded: {0}")]
    Limit(std::io::Error),
    /// The database's address is refused.
    #[error(transparent)]
    Database(#[from] larder_database::DatabaseError),
}

/// What the process is told, with what it needs to reach the database.
#[derive(Serialize, Deserialize)]
pub(super) struct Assignment {
    pub(super) order: TrainingOrder,
    pub(super) database_url: String,
    pub(super) role_password: Option<String>,
    pub(super) acquire_timeout_ms: u64,
    pub(super) memory_limit_bytes: u64,
}

/// A line that the process prints.
#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Report {
    Progress { step: String, done_count: i64 },
    Done { outcome: Box<TrainingOutcome> },
    Failed { is_unavailable: bool, cause: String },
}

/// Lets everything else go first. Call it before the process has a second thread: on Linux each
/// thread has a priority of its own, and new ones have that of the thread that made them.
pub fn lower_priority() {
    // Refused only where this process may not even be polite; training goes on as it is.
    let _ = rustix::process::nice(NICENESS);
    // If memory runs out, this process should be the one that is ended.
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
}

/// Reads an order from stdin and carries it out.
///
/// # Errors
///
/// When there is no order, or no way to begin with it. A training that fails is reported on
/// stdout instead, and by the exit code.
pub async fn run_training_worker() -> Result<ExitCode, WorkerError> {
    let line = read_order().map_err(|error| WorkerError::Order(error.to_string()))?;
    let assignment: Assignment =
        serde_json::from_str(&line).map_err(|error| WorkerError::Order(error.to_string()))?;
    bound_memory(assignment.memory_limit_bytes)?;
    std::thread::spawn(end_with_stdin);
    let pool = connect(&assignment)?;
    let (progress, mut steps) = mpsc::channel::<TrainingProgress>(16);
    let printing = tokio::spawn(async move {
        while let Some(step) = steps.recv().await {
            print(&Report::Progress { step: step.step, done_count: step.done_count });
        }
    });
    let progress = Progress(Some(progress));
    let result = work(&assignment.order, &pool, &progress).await;
    drop(progress);
    drop(printing.await);
    Ok(match result {
        Ok(mut outcome) => {
            if let Some(card) = &mut outcome.card {
                card.peak_memory_bytes = peak_memory_bytes();
            }
            print(&Report::Done { outcome: Box::new(outcome) });
            ExitCode::SUCCESS
        }
        Err(error) => {
            print(&failed(&error));
            ExitCode::FAILURE
        }
    })
}

fn bound_memory(limit_bytes: u64) -> Result<(), WorkerError> {
    let limit = Rlimit { current: Some(limit_bytes), maximum: Some(limit_bytes) };
    rustix::process::setrlimit(Resource::Data, limit).map_err(|error| WorkerError::Limit(error.into()))
}

/// The order stands on one line. Nothing else runs yet, so there is nobody to block.
fn read_order() -> std::io::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

/// Ends the process when the service that started it is gone, whatever ended that.
fn end_with_stdin() {
    let mut rest = [0; 64];
    while matches!(std::io::stdin().lock().read(&mut rest), Ok(1..)) {}
    std::process::exit(1);
}

fn connect(assignment: &Assignment) -> Result<sqlx::PgPool, WorkerError> {
    let server = Server::from_url(&SecretString::from(assignment.database_url.clone()))?;
    let settings = DatabaseSettings {
        max_connections: CONNECTIONS,
        acquire_timeout: Duration::from_millis(assignment.acquire_timeout_ms),
        role_password: assignment.role_password.clone().map(SecretString::from),
        ..DatabaseSettings::default()
    };
    Ok(larder_database::connect(&server, SCHEMA, Role::Worker, &settings))
}

fn failed(error: &Error) -> Report {
    let cause = match error {
        Error::Database(cause) => format!("database error: {cause}"),
        Error::Unavailable(Some(cause)) => format!("the database was lost: {cause}"),
        other => other.to_string(),
    };
    Report::Failed { is_unavailable: matches!(error, Error::Unavailable(_)), cause }
}

fn print(report: &Report) {
    let Ok(line) = serde_json::to_string(report) else { return };
    let mut stdout = std::io::stdout().lock();
    // A reader who has gone away is told of by stdin.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// The most memory this process has had, as Linux counts it; 0 elsewhere.
fn peak_memory_bytes() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    peak_of(&status)
}

fn peak_of(status: &str) -> i64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<i64>().ok());
    kib.map_or(0, |kib| kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_as_linux_writes_it() {
        assert_eq!(peak_of("VmPeak:\t  900 kB\nVmHWM:\t  123456 kB\nVmRSS:\t 1 kB\n"), 123_456 * 1_024);
        assert_eq!(peak_of("something else"), 0);
    }
}
