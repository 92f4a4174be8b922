//! The dumps at the targets: listed, found and removed as the backups of the whole cluster are, beside
//! them.

use std::sync::Arc;

use crate::error::BackupError;
use crate::manifest::{BackupId, MANIFEST_NAME, MOST_MANIFEST_BYTES};
use crate::target::{ObjectKey, SharedTarget, read_small};
use crate::vault::{HOLD, Hold, MOST_MARK_BYTES, Vault};

use super::manifest::DumpManifest;

/// A dump at one target.
#[derive(Debug, Clone)]
pub struct StoredDump {
    /// The target's name.
    pub target: String,
    /// Its manifest.
    pub manifest: Arc<DumpManifest>,
    /// The order to keep it.
    pub hold: Option<Hold>,
}

/// What is at one target.
#[derive(Debug, Default)]
pub struct DumpListing {
    /// Dumps, the newest first.
    pub dumps: Vec<StoredDump>,
    /// Dumps whose manifest cannot be read, and why.
    pub damaged: Vec<(BackupId, String)>,
    /// Folders without a manifest: on their way, or left behind.
    pub uncommitted: Vec<BackupId>,
}

impl Vault {
    /// What the names of all dumps begin with.
    pub(crate) fn dump_prefix(&self) -> String {
        format!("{}/dumps/", self.cluster)
    }

    pub(super) fn dump_folder(&self, id: &BackupId) -> Result<ObjectKey, BackupError> {
        let text = format!("{}{id}", self.dump_prefix());
        text.parse().map_err(|error| BackupError::Refused(format!("the cluster's name: {error}")))
    }

    pub(super) fn dump_key(&self, id: &BackupId, name: &str) -> Result<ObjectKey, BackupError> {
        self.dump_folder(id)?.join(name).map_err(|error| BackupError::Refused(error.to_string()))
    }

    /// Every dump at one target.
    ///
    /// # Errors
    /// As the target has it. A damaged manifest is no error: it is listed as such.
    pub async fn list_dumps(&self, target: &SharedTarget) -> Result<DumpListing, BackupError> {
        let mut listing = DumpListing::default();
        let names = target.list_folders(&self.dump_prefix()).await?;
        for id in names.iter().rev().filter_map(|name| name.parse::<BackupId>().ok()) {
            match self.read_dump_manifest(target, &id).await {
                Ok(manifest) => {
                    let hold = self.read_dump_hold(target, &id).await?;
                    let (target, manifest) = (target.name().to_owned(), Arc::new(manifest));
                    listing.dumps.push(StoredDump { target, manifest, hold });
                }
                Err(BackupError::NoSuchDump(_)) => listing.uncommitted.push(id),
                Err(BackupError::Damaged { cause, .. }) => listing.damaged.push((id, cause)),
                Err(error) => return Err(error),
            }
        }
        Ok(listing)
    }

    /// Reads the manifest of a dump at a target.
    ///
    /// # Errors
    /// [`BackupError::NoSuchDump`], and [`BackupError::Damaged`] for one that is not as written.
    pub async fn read_dump_manifest(
        &self,
        target: &SharedTarget,
        id: &BackupId,
    ) -> Result<DumpManifest, BackupError> {
        let key = self.dump_key(id, MANIFEST_NAME)?;
        let bytes = match read_small(target.as_ref(), &key, MOST_MANIFEST_BYTES).await {
            Err(error) if error.is_not_found() => return Err(BackupError::NoSuchDump(id.to_string())),
            read => read?,
        };
        let damaged = |cause: String| BackupError::Damaged {
            target: target.name().to_owned(),
            object: key.to_string(),
            cause,
        };
        let manifest = DumpManifest::read(&bytes).map_err(|error| damaged(error.to_string()))?;
        if manifest.dump_id != *id {
            return Err(damaged(format!("it is the manifest of {}", manifest.dump_id)));
        }
        Ok(manifest)
    }

    /// Reads the order to keep a dump at a target, if there is one.
    ///
    /// # Errors
    /// As the target has it.
    pub async fn read_dump_hold(
        &self,
        target: &SharedTarget,
        id: &BackupId,
    ) -> Result<Option<Hold>, BackupError> {
        match read_small(target.as_ref(), &self.dump_key(id, HOLD)?, MOST_MARK_BYTES).await {
            Err(error) if error.is_not_found() => Ok(None),
            read => Ok(Some(Hold::read(&read?))),
        }
    }

    /// Forbids that a dump is removed from any target that holds it.
    ///
    /// # Errors
    /// As the targets have it; a hold that was there before stays as it was.
    pub async fn hold_dump(&self, id: &BackupId, hold: &Hold) -> Result<(), BackupError> {
        for target in self.dump_holders(id).await? {
            hold.put(&target, &self.dump_key(id, HOLD)?).await?;
        }
        Ok(())
    }

    /// Allows the removal again.
    ///
    /// # Errors
    /// As the targets have it.
    pub async fn release_dump(&self, id: &BackupId) -> Result<(), BackupError> {
        for target in self.dump_holders(id).await? {
            target.remove(&self.dump_key(id, HOLD)?).await?;
        }
        Ok(())
    }

    async fn dump_holders(&self, id: &BackupId) -> Result<Vec<SharedTarget>, BackupError> {
        let mut holders = Vec::new();
        for target in &self.targets {
            match self.read_dump_manifest(target, id).await {
                Err(BackupError::NoSuchDump(_)) => {}
                Ok(_) | Err(BackupError::Damaged { .. }) => holders.push(target.clone()),
                Err(error) => return Err(error),
            }
        }
        if holders.is_empty() {
            return Err(BackupError::NoSuchDump(id.to_string()));
        }
        Ok(holders)
    }

    /// Finds a dump: the first target that holds it, of those asked for.
    ///
    /// # Errors
    /// [`BackupError::NoSuchDump`] when none does; else the error of the last one asked.
    pub async fn find_dump(
        &self,
        id: &BackupId,
        target: Option<&str>,
    ) -> Result<(SharedTarget, DumpManifest), BackupError> {
        let mut refusal = BackupError::NoSuchDump(id.to_string());
        for target in self.targets_named(target)? {
            match self.read_dump_manifest(&target, id).await {
                Ok(manifest) => return Ok((target, manifest)),
                Err(BackupError::NoSuchDump(_)) => {}
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// Removes a dump from a target, its manifest first. Whether it may go is decided by whoever calls.
    ///
    /// # Errors
    /// As the target has it; then the dump is gone and some of its objects are left.
    pub async fn remove_dump(&self, target: &SharedTarget, id: &BackupId) -> Result<(), BackupError> {
        target.remove(&self.dump_key(id, MANIFEST_NAME)?).await?;
        for object in target.list(&format!("{}/", self.dump_folder(id)?)).await? {
            target.remove(&object.key).await?;
        }
        Ok(())
    }

    /// Removes what a dump that failed has left, as far as the targets let it.
    pub(super) async fn discard_dump(&self, id: &BackupId) {
        for target in &self.targets {
            if !matches!(self.read_dump_manifest(target, id).await, Err(BackupError::NoSuchDump(_))) {
                continue;
            }
            if let Err(error) = self.remove_dump(target, id).await {
                tracing::warn!(dump.id = %id, error.cause = %error, "objects of a failed dump are left");
            }
        }
    }
}
