//! The folder of snapshot files, `<tenant>/<version>.snapshot`. A file appears whole or
//! not at all, and is believed only when its checksum is the one that was registered.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use larder_ranking::{Snapshot, SnapshotError};

const EXTENSION: &str = "snapshot";

/// Why a snapshot file does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SnapshotFileError {
    #[error("the snapshot file cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    #[error("the snapshot's checksum is {found}, registered is {registered}")]
    Checksum { found: String, registered: String },
    #[error("the snapshot is refused: {0}")]
    Format(#[from] SnapshotError),
    #[error("the snapshot belongs to another tenant")]
    OtherTenant,
}

/// A file that was written.
pub(crate) struct WrittenSnapshot {
    pub(crate) size_bytes: i64,
    pub(crate) checksum_sha256: String,
}

/// The folder of snapshot files. Its calls block: run them where blocking is allowed.
#[derive(Clone)]
pub(crate) struct SnapshotFolder {
    folder: PathBuf,
}

impl SnapshotFolder {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, tenant: &str, version: &str) -> PathBuf {
        self.folder.join(tenant).join(format!("{version}.{EXTENSION}"))
    }

    /// Writes a snapshot beside its final name, makes it durable, and renames it.
    pub(crate) fn write(&self, snapshot: &Snapshot) -> Result<WrittenSnapshot, SnapshotFileError> {
        let bytes = snapshot.encode();
        let path = self.path(snapshot.tenant(), snapshot.version());
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        fs::File::open(folder)?.sync_all()?;
        Ok(WrittenSnapshot {
            size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            checksum_sha256: checksum(&bytes),
        })
    }

    /// Reads a registered snapshot.
    pub(crate) fn read(
        &self,
        tenant: &str,
        version: &str,
        registered: &str,
    ) -> Result<Snapshot, SnapshotFileError> {
        let bytes = fs::read(self.path(tenant, version))?;
        let found = checksum(&bytes);
        if found != registered {
            return Err(SnapshotFileError::Checksum { found, registered: registered.to_owned() });
        }
        decode(tenant, &bytes)
    }

    /// Reads the newest snapshot of a tenant that is whole, without the register: what is
    /// served while the database cannot be asked.
    pub(crate) fn newest(&self, tenant: &str) -> Option<Snapshot> {
        self.versions(tenant).into_iter().rev().find_map(|version| {
            let bytes = fs::read(self.path(tenant, &version)).ok()?;
            decode(tenant, &bytes).ok()
        })
    }

    /// The tenants that have a folder.
    pub(crate) fn tenants(&self) -> Vec<String> {
        names(&self.folder)
    }

    /// The versions on disk, the oldest first.
    pub(crate) fn versions(&self, tenant: &str) -> Vec<String> {
        let mut versions: Vec<_> = names(&self.folder.join(tenant))
            .into_iter()
            .filter_map(|name| name.strip_suffix(&format!(".{EXTENSION}")).map(str::to_owned))
            .collect();
        versions.sort();
        versions
    }

    /// Removes a version; one that is gone already is no error.
    pub(crate) fn remove(&self, tenant: &str, version: &str) -> std::io::Result<()> {
        match fs::remove_file(self.path(tenant, version)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Rewrites every snapshot that knows the customer and returns the versions with
    /// their new size and checksum.
    pub(crate) fn erase_customer(
        &self,
        tenant: &str,
        customer_id: &str,
    ) -> Result<Vec<(String, WrittenSnapshot)>, SnapshotFileError> {
        let mut rewritten = Vec::new();
        for version in self.versions(tenant) {
            let Ok(bytes) = fs::read(self.path(tenant, &version)) else { continue };
            let Ok(snapshot) = decode(tenant, &bytes) else { continue };
            if let Some(without) = snapshot.without_customer(customer_id) {
                rewritten.push((version, self.write(&without)?));
            }
        }
        Ok(rewritten)
    }
}

fn decode(tenant: &str, bytes: &[u8]) -> Result<Snapshot, SnapshotFileError> {
    let snapshot = Snapshot::decode(bytes)?;
    if snapshot.tenant() == tenant { Ok(snapshot) } else { Err(SnapshotFileError::OtherTenant) }
}

fn checksum(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}
