//! One larder at a time on one cluster. The lock belongs to the open file, so the system gives it
//! back when its holder dies in whatever way.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::{FlockOperation, flock};

use super::place::{Place, on};
use crate::error::DatabaseError;

/// Held for as long as the cluster may have a server.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock of a cluster, or says who has it.
    pub(crate) fn take(place: &Place) -> Result<Self, DatabaseError> {
        let path = place.home.join("postgres.lock");
        let options =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = on(options, "open", &path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(DatabaseError::FolderInUse {
                    folder: place.data_dir.clone(),
                    pid: holder_of(&mut file),
                });
            }
            Err(error) => return on(Err(error.into()), "lock", &path),
        }
        on(write_holder(&mut file), "write", &path)?;
        Ok(Self { _file: file })
    }
}

fn holder_of(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.read_to_string(&mut text);
    let pid = text.trim();
    if pid.is_empty() { "unknown".to_owned() } else { pid.to_owned() }
}

fn write_holder(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}
