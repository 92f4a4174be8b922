//! One server process: how it is started, when it is ready, how it is stopped. It runs in a
//! process group of its own, so that Ctrl-C in a terminal reaches larder first, which then stops
//! it in order.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::binaries::Binaries;
use super::cluster::last_lines;
use super::place::{Place, on};
use crate::error::DatabaseError;
use crate::server::Server;

/// How long a server may take to end its sessions and write everything out.
pub(crate) const FAST_STOP_LIMIT: Duration = Duration::from_secs(15);
/// How long it may take after being told to drop everything.
pub(crate) const IMMEDIATE_STOP_LIMIT: Duration = Duration::from_secs(10);

/// Recovery after a crash replays up to `max_wal_size`, which takes a slow disk minutes.
const START_LIMIT: Duration = Duration::from_secs(180);
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
const READY_POLL_INTERVAL: Duration = Duration::from_millis(25);
const MEMORY_RETRY_INTERVAL: Duration = Duration::from_millis(500);
const MEMORY_RETRIES: u32 = 20;
const LOG_LIMIT_BYTES: u64 = 16 << 20;

/// A running server. Dropped, it is asked to stop and not waited for.
#[derive(Debug)]
pub(crate) struct Postmaster {
    child: Child,
}

impl Postmaster {
    /// Starts the server of a cluster and waits until it takes connections.
    pub(crate) async fn start(
        place: &Place,
        binaries: &Binaries,
        server: &Server,
    ) -> Result<Self, DatabaseError> {
        let mut retries_left = MEMORY_RETRIES;
        loop {
            match Self::start_once(place, binaries, server).await {
                // The sessions of a server that was killed are still ending.
                Err(DatabaseError::Start { log_tail, .. })
                    if retries_left > 0 && log_tail.contains("shared memory block") =>
                {
                    retries_left -= 1;
                    sleep(MEMORY_RETRY_INTERVAL).await;
                }
                started => return started,
            }
        }
    }

    async fn start_once(place: &Place, binaries: &Binaries, server: &Server) -> Result<Self, DatabaseError> {
        let log = open_log(place)?;
        let log_start = on(log.metadata(), "read", &place.log)?.len();
        let mut postmaster = Self { child: spawn(place, binaries, log)? };
        match postmaster.wait_until_ready(server).await {
            Ok(()) => Ok(postmaster),
            Err(reason) => Err(DatabaseError::Start {
                reason,
                log: place.log.clone(),
                log_tail: log_tail(place, log_start),
            }),
        }
    }

    /// The process id, for as long as the process is there.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for the process to end by itself.
    pub(crate) async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Stops the server, first in order and then at once.
    pub(crate) async fn stop(mut self) -> Result<(), DatabaseError> {
        let pid = self.pid().unwrap_or_default();
        for (signal, limit) in [(Signal::INT, FAST_STOP_LIMIT), (Signal::QUIT, IMMEDIATE_STOP_LIMIT)] {
            self.signal(signal);
            if timeout(limit, self.child.wait()).await.is_ok() {
                return Ok(());
            }
            tracing::warn!(
                process.pid = pid,
                limit_s = limit.as_secs(),
                "the private database is slow to stop"
            );
        }
        Err(DatabaseError::Stop { pid, waited_s: (FAST_STOP_LIMIT + IMMEDIATE_STOP_LIMIT).as_secs() })
    }

    async fn wait_until_ready(&mut self, server: &Server) -> Result<(), String> {
        let server = server.with_database("postgres");
        let deadline = Instant::now() + START_LIMIT;
        let mut answer = String::new();
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) => return Err(format!("it ended with {status}")),
                Err(error) => return Err(error.to_string()),
            }
            match timeout(CONNECT_LIMIT, server.connect_as_admin()).await {
                Ok(Ok(connection)) => {
                    let _ = sqlx::Connection::close(connection).await;
                    return Ok(());
                }
                Ok(Err(error)) => answer = error.to_string(),
                Err(_) => {}
            }
            sleep(READY_POLL_INTERVAL).await;
        }
        Err(format!("it was not ready after {} s: {answer}", START_LIMIT.as_secs()))
    }

    fn signal(&self, signal: Signal) {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended in this moment, which is what was wanted.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        self.signal(Signal::INT);
    }
}

/// What every child of a private cluster has: the server's account, no supplementary groups, a
/// working folder it may enter, and none of our environment with its secrets.
pub(crate) fn prepare_command(command: &mut Command, place: &Place) {
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &place.home).env("LC_ALL", "C.UTF-8");
    command.env("TZ", "UTC").current_dir(&place.home).stdin(Stdio::null());
    if let Some(account) = place.account {
        // The standard library drops all supplementary groups when root changes the user.
        command.uid(account.uid).gid(account.gid);
    }
}

fn spawn(place: &Place, binaries: &Binaries, log: File) -> Result<Child, DatabaseError> {
    let program = binaries.program("postgres");
    let mut command = Command::new(&program);
    prepare_command(&mut command, place);
    command.arg("-D").arg(&place.cluster).args(["-c", "listen_addresses=", "-c", "port=5432"]);
    command.arg("-c").arg(format!("unix_socket_directories={}", place.sockets.display()));
    let output = on(log.try_clone(), "open", &place.log)?;
    command.stdout(output).stderr(log).process_group(0);
    on(command.spawn(), "run", &program)
}

fn open_log(place: &Place) -> Result<File, DatabaseError> {
    if fs::metadata(&place.log).is_ok_and(|metadata| metadata.len() > LOG_LIMIT_BYTES) {
        on(fs::rename(&place.log, place.log.with_extension("log.1")), "move aside", &place.log)?;
    }
    on(File::options().create(true).append(true).mode(0o600).open(&place.log), "open", &place.log)
}

/// What the server wrote since this start.
fn log_tail(place: &Place, from: u64) -> String {
    let bytes = fs::read(&place.log).unwrap_or_default();
    let from = usize::try_from(from).unwrap_or(0).min(bytes.len());
    last_lines(&String::from_utf8_lossy(&bytes[from..]))
}
