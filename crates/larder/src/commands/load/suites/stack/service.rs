//! One service as a process of its own, started from this very program, killed and started again on the same ports.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::super::caller::{Ask, Caller};
use crate::client::Credentials;
use crate::commands::base_url;
use crate::error::CommandError;
use crate::platform::this_program;

const READY_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(100);
/// Of the log of a service that does not start, so much is shown.
const LOG_LINES: usize = 10;

/// A service that runs, or is to run.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) ops: SocketAddr,
    variables: Vec<(String, String)>,
    folder: PathBuf,
    child: Option<Child>,
}

impl Service {
    /// Not started yet; it works in `folder` with these settings.
    pub(crate) fn new(
        name: &'static str,
        ops: SocketAddr,
        variables: Vec<(String, String)>,
        folder: &Path,
    ) -> Self {
        Self { name, ops, variables, folder: folder.to_owned(), child: None }
    }

    /// Starts the process and does not wait for it.
    pub(crate) fn start(&mut self) -> Result<(), CommandError> {
        let log = self.log();
        let output =
            File::options().create(true).append(true).open(&log).map_err(CommandError::file(&log))?;
        let errors = output.try_clone().map_err(CommandError::file(&log))?;
        let mut command = Command::new(this_program()?);
        // Nothing of whoever runs this may reach a Larder of its own.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("LARDER_")) {
                command.env_remove(name);
            }
        }
        command.args(["serve", self.name]).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(output).stderr(errors);
        // Ctrl-C is for this command, which stops its services in order.
        command.process_group(0).kill_on_drop(true);
        let refused = |error| CommandError::Refused(format!("the {} did not start: {error}", self.name));
        self.child = Some(command.spawn().map_err(refused)?);
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    /// Waits until the ops port says that it is ready.
    pub(crate) async fn ready(&mut self) -> Result<(), CommandError> {
        let caller = Caller::new(&base_url(self.ops), &Credentials::default())?;
        let asking = async {
            while !caller.ask(&Ask::get("/readyz")).await.is_ok_and(|answer| answer.status == 200) {
                let child = self.child.as_mut();
                if let Some(Ok(Some(status))) = child.map(Child::try_wait) {
                    return Err(status.to_string());
                }
                tokio::time::sleep(PAUSE).await;
            }
            Ok(())
        };
        let ended = tokio::time::timeout(READY_LIMIT, asking).await;
        let cause = match ended {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(status)) => format!("ended with {status}"),
            Err(_) => format!("was not ready within {} s", READY_LIMIT.as_secs()),
        };
        Err(CommandError::Refused(format!("the {} service {cause}:\n{}", self.name, self.last_words())))
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// Kills it without warning.
    pub(crate) fn kill(&mut self) -> Result<(), CommandError> {
        self.signal(Signal::KILL)
    }

    pub(crate) fn signal(&mut self, signal: Signal) -> Result<(), CommandError> {
        let id = self.child.as_ref().and_then(Child::id).and_then(|id| i32::try_from(id).ok());
        let Some(pid) = id.and_then(Pid::from_raw) else {
            return Err(CommandError::Refused(format!(
                "the {} service ended by itself:\n{}",
                self.name,
                self.last_words()
            )));
        };
        let refused =
            |error| CommandError::Refused(format!("no signal reaches the {} service: {error}", self.name));
        kill_process(pid, signal).map_err(refused)
    }

    /// Asks it to stop, and kills it when it does not.
    pub(crate) async fn stop(&mut self) {
        // One that is frozen hears nothing.
        let _ = self.signal(Signal::CONT);
        let _ = self.signal(Signal::TERM);
        let Some(mut child) = self.child.take() else { return };
        if tokio::time::timeout(STOP_LIMIT, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    }
}
