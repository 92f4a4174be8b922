//! The files that a backup must bring, each checked off when it was written as the server had it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::BackupError;
use crate::manifest::server::{FileSum, ServerFile, ServerManifest};

const PREFIX: &str = "INCREMENTAL.";

/// The files of one backup.
pub(super) struct ExpectedFiles {
    backup_id: String,
    /// Whether it is laid over an earlier one.
    pub(super) is_update: bool,
    known: HashMap<PathBuf, ServerFile>,
    waiting: Mutex<HashMap<PathBuf, ServerFile>>,
    files: AtomicU64,
    bytes: AtomicU64,
}

impl ExpectedFiles {
    pub(super) fn new(manifest: ServerManifest, backup_id: String, is_update: bool) -> Self {
        Self {
            backup_id,
            is_update,
            known: manifest.files.clone(),
            waiting: Mutex::new(manifest.files),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Compares a file that was written with what the server said of it.
    pub(super) fn check_off(&self, path: &Path, written: &Written) -> Result<(), String> {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(written.size_bytes, Ordering::Relaxed);
        let mut waiting = self.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(expected) = waiting.remove(path) else {
            // WAL has checksums of its own in every record, and the server's manifest leaves it out.
            return if path.starts_with("pg_wal") {
                Ok(())
            } else {
                Err(format!("{} is in the archive and not in the server's manifest", path.display()))
            };
        };
        drop(waiting);
        if expected.size_bytes != written.size_bytes {
            return Err(format!(
                "{} has {} bytes and had {}",
                path.display(),
                written.size_bytes,
                expected.size_bytes
            ));
        }
        if written.matches(&expected.sum) {
            return Ok(());
        }
        Err(format!("the content of {} is not what the server sent", path.display()))
    }

    /// How a file is to be hashed.
    pub(super) fn sum_of(&self, path: &Path) -> FileSum {
        self.known.get(path).map_or(FileSum::None, |file| file.sum.clone())
    }

    /// Whether the finished cluster has this file: as it is, or put together from its changes.
    pub(super) fn knows(&self, path: &Path) -> bool {
        self.known.contains_key(path) || self.known.contains_key(&incremental_name(path))
    }

    pub(super) fn refuse_missing(&self) -> Result<(), BackupError> {
        let waiting = self.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(first) = waiting.keys().min() else { return Ok(()) };
        Err(BackupError::Refused(format!(
            "{} of the files of {} did not come, {} first: use another backup",
            waiting.len(),
            self.backup_id,
            first.display()
        )))
    }

    pub(super) fn written_files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    pub(super) fn written_bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// The name under which the changes of a file come.
fn incremental_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(PREFIX);
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}

/// The file whose changes come under this name.
pub(super) fn changed_file(path: &Path) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let name = path.file_name()?.as_bytes().strip_prefix(PREFIX.as_bytes())?;
    Some(path.with_file_name(std::ffi::OsStr::from_bytes(name)))
}

/// The sums of a file while it is written.
pub(super) struct Written {
    size_bytes: u64,
    sum: RunningSum,
}

enum RunningSum {
    None,
    Crc32c(u32),
    Sha256(Box<aws_lc_rs::digest::Context>),
}

impl Written {
    pub(super) fn new(as_in: &FileSum) -> Self {
        let sum = match as_in {
            FileSum::None => RunningSum::None,
            FileSum::Crc32c(_) => RunningSum::Crc32c(0),
            FileSum::Sha256(_) => {
                RunningSum::Sha256(Box::new(aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256)))
            }
        };
        Self { size_bytes: 0, sum }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.size_bytes += bytes.len() as u64;
        match &mut self.sum {
            RunningSum::None => {}
            RunningSum::Crc32c(sum) => *sum = crc32c::crc32c_append(*sum, bytes),
            RunningSum::Sha256(context) => context.update(bytes),
        }
    }

    fn matches(&self, expected: &FileSum) -> bool {
        match (&self.sum, expected) {
            (RunningSum::None, FileSum::None) => true,
            (RunningSum::Crc32c(sum), FileSum::Crc32c(expected)) => sum == expected,
            (RunningSum::Sha256(context), FileSum::Sha256(expected)) => {
                context.as_ref().clone().finish().as_ref() == expected
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_named_after_their_file() {
        let changes = incremental_name(Path::new("base/5/1234.1"));
        assert_eq!(changes, Path::new("base/5/INCREMENTAL.1234.1"));
        assert_eq!(changed_file(&changes).unwrap(), Path::new("base/5/1234.1"));
        assert_eq!(changed_file(Path::new("base/5/1234")), None);
    }

    #[test]
    fn a_file_is_checked_off_once_and_only_as_it_was() {
        let text = r#"{"Files": [{"Path": "PG_VERSION", "Size": 3, "Checksum-Algorithm": "CRC32C", "Checksum": "SUM"}]}"#;
        let sum: String =
            crc32c::crc32c(b"17\n").to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = || {
            let manifest = ServerManifest::read(text.replace("SUM", &sum).as_bytes()).unwrap();
            ExpectedFiles::new(manifest, "b".to_owned(), false)
        };
        let written = |bytes: &[u8]| {
            let mut written = Written::new(&FileSum::Crc32c(0));
            written.update(bytes);
            written
        };
        let path = Path::new("PG_VERSION");
        for wrong in [b"15\n".as_slice(), b"17", b"17\n\n"] {
            assert!(expected().check_off(path, &written(wrong)).is_err());
        }
        let right = expected();
        assert!(right.refuse_missing().is_err());
        right.check_off(path, &written(b"17\n")).unwrap();
        right.refuse_missing().unwrap();
        assert!(right.check_off(path, &written(b"17\n")).is_err(), "it came twice");
        right.check_off(Path::new("pg_wal/000000010000000000000002"), &written(b"x")).unwrap();
        assert!(right.check_off(Path::new("evil.so"), &written(b"x")).is_err());
    }
}
