//! One larder at a time on one cluster. The lock belongs to the open file, so the system gives it
//! back when its holder dies in whatever way.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::place::on;
use crate::error::DatabaseError;

/// Held for as long as the cluster may have a server.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock of the cluster in `home`, or says who runs the one of `data_dir`.
    pub(crate) fn take(home: &Path, data_dir: &Path) -> Result<Self, DatabaseError> {
        let path = home.join("postgres.lock");
        let options =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = on(options, "open", &path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(DatabaseError::FolderInUse {
                    folder: data_dir.to_owned(),
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
