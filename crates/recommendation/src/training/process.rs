//! The service's side of the training process: starts it, tells it what to train, listens, and
//! ends it when nobody wants the model any more. Whatever becomes of that process, serving goes
//! on; what it left half-written is removed by whoever holds the training lock.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use larder_database::Server;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::read::Progress;
use super::worker::{Assignment, Report};
use super::{TrainingOrder, TrainingOutcome};
use crate::error::Error;

/// The hidden command of `larder` that trains.
const COMMAND: &str = "train-worker";
/// What a process says that gets no more memory, or no stack for a thread.
const OUT_OF_MEMORY: [&str; 4] =
    ["memory allocation of", "failed to spawn thread", "Cannot allocate memory", "unable to allocate"];
/// How much of what the process says on stderr is kept for the log.
const STDERR_BYTES: usize = 4_096;

/// How the training process is started.
#[derive(Clone)]
pub(crate) struct TrainingProcess {
    /// The `larder` to start.
    pub(crate) program: PathBuf,
    pub(crate) server: Server,
    pub(crate) role_password: Option<SecretString>,
    pub(crate) acquire_timeout: Duration,
    pub(crate) threads: usize,
    pub(crate) memory_limit_bytes: u64,
}

/// A training process at work; it ends when this is dropped.
struct Running {
    child: Child,
    /// The process ends when this closes.
    _stdin: ChildStdin,
}

impl TrainingProcess {
    /// Has an order carried out by a process of its own.
    pub(crate) async fn work(
        &self,
        order: &TrainingOrder,
        progress: &Progress,
    ) -> Result<TrainingOutcome, Error> {
        let mut running = self.start(order).await?;
        let stderr = running.child.stderr.take();
        let said = tokio::spawn(async move {
            let mut said = Vec::new();
            let Some(mut stderr) = stderr else { return said };
            let mut bytes = [0; 1_024];
            while let Ok(count @ 1..) = stderr.read(&mut bytes).await {
                let room = STDERR_BYTES.saturating_sub(said.len());
                said.extend_from_slice(&bytes[..count.min(room)]);
            }
            said
        });
        let report = listen(&mut running.child, progress).await;
        let status = running.child.wait().await.map_err(stopped)?;
        match report {
            Some(Report::Done { outcome }) => Ok(*outcome),
            Some(Report::Failed { is_unavailable: true, cause }) => {
                tracing::warn!(error.cause = cause, "training lost the database");
                Err(Error::Unavailable(None))
            }
            Some(Report::Failed { cause, .. }) => Err(Error::Internal(format!("training: {cause}"))),
            Some(Report::Progress { .. }) | None => {
                let said = said.await.unwrap_or_default();
                let said = String::from_utf8_lossy(&said);
                tracing::warn!(process.status = %status, process.stderr = said.trim(), "training process ended early");
                Err(Error::TrainingStopped(self.why(status, &said)))
            }
        }
    }

    async fn start(&self, order: &TrainingOrder) -> Result<Running, Error> {
        let mut command = Command::new(&self.program);
        command
            .arg0("larder")
            .arg(COMMAND)
            .env("RAYON_NUM_THREADS", self.threads.to_string())
            // The limit counts what is set aside, so the allocator must not do so by the gigabyte.
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(stopped)?;
        let mut stdin =
            child.stdin.take().ok_or_else(|| Error::Internal("no pipe to the training".to_owned()))?;
        let assignment = Assignment {
            order: order.clone(),
            database_url: self.server.url().expose_secret().to_owned(),
            role_password: self.role_password.as_ref().map(|password| password.expose_secret().to_owned()),
            acquire_timeout_ms: u64::try_from(self.acquire_timeout.as_millis()).unwrap_or(u64::MAX),
            memory_limit_bytes: self.memory_limit_bytes,
        };
        let mut line = serde_json::to_vec(&assignment)
            .map_err(|error| Error::Internal(format!("an order for a training: {error}")))?;
        line.push(b'\n');
        // A process that ended already is told of when its status is read.
        let _ = stdin.write_all(&line).await;
        let _ = stdin.flush().await;
        tracing::debug!(process.pid = child.id(), tenant.id = order.tenant, "training process started");
        Ok(Running { child, _stdin: stdin })
    }

    /// Why the process ended without a word.
    fn why(&self, status: ExitStatus, said: &str) -> String {
        let is_memory = OUT_OF_MEMORY.iter().any(|sign| said.contains(sign));
        let hint = if is_memory {
            format!(
                ": it needed more memory than recommendation.training_memory_limit_bytes allows ({} bytes)",
                self.memory_limit_bytes
            )
        } else {
            format!(" ({status})")
        };
        format!(
            "the training process ended before it was done{hint}; what serves goes on serving, and the training \
             is tried again on schedule"
        )
    }
}

/// Reads reports to the last one and hands progress on.
async fn listen(child: &mut Child, progress: &Progress) -> Option<Report> {
    let mut lines = BufReader::new(child.stdout.take()?).lines();
    let mut last = None;
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Report::Progress { step, done_count }) => {
                progress.tell(&step, done_count).await;
            }
            Ok(report) => last = Some(report),
            Err(error) => tracing::warn!(error.cause = %error, "training process said something unknown"),
        }
    }
    last
}

fn stopped(error: std::io::Error) -> Error {
    Error::Internal(format!("the training process: {error}"))
}
