//! A PostgreSQL that forgets: no fsync, one superuser without a password, reachable on
//! 127.0.0.1 and on a socket in the run's folder.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::{SERVANT_USER, Server, free_port, servant};
use crate::interrupt::Interrupt;
use crate::packages;

const SETTINGS: [&str; 7] = [
    "listen_addresses=127.0.0.1",
    "max_connections=300",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "timezone=UTC",
    "log_timezone=UTC",
];

/// Makes a cluster under `folder` and starts it.
pub(super) fn start(interrupt: &Interrupt, binaries: &Path, folder: &Path) -> Result<Server> {
    let home = make_home(folder)?;
    let data = home.join("data");
    initialise(binaries, &data)?;
    interrupt.check()?;
    let port = free_port()?;
    let log = folder.join("postgres.log");
    let mut command = servant(&binaries.join("postgres"));
    command.arg("-D").arg(&data).arg("-k").arg(&home).arg("-p").arg(port.to_string());
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    let output = File::create(&log)?;
    command.current_dir(&home).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let child = command.spawn().context("PostgreSQL did not start")?;
    // SIGINT is PostgreSQL's fast shutdown: it waits for no client.
    let mut server = Server { name: "PostgreSQL", port, child, stop_signal: Signal::INT };
    let is_ready = binaries.join("pg_isready");
    server.wait_until_ready(interrupt, &log, |port| answers(&is_ready, port))?;
    Ok(server)
}

/// A folder that belongs to the user PostgreSQL runs as.
fn make_home(folder: &Path) -> Result<PathBuf> {
    let home = folder.join("postgres");
    std::fs::create_dir(&home)?;
    if packages::is_root() {
        let output = Command::new("id").args(["-u", SERVANT_USER]).output()?;
        let id = String::from_utf8_lossy(&output.stdout).trim().parse();
        let id = id.with_context(|| format!("this machine has no user `{SERVANT_USER}`"))?;
        std::os::unix::fs::chown(&home, Some(id), None)?;
    }
    Ok(home)
}

fn initialise(binaries: &Path, data: &Path) -> Result<()> {
    let output = servant(&binaries.join("initdb"))
        .arg("-D")
        .arg(data)
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions"])
        .current_dir("/")
        .output()
        .context("initdb did not start")?;
    if !output.status.success() {
        bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn answers(is_ready: &Path, port: u16) -> bool {
    Command::new(is_ready)
        .args(["-q", "-h", "127.0.0.1", "-p"])
        .arg(port.to_string())
        .status()
        .is_ok_and(|status| status.success())
}
