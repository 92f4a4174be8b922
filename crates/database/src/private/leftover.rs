//! What a killed larder left behind: a server that still runs, or the traces of one that does
//! not. Called with the folder locked, so no living larder can own what is found here.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::place::{Place, on};
use super::postmaster::{FAST_STOP_LIMIT, IMMEDIATE_STOP_LIMIT};
use crate::error::DatabaseError;

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Stops a server of this cluster that has lost its larder, and removes stale files.
pub(crate) async fn stop_postmaster(place: &Place) -> Result<(), DatabaseError> {
    let pid_file = place.cluster.join("postmaster.pid");
    if let Some(pid) = read_pid(&pid_file)
        && is_postmaster_of(pid, &place.cluster)
    {
        tracing::warn!(
            process.pid = pid.as_raw_nonzero().get(),
            "stopping the database a killed larder left"
        );
        stop_orphan(pid, &place.cluster).await?;
    }
    disown(&pid_file)?;
    remove_if_there(&place.sockets.join(".s.PGSQL.5432"))?;
    remove_if_there(&place.sockets.join(".s.PGSQL.5432.lock"))
}

/// A server is not adopted: only a child can be waited for, and its settings may be outdated.
async fn stop_orphan(pid: Pid, cluster: &Path) -> Result<(), DatabaseError> {
    for (signal, limit) in [(Signal::INT, FAST_STOP_LIMIT), (Signal::QUIT, IMMEDIATE_STOP_LIMIT)] {
        // It may have ended by itself since it was looked at.
        let _ = kill_process(pid, signal);
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if !is_postmaster_of(pid, cluster) {
                return Ok(());
            }
            sleep(POLL_INTERVAL).await;
        }
    }
    let waited_s = (FAST_STOP_LIMIT + IMMEDIATE_STOP_LIMIT).as_secs();
    Err(DatabaseError::Stop { pid: pid.as_raw_nonzero().get().unsigned_abs(), waited_s })
}

/// The first line of `postmaster.pid` is the process id.
fn read_pid(pid_file: &Path) -> Option<Pid> {
    let text = fs::read_to_string(pid_file).ok()?;
    Pid::from_raw(text.lines().next()?.trim().parse().ok().filter(|pid| *pid > 0)?)
}

/// PostgreSQL refuses to start when the process id in its file is alive, though by now it may be
/// somebody else's; our own id it knows to be its parent's. The rest of the file has to stay: by
/// it the new server finds sessions of a killed one that still write to the same cluster.
fn disown(pid_file: &Path) -> Result<(), DatabaseError> {
    let text = match fs::read_to_string(pid_file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        text => on(text, "read", pid_file)?,
    };
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    on(fs::write(pid_file, format!("{}\n{rest}", std::process::id())), "write", pid_file)
}

/// Process ids are used again, so the command line has to be that of a server of this cluster. A
/// process that has ended and is not yet reaped has an empty one.
fn is_postmaster_of(pid: Pid, cluster: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())) else { return false };
    let arguments: Vec<PathBuf> = line
        .split(|byte| *byte == 0)
        .map(|word| PathBuf::from(String::from_utf8_lossy(word).as_ref()))
        .collect();
    let is_server =
        arguments.first().and_then(|program| program.file_name()).is_some_and(|name| name == "postgres");
    is_server && arguments.iter().any(|argument| argument == cluster)
}

fn remove_if_there(path: &Path) -> Result<(), DatabaseError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => on(Err(error), "remove", path),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_id_that_was_used_again_is_not_a_server() {
        let this_test = rustix::process::getpid();
        assert!(!is_postmaster_of(this_test, Path::new("/var/lib/larder/0a1b/postgres")));
    }

    #[test]
    fn only_the_process_id_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("postmaster.pid");
        disown(&path).unwrap();
        assert!(!path.exists());
        fs::write(&path, "4711\n/data\n1790000000\n5432\n/run/x\n\n  123 456\n").unwrap();
        disown(&path).unwrap();
        let expected = format!("{}\n/data\n1790000000\n5432\n/run/x\n\n  123 456\n", std::process::id());
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn a_damaged_process_id_file_is_no_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("postmaster.pid");
        for text in ["", "garbage\n", "0\n", "-12\n/data\n"] {
            fs::write(&path, text).unwrap();
            assert!(read_pid(&path).is_none(), "{text:?}");
        }
        fs::write(&path, "4711\n/data\n").unwrap();
        assert_eq!(read_pid(&path), Pid::from_raw(4711));
    }
}
