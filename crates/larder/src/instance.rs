//! One `larder up` a data folder. While it runs it holds a lock there and keeps a note of
//! its addresses, so that other commands on the same folder find it without being told.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::error::CommandError;

const LOCK_FILE: &str = "up.lock";

/// Where a running `larder up` can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Addresses {
    /// The gateway's API.
    pub(crate) gateway: SocketAddr,
    /// The gateway's ops port.
    pub(crate) gateway_ops: SocketAddr,
    /// The recommendation service's API.
    pub(crate) recommendation: SocketAddr,
    /// The recommendation service's ops port.
    pub(crate) recommendation_ops: SocketAddr,
    /// The backup service's API, where it runs.
    pub(crate) backup: Option<SocketAddr>,
    /// The backup service's ops port.
    pub(crate) backup_ops: Option<SocketAddr>,
    /// The alerting service's API.
    pub(crate) alerting: SocketAddr,
    /// The alerting service's ops port.
    pub(crate) alerting_ops: SocketAddr,
}

/// What the note in the lock file says.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    pid: u32,
    /// Absent until everything is up.
    addresses: Option<Addresses>,
    /// The private database's address. The file is for its owner alone.
    database_url: Option<String>,
}

/// Another process's `larder up`, as its note describes it.
#[derive(Debug)]
pub(crate) struct RunningInstance {
    /// Where it listens.
    pub(crate) addresses: Option<Addresses>,
    /// Its private database, when it runs one.
    pub(crate) database_url: Option<SecretString>,
}

/// The lock of a data folder; given back when it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    file: File,
    path: PathBuf,
}

impl InstanceLock {
    /// Takes the lock, or tells who holds it.
    pub(crate) fn take(data_dir: &Path) -> Result<Self, CommandError> {
        std::fs::create_dir_all(data_dir).map_err(CommandError::file(data_dir))?;
        let path = data_dir.join(LOCK_FILE);
        let mut file = open(&path).map_err(CommandError::file(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(data_dir, &mut file)),
            Err(TryLockError::Error(source)) => return Err(CommandError::File { path, source }),
        }
        let mut lock = Self { file, path };
        lock.note(None, None)?;
        Ok(lock)
    }

    /// Notes where everything is, for other commands.
    pub(crate) fn note(
        &mut self,
        addresses: Option<Addresses>,
        database_url: Option<&SecretString>,
    ) -> Result<(), CommandError> {
        let database_url = database_url.map(|url| url.expose_secret().to_owned());
        let note = serde_json::to_vec(&Note { pid: std::process::id(), addresses, database_url });
        let note = note.expect("a note of numbers and texts is JSON");
        let written =
            self.file.rewind().and_then(|()| self.file.set_len(0)).and_then(|()| self.file.write_all(&note));
        written.map_err(CommandError::file(&self.path))
    }
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        // The note is of no use to anybody now. The file stays: removing it would let two
        // processes lock two files of the same name.
        let _ = self.file.set_len(0);
    }
}

/// The `larder up` that runs on this data folder, if one does.
pub(crate) fn running(data_dir: &Path) -> Option<RunningInstance> {
    let mut file = File::open(data_dir.join(LOCK_FILE)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        // Nobody holds it: what the file says is left over from a process that was killed.
        Ok(()) | Err(TryLockError::Error(_)) => return None,
    }
    let note = read_note(&mut file)?;
    Some(RunningInstance {
        addresses: note.addresses,
        database_url: note.database_url.map(SecretString::from),
    })
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn read_note(file: &mut File) -> Option<Note> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn in_use(data_dir: &Path, file: &mut File) -> CommandError {
    let who = read_note(file).map_or_else(String::new, |note| format!(" (process {})", note.pid));
    CommandError::Refused(format!(
        "another `larder up`{who} is running on {}; stop it first, or give this one a folder of its own \
         with LARDER_DATA_DIR (setting `data_dir`)",
        data_dir.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder_and_its_note_is_found_only_while_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        assert!(running(folder.path()).is_none());
        let mut lock = InstanceLock::take(folder.path()).unwrap();
        let refusal = InstanceLock::take(folder.path()).unwrap_err().to_string();
        assert!(refusal.contains(&format!("process {}", std::process::id())), "{refusal}");

        let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        let addresses = Addresses {
            gateway: address,
            gateway_ops: address,
            recommendation: address,
            recommendation_ops: address,
            backup: None,
            backup_ops: None,
            alerting: address,
            alerting_ops: address,
        };
        lock.note(Some(addresses.clone()), Some(&"postgres://socket".into())).unwrap();
        assert_eq!(running(folder.path()).unwrap().addresses, Some(addresses));
        drop(lock);
        assert!(running(folder.path()).is_none());
        InstanceLock::take(folder.path()).unwrap();
    }
}
