//! PostgreSQL's own programs, for what only they can do. A password reaches them in a file that nobody
//! else may read, never as an argument and never in the environment; what they say on failing is kept.

mod login;

use std::path::Path;
use std::process::Stdio;

use larder_database::{Binaries, Wanted, find_programs};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

pub(crate) use self::login::Login;
use crate::error::BackupError;

/// What dumps and loads run.
const DUMP_PROGRAMS: [&str; 3] = ["pg_dump", "pg_dumpall", "pg_restore"];
const OUTPUT_SHOWN_BYTES: usize = 2000;

/// The programs that dump or load a server of this major version: of that version or the next newer.
///
/// # Errors
/// [`BackupError::Refused`] tells what was found, what would be accepted and how to install it.
pub(crate) fn dump_programs(bin_dir: Option<&Path>, server_major: u32) -> Result<Binaries, BackupError> {
    let found = find_programs(&DUMP_PROGRAMS, bin_dir, Wanted::AtLeast(server_major));
    found.map_err(|error| BackupError::Refused(error.to_string()))
}

/// A program at work. Dropped, it is killed.
pub(crate) struct RunningProgram {
    name: &'static str,
    child: Child,
    said: JoinHandle<String>,
}

impl RunningProgram {
    /// Starts `command`, whose standard error is kept.
    ///
    /// # Errors
    /// [`BackupError::Program`] when it cannot be run.
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Result<Self, BackupError> {
        let child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn();
        let mut child = child.map_err(|error| failed(name, "it cannot be run", error.to_string()))?;
        let said = tokio::spawn(listen(child.stderr.take()));
        Ok(Self { name, child, said })
    }

    /// What it writes, when that was piped.
    pub(crate) fn stdout(&mut self) -> Result<ChildStdout, BackupError> {
        self.child.stdout.take().ok_or_else(|| BackupError::Internal("an output that is no pipe".to_owned()))
    }

    /// What it reads, when that was piped.
    pub(crate) fn stdin(&mut self) -> Result<ChildStdin, BackupError> {
        self.child.stdin.take().ok_or_else(|| BackupError::Internal("an input that is no pipe".to_owned()))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`BackupError::Program`] with the last that it said.
    pub(crate) async fn finish(mut self) -> Result<(), BackupError> {
        let ended = self.child.wait().await;
        let status = ended.map_err(|error| failed(self.name, "it was lost", error.to_string()))?;
        let said = self.said.await.unwrap_or_default();
        if !status.success() {
            return Err(failed(self.name, &status.to_string(), said));
        }
        if !said.is_empty() {
            tracing::warn!(program = self.name, said, "a program of PostgreSQL has warned");
        }
        Ok(())
    }
}

/// Runs a program to its end.
///
/// # Errors
/// As [`RunningProgram`] has them.
pub(crate) async fn run(name: &'static str, command: &mut Command) -> Result<(), BackupError> {
    RunningProgram::start(name, command)?.finish().await
}

fn failed(program: &'static str, status: &str, output: String) -> BackupError {
    BackupError::Program { program, status: status.to_owned(), output }
}

/// Everything is read, so that nobody waits for us; the beginning tells why, what follows repeats it.
async fn listen(output: Option<ChildStderr>) -> String {
    let Some(mut output) = output else { return String::new() };
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count) = output.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        let room = OUTPUT_SHOWN_BYTES.saturating_sub(said.len()).min(count);
        said.extend_from_slice(&buffer[..room]);
    }
    String::from_utf8_lossy(&said).trim().to_owned()
}
