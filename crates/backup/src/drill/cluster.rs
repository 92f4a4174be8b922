//! A throw-away cluster: a server started on restored files, on a private socket, with settings of our
//! own instead of those it was backed up with, so that it neither archives, nor listens, nor needs what
//! only its home machine had. Nobody may ask it anything before recovery has truly ended.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use larder_database::Binaries;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::error::BackupError;

const POLL_INTERVAL: Duration = Duration::from_millis(50);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const STOP_LIMIT: Duration = Duration::from_secs(60);
const LOG_LINES_SHOWN: usize = 12;

/// What a server that replays the log may not have lower than the one that wrote it, as
/// `pg_controldata` names it.
const REPLAY_SETTINGS: [(&str, &str); 5] = [
    ("max_connections setting", "max_connections"),
    ("max_worker_processes setting", "max_worker_processes"),
    ("max_wal_senders setting", "max_wal_senders"),
    ("max_prepared_xacts setting", "max_prepared_transactions"),
    ("max_locks_per_xact setting", "max_locks_per_transaction"),
];

/// What starting needs to know.
#[derive(Debug, Clone)]
pub struct ThrowAwaySettings {
    /// The programs, of the version that made the files.
    pub binaries: Binaries,
    /// The restored folder.
    pub data: PathBuf,
    /// The account that owns it, when it is not ours.
    pub account: Option<(u32, u32)>,
    /// The superuser of the cluster that was backed up.
    pub superuser: String,
    /// How long recovery may take.
    pub recovery_limit: Duration,
}

/// A running server on restored files. Dropped, it is killed.
#[derive(Debug)]
pub struct ThrowAwayCluster {
    settings: ThrowAwaySettings,
    child: Child,
    /// The folder with the server's socket and log.
    run: PathBuf,
}

