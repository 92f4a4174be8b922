//! The folder of snapshot files, `<tenant>/<version>.snapshot`. A file appears whole or
//! not at all, and is believed only when its checksum is the one that was registered.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use larder_ranking::{Serving, Snapshot, SnapshotError};

use crate::kept_facts::{KeptFacts, KeptFactsError};

const EXTENSION: &str = "snapshot";
/// What a training writes before it gives the file its name.
const HALF_WRITTEN: &str = ".training";
/// Names the version that served last, for a start without the database.
const SERVING: &str = "serving";
/// Holds profiles and changed products, for a start without the database.
const FACTS: &str = "facts";

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

    /// Where the files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, tenant: &str, version: &str) -> PathBuf {
        self.folder.join(tenant).join(format!("{version}.{EXTENSION}"))
    }

    /// Writes a snapshot beside its final name, makes it durable, and renames it.
    fn write(&self, snapshot: &Snapshot, suffix: &str) -> Result<WrittenSnapshot, SnapshotFileError> {
        let bytes = snapshot.encode();
        write_whole(&self.path(snapshot.tenant(), snapshot.version()), &bytes, suffix)?;
        Ok(WrittenSnapshot {
            size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            checksum_sha256: checksum(&bytes),
        })
    }

    /// Writes the snapshot of a training; what is left of it when the training dies is removed by
    /// [`Self::remove_half_written`].
    pub(crate) fn write_trained(&self, snapshot: &Snapshot) -> Result<WrittenSnapshot, SnapshotFileError> {
        self.write(snapshot, HALF_WRITTEN)
    }

    /// Removes what trainings of the tenant left that never ended, and tells how many files that
    /// were. Only for whoever holds the training lock: nobody else is writing one then.
    pub(crate) fn remove_half_written(&self, tenant: &str) -> std::io::Result<usize> {
        let folder = self.folder.join(tenant);
        let left: Vec<_> = names(&folder).into_iter().filter(|name| name.ends_with(HALF_WRITTEN)).collect();
        left.iter().try_for_each(|name| fs::remove_file(folder.join(name)))?;
        Ok(left.len())
    }

    /// Writes what answers need beside the models; the file is replaced whole.
    pub(crate) fn write_facts(&self, facts: &KeptFacts) -> std::io::Result<()> {
        write_whole(&self.folder.join(&facts.tenant).join(FACTS), &facts.encode()?, ".facts")
    }

    /// Reads what answers need beside the models; `None` when nothing was kept.
    pub(crate) fn read_facts(&self, tenant: &str) -> Result<Option<KeptFacts>, KeptFactsError> {
        match fs::read(self.folder.join(tenant).join(FACTS)) {
            Ok(bytes) => KeptFacts::decode(tenant, &bytes).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what was kept beside the models.
    pub(crate) fn remove_facts(&self, tenant: &str) -> std::io::Result<()> {
        match fs::remove_file(self.folder.join(tenant).join(FACTS)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Notes which version of a tenant serves.
    pub(crate) fn note_serving(&self, tenant: &str, version: &str) -> std::io::Result<()> {
        write_whole(&self.folder.join(tenant).join(SERVING), version.as_bytes(), ".note")
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

    /// Reads, without the register, the snapshot of a tenant that served last, or else the newest
    /// one that is whole: what is served while the database cannot be asked. A newer file may be of
    /// a model that was rejected.
    pub(crate) fn newest(&self, tenant: &str) -> Option<Snapshot> {
        let served_last = fs::read_to_string(self.folder.join(tenant).join(SERVING)).ok();
        let by_age = self.versions(tenant).into_iter().rev();
        served_last.into_iter().chain(by_age).find_map(|version| {
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
                rewritten.push((version, self.write(&without, "")?));
            }
        }
        Ok(rewritten)
    }

    /// Rewrites a snapshot that was just trained without the customers that `is_erased` knows, and
    /// tells its size and checksum as they are now. Its training may have read them before they
    /// were erased.
    pub(crate) fn erase_from_new(
        &self,
        tenant: &str,
        version: &str,
        is_erased: impl Fn(&str) -> bool,
    ) -> Result<WrittenSnapshot, SnapshotFileError> {
        let bytes = fs::read(self.path(tenant, version))?;
        let mut snapshot = decode(tenant, &bytes)?;
        let serving = Serving::new(Arc::new(snapshot.clone()));
        for customer_id in serving.customer_ids().filter(|id| is_erased(id)) {
            if let Some(without) = snapshot.without_customer(customer_id) {
                snapshot = without;
            }
        }
        self.write(&snapshot, "")
    }
}

/// Writes beside the final name, makes it durable, and renames it.
fn write_whole(path: &Path, bytes: &[u8], suffix: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().suffix(suffix).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

fn decode(tenant: &str, bytes: &[u8]) -> Result<Snapshot, SnapshotFileError> {
    let snapshot = Snapshot::decode(bytes)?;
    if snapshot.tenant() == tenant { Ok(snapshot) } else { Err(SnapshotFileError::OtherTenant) }
}

pub(crate) fn checksum(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}
