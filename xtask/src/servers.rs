//! A PostgreSQL and a Redis for one run: in a temporary folder, on free ports, durable for
//! nothing, and stopped whatever happens. The tests find them, and programs of others that some
//! of them start, by environment variables.

mod outside;
mod postgres;
mod redis;
mod versions;
mod weed;

pub(crate) use outside::{COMPOSE, python_with};
pub(crate) use versions::find_or_unpack as postgresql_of_wheel;
pub(crate) use weed::program as weed;

use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use self::outside::OutsidePrograms;
use crate::clock;
use crate::interrupt::Interrupt;
use crate::packages;
use crate::workspace;

/// Who runs PostgreSQL when this process is root, which PostgreSQL refuses to be.
const SERVANT_USER: &str = "nobody";
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Both servers. They stop when this is dropped.
pub(crate) struct Servers {
    // Fields are dropped in this order: the folder goes last.
    redis: Server,
    postgres: Server,
    postgresql_folders: OsString,
    object_store: Option<PathBuf>,
    outside: OutsidePrograms,
    folder: TempDir,
}

impl Servers {
    /// Installs what is missing and starts both.
    pub(crate) fn start(interrupt: &Interrupt) -> Result<Self> {
        let binaries = packages::need_postgresql(interrupt)?;
        let redis_program = packages::need_redis(interrupt)?;
        let folder = tempfile::Builder::new()
            .prefix("larder-test-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempdir()
            .context("cannot make a temporary folder")?;
        let postgres = postgres::start(interrupt, &binaries, folder.path())?;
        let redis = redis::start(interrupt, &redis_program, folder.path())?;
        let postgresql_folders = versions::folders(interrupt, &binaries)?;
        let object_store = weed::program(interrupt)?;
        let outside = OutsidePrograms::find_or_install(interrupt)?;
        Ok(Self { redis, postgres, postgresql_folders, object_store, outside, folder })
    }

    /// The folder of this run; its other contents may be anything.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A PostgreSQL URL of the superuser.
    pub(crate) fn database_url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.postgres.port)
    }

    pub(crate) fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.redis.port)
    }

    /// Tells a program where the servers are.
    pub(crate) fn describe_to(&self, command: &mut Command) {
        workspace::hide_own_variables(command);
        command.env("LARDER_TEST_DATABASE_URL", self.database_url());
        command.env("LARDER_TEST_REDIS_URL", self.redis_url());
        command.env("LARDER_TEST_POSTGRESQL_DIRS", &self.postgresql_folders);
        if let Some(program) = &self.object_store {
            command.env("LARDER_TEST_WEED", program);
        }
        self.outside.describe_to(command);
    }
}

/// A server that this process started, and stops when it is dropped.
struct Server {
    name: &'static str,
    port: u16,
    child: Child,
    stop_signal: Signal,
}

impl Server {
    /// Waits until the server answers; fails with its log when it ends before.
    fn wait_until_ready(
        &mut self,
        interrupt: &Interrupt,
        log: &Path,
        mut ready: impl FnMut(u16) -> bool,
    ) -> Result<()> {
        let port = self.port;
        let child = &mut self.child;
        let answer = clock::wait_for(Duration::from_secs(30), || {
            if ready(port) {
                return Some(true);
            }
            let ended = child.try_wait().is_ok_and(|status| status.is_some());
            (ended || interrupt.check().is_err()).then_some(false)
        });
        interrupt.check()?;
        if answer == Some(true) {
            return Ok(());
        }
        let log = std::fs::read_to_string(log).unwrap_or_default();
        bail!("{} did not start; its log says:\n{}", self.name, log.trim());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself, which is as good.
            kill_process(pid, self.stop_signal).ok();
        }
        let stopped = clock::wait_for(STOP_LIMIT, || self.child.try_wait().ok().flatten());
        if stopped.is_none() {
            eprintln!("xtask: {} did not stop within {STOP_LIMIT:?} and is killed", self.name);
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// A port that is free now. Another program may take it before the server does; then the
/// server says so and the run fails.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// A call of a program that ends with this process even when that is killed, and that is
/// not root when this process is.
fn servant(program: &Path) -> Command {
    let mut command = match packages::find_program("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "INT"]);
            if packages::is_root() {
                command.args(["--reuid", SERVANT_USER, "--regid", "nogroup", "--clear-groups"]);
            }
            command.arg(program);
            command
        }
        None => Command::new(program),
    };
    // Ctrl-C in a terminal reaches every program of the foreground group: the servers
    // must outlive the tests, so they are not in it.
    command.process_group(0).env("LC_ALL", "C.UTF-8");
    command
}