/// A private folder with a path short enough for sockets, owned by the server's account.
///
/// # Errors
/// When none can be made.
pub fn run_folder(account: Option<(u32, u32)>) -> Result<TempDir, BackupError> {
    let parent = std::env::temp_dir();
    let made = tempfile::Builder::new()
        .prefix("larder-drill-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(&parent);
    let folder = made.map_err(BackupError::file("create a folder in", &parent))?;
    give(folder.path(), account)?;
    Ok(folder)
}

/// Gives a file to the server's account.
pub(crate) fn give(path: &Path, account: Option<(u32, u32)>) -> Result<(), BackupError> {
    let Some((uid, gid)) = account else { return Ok(()) };
    chown(path, Some(uid), Some(gid)).map_err(BackupError::file("give away", path))
}

impl ThrowAwayCluster {
    /// Starts a server, with `run` for its socket and log, and waits until recovery has ended.
    ///
    /// # Errors
    /// [`BackupError::Program`] with the end of the server's log when it does not come up, as when
    /// the log has a hole or ends before the target.
    pub async fn start(settings: ThrowAwaySettings, run: &Path) -> Result<Self, BackupError> {
        let replay = replay_settings(&settings, run).await?;
        let child = spawn(&settings, run, &replay)?;
        let mut cluster = Self { settings, child, run: run.to_owned() };
        cluster.wait_until_recovered().await?;
        Ok(cluster)
    }

    /// The superuser's way into a database.
    ///
    /// # Errors
    /// As the server has it.
    pub async fn connect(&self, database: &str) -> Result<PgConnection, BackupError> {
        let options = PgConnectOptions::new_without_pgpass()
            .socket(&self.run)
            .port(5432)
            .username(&self.settings.superuser)
            .database(database)
            .application_name("larder drill")
            .disable_statement_logging();
        Ok(PgConnection::connect_with(&options).await?)
    }

    /// A program of the same version that talks to this server.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let mut command = command(&self.settings, name, &self.run);
        command.env("PGHOST", &self.run).env("PGPORT", "5432").env("PGUSER", &self.settings.superuser);
        command
    }

    /// Stops the server; its files stay.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(mut self) -> Result<(), BackupError> {
        self.signal(Signal::INT);
        match timeout(STOP_LIMIT, self.child.wait()).await {
            Ok(_) => Ok(()),
            Err(_) => {
                self.signal(Signal::KILL);
                Err(self.failure("it did not stop".to_owned()))
            }
        }
    }

    async fn wait_until_recovered(&mut self) -> Result<(), BackupError> {
        let deadline = Instant::now() + self.settings.recovery_limit;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.failure(status.to_string()));
            }
            // A server that takes connections may still be replaying: its data are then old.
            if let Ok(Some(false)) = timeout(CONNECT_LIMIT, self.is_in_recovery()).await {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let limit = self.settings.recovery_limit.as_secs();
                return Err(self.failure(format!("recovery was not done after {limit} s")));
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    async fn is_in_recovery(&self) -> Option<bool> {
        let mut connection = self.connect("postgres").await.ok()?;
        let answer = sqlx::query_scalar::<_, bool>("SELECT pg_is_in_recovery()");
        let answer = answer.fetch_one(&mut connection).await.ok();
        let _ = connection.close().await;
        answer
    }

    fn failure(&self, status: String) -> BackupError {
        BackupError::Program { program: "postgres", status, output: last_lines(&log_path(&self.run)) }
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended in this moment, which is as good.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for ThrowAwayCluster {
    fn drop(&mut self) {
        // Its sessions and helpers end with it; nothing in it is worth writing out.
        self.signal(Signal::QUIT);
    }
}

fn log_path(run: &Path) -> PathBuf {
    run.join("log")
}

fn command(settings: &ThrowAwaySettings, name: &str, run: &Path) -> Command {
    let mut command = Command::new(settings.binaries.program(name));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", run)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC");
    command.current_dir(run).stdin(Stdio::null());
    if let Some((uid, gid)) = settings.account {
        // The standard library drops all supplementary groups when root changes the user.
        command.uid(uid).gid(gid);
    }
    command
}

/// Every setting that decides whom the server talks to is given where no file can overrule it.
fn spawn(
    settings: &ThrowAwaySettings,
    run: &Path,
    replay: &[(String, String)],
) -> Result<Child, BackupError> {
    let files = [
        ("postgresql.conf", "# settings come from the command line\n"),
        ("pg_hba.conf", "local all all trust\n"),
        ("pg_ident.conf", ""),
    ];
    for (name, text) in files {
        let path = run.join(name);
        fs::write(&path, text).map_err(BackupError::file("write", &path))?;
        give(&path, settings.account)?;
    }
    let stats = settings.data.join("pg_stat_tmp");
    if !stats.exists() {
        fs::DirBuilder::new().mode(0o700).create(&stats).map_err(BackupError::file("create", &stats))?;
        give(&stats, settings.account)?;
    }
    let run_text = run.display().to_string();
    let mut own = vec![
        ("config_file", format!("{run_text}/postgresql.conf")),
        ("hba_file", format!("{run_text}/pg_hba.conf")),
        ("ident_file", format!("{run_text}/pg_ident.conf")),
        ("unix_socket_directories", run_text),
        ("port", "5432".to_owned()),
        ("shared_buffers", "128MB".to_owned()),
        ("max_wal_size", "4GB".to_owned()),
        ("log_destination", "stderr".to_owned()),
    ];
    for (name, value) in FIXED_SETTINGS {
        own.push((name, value.to_owned()));
    }
    let mut command = command(settings, "postgres", run);
    command.arg("-D").arg(&settings.data);
    for (name, value) in
        own.into_iter().chain(replay.iter().map(|(name, value)| (name.as_str(), value.clone())))
    {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    let path = log_path(run);
    let log = File::create(&path).map_err(BackupError::file("create", &path))?;
    let second = log.try_clone().map_err(BackupError::file("open", &path))?;
    command.stdout(log).stderr(second).process_group(0).kill_on_drop(false);
    command.spawn().map_err(BackupError::file("run", &settings.binaries.program("postgres")))
}

/// Nothing leaves the machine, nothing is archived, nobody is asked for more log than the
/// `restore_command` gives, and no query is answered before recovery has ended.
const FIXED_SETTINGS: [(&str, &str); 14] = [
    ("listen_addresses", ""),
    ("ssl", "off"),
    ("archive_mode", "off"),
    ("archive_command", ""),
    ("archive_cleanup_command", ""),
    ("recovery_end_command", ""),
    ("primary_conninfo", ""),
    ("primary_slot_name", ""),
    ("synchronous_standby_names", ""),
    ("hot_standby", "off"),
    ("logging_collector", "off"),
    ("external_pid_file", ""),
    ("shared_preload_libraries", ""),
    ("fsync", "off"),
];

async fn replay_settings(
    settings: &ThrowAwaySettings,
    run: &Path,
) -> Result<Vec<(String, String)>, BackupError> {
    let mut command = command(settings, "pg_controldata", run);
    command.arg("-D").arg(&settings.data);
    let output = command.output().await;
    let output = output.map_err(BackupError::file("run", &settings.binaries.program("pg_controldata")))?;
    if !output.status.success() {
        return Err(BackupError::Program {
            program: "pg_controldata",
            status: output.status.to_string(),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    Ok(read_replay_settings(&String::from_utf8_lossy(&output.stdout)))
}

fn read_replay_settings(text: &str) -> Vec<(String, String)> {
    let find = |label: &str| text.lines().find_map(|line| line.strip_prefix(label)?.strip_prefix(':'));
    let found = REPLAY_SETTINGS.iter().filter_map(|(label, name)| {
        let value: u32 = find(label)?.trim().parse().ok()?;
        Some(((*name).to_owned(), value.to_string()))
    });
    found.collect()
}

/// The end of a log, where the reason is.
fn last_lines(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_replay_are_read_from_pg_controldata() {
        let text = "pg_control version number:            1300\n\
                    max_connections setting:              250\n\
                    max_worker_processes setting:         8\n\
                    max_prepared_xacts setting:           3\n\
                    max_locks_per_xact setting:           many\n";
        let read = read_replay_settings(text);
        let expected =
            [("max_connections", "250"), ("max_worker_processes", "8"), ("max_prepared_transactions", "3")];
        let read: Vec<(&str, &str)> =
            read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(read, expected);
    }
}
