//! The backups of one cluster at its targets. What the targets hold is the truth: a backup is there
//! when its manifest is, and nothing is known here that they do not tell.

mod create;
mod marks;
mod pack;
mod remove;
mod verify;

use std::sync::Arc;

pub use create::{CreateRequest, CreatedBackup, create};
pub(crate) use marks::{HOLD, MOST_MARK_BYTES};
pub use marks::{Hold, Marks, Proof, Verdict, Verification};
pub use verify::{VerifiedBackup, verify};

use crate::error::BackupError;
use crate::manifest::{BackupId, Content, MANIFEST_NAME, MOST_MANIFEST_BYTES, Manifest, ManifestObject};
use crate::pipeline::{CheckedParts, PartChecks, SealSettings};
use crate::target::{ObjectKey, SharedTarget, TargetError, read_small};

/// The targets of one cluster, and how backups are written to them.
#[derive(Clone)]
pub struct Vault {
    /// The cluster's name; it begins the names of all its objects.
    pub cluster: String,
    /// The targets, those that are quickest to read from first.
    pub targets: Vec<SharedTarget>,
    /// How new backups are compressed and sealed.
    pub seal: SealSettings,
    /// After so many bytes of tar a new object is begun.
    pub object_bytes: u64,
}

/// A backup at one target.
#[derive(Debug, Clone)]
pub struct StoredBackup {
    /// The target's name.
    pub target: String,
    /// Its manifest.
    pub manifest: Arc<Manifest>,
    /// What was noted about it since.
    pub marks: Marks,
}

/// What is at one target.
#[derive(Debug, Default)]
pub struct Listing {
    /// Backups, the newest first.
    pub backups: Vec<StoredBackup>,
    /// Backups whose manifest cannot be read, and why.
    pub damaged: Vec<(BackupId, String)>,
    /// Folders without a manifest: on their way, or left behind.
    pub uncommitted: Vec<BackupId>,
}

impl Vault {
    /// What the names of all backups begin with.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("{}/backups/", self.cluster)
    }

    /// The folder of a backup.
    ///
    /// # Errors
    /// A cluster's name that is none.
    pub fn folder(&self, id: &BackupId) -> Result<ObjectKey, BackupError> {
        let text = format!("{}{id}", self.prefix());
        text.parse().map_err(|error| BackupError::Refused(format!("the cluster's name: {error}")))
    }

    pub(crate) fn key(&self, id: &BackupId, name: &str) -> Result<ObjectKey, BackupError> {
        self.folder(id)?.join(name).map_err(|error| BackupError::Refused(error.to_string()))
    }

    /// The target of this name, or every target.
    ///
    /// # Errors
    /// A name that no target has.
    pub fn targets_named(&self, name: Option<&str>) -> Result<Vec<SharedTarget>, BackupError> {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(self.targets.clone()) };
        let found: Vec<_> = self.targets.iter().filter(|target| target.name() == name).cloned().collect();
        if found.is_empty() {
            let known: Vec<_> = self.targets.iter().map(|target| target.name()).collect();
            return Err(BackupError::Refused(format!(
                "there is no target {name:?}; there are {}",
                known.join(", ")
            )));
        }
        Ok(found)
    }

    /// Everything at one target.
    ///
    /// # Errors
    /// As the target has it. A damaged manifest is no error: it is listed as such.
    pub async fn list(&self, target: &SharedTarget) -> Result<Listing, BackupError> {
        let mut listing = Listing::default();
        let names = target.list_folders(&self.prefix()).await?;
        let ids = names.iter().rev().filter_map(|name| name.parse::<BackupId>().ok());
        for id in ids {
            match self.read_manifest(target, &id).await {
                Ok(manifest) => {
                    let marks = self.read_marks(target, &id).await?;
                    listing.backups.push(StoredBackup {
                        target: target.name().to_owned(),
                        manifest: Arc::new(manifest),
                        marks,
                    });
                }
                Err(BackupError::NoSuchBackup(_)) => listing.uncommitted.push(id),
                Err(BackupError::Damaged { cause, .. }) => listing.damaged.push((id, cause)),
                Err(error) => return Err(error),
            }
        }
        Ok(listing)
    }

    /// Reads the manifest of a backup at a target.
    ///
    /// # Errors
    /// [`BackupError::NoSuchBackup`], and [`BackupError::Damaged`] for one that is not as written.
    pub async fn read_manifest(&self, target: &SharedTarget, id: &BackupId) -> Result<Manifest, BackupError> {
        let key = self.key(id, MANIFEST_NAME)?;
        let bytes = match read_small(target.as_ref(), &key, MOST_MANIFEST_BYTES).await {
            Err(error) if error.is_not_found() => return Err(BackupError::NoSuchBackup(id.to_string())),
            read => read?,
        };
        let damaged = |cause: String| BackupError::Damaged {
            target: target.name().to_owned(),
            object: key.to_string(),
            cause,
        };
        let manifest = Manifest::read(&bytes).map_err(|error| damaged(error.to_string()))?;
        if manifest.backup_id != *id {
            return Err(damaged(format!("it is the manifest of {}", manifest.backup_id)));
        }
        Ok(manifest)
    }

    /// Finds a backup: the first target that holds it, of those asked for.
    ///
    /// # Errors
    /// [`BackupError::NoSuchBackup`] when none does; else the error of the last one asked.
    pub async fn find(
        &self,
        id: &BackupId,
        target: Option<&str>,
    ) -> Result<(SharedTarget, Manifest), BackupError> {
        let mut refusal = BackupError::NoSuchBackup(id.to_string());
        for target in self.targets_named(target)? {
            match self.read_manifest(&target, id).await {
                Ok(manifest) => return Ok((target, manifest)),
                Err(BackupError::NoSuchBackup(_)) => {}
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// The newest backup at any target that was asked, of those that `wanted` takes.
    ///
    /// # Errors
    /// As the targets have it, when none of them answers.
    pub async fn newest(
        &self,
        target: Option<&str>,
        wanted: impl Fn(&Manifest) -> bool,
    ) -> Result<Option<(SharedTarget, Manifest)>, BackupError> {
        let mut newest: Option<(SharedTarget, Manifest)> = None;
        for target in self.targets_named(target)? {
            let listing = match self.list(&target).await {
                Ok(listing) => listing,
                Err(error) => {
                    tracing::warn!(target.name = target.name(), error.cause = %error, "a target cannot be listed");
                    continue;
                }
            };
            let found = listing.backups.into_iter().find(|backup| wanted(&backup.manifest));
            let found = found.map(|backup| Arc::unwrap_or_clone(backup.manifest));
            if let Some(found) = found
                && newest.as_ref().is_none_or(|(_, other)| other.backup_id < found.backup_id)
            {
                newest = Some((target, found));
            }
        }
        Ok(newest)
    }

    /// Reads PostgreSQL's own manifest of a backup.
    ///
    /// # Errors
    /// [`BackupError::Damaged`].
    pub async fn read_server_manifest(
        &self,
        target: &SharedTarget,
        manifest: &Manifest,
    ) -> Result<Vec<u8>, BackupError> {
        let object = manifest.objects.iter().find(|object| object.content == Content::ServerManifest);
        let object = object
            .ok_or_else(|| BackupError::Refused(format!("{} is no copy of a cluster", manifest.backup_id)))?;
        let checks = self.checks(target, manifest, object)?;
        let mut stored = Vec::new();
        let mut parts = CheckedParts::open(target, checks.clone()).await?;
        while let Some(part) = parts.next().await? {
            stored.extend_from_slice(&part);
        }
        let opened = crate::pipeline::open_bytes(&stored, false, &Default::default(), object.raw_bytes);
        opened.map_err(|error| BackupError::Damaged {
            target: checks.target,
            object: checks.key.to_string(),
            cause: error.to_string(),
        })
    }

    pub(crate) fn checks(
        &self,
        target: &SharedTarget,
        manifest: &Manifest,
        object: &ManifestObject,
    ) -> Result<PartChecks, BackupError> {
        Ok(PartChecks {
            target: target.name().to_owned(),
            key: self.key(&manifest.backup_id, &object.name)?,
            stored_bytes: object.stored_bytes,
            parts: object.parts_blake3.clone(),
        })
    }
}

/// Writes an object that must not exist; one of the very same bytes is our own, from a try whose
/// answer was lost.
pub(crate) async fn put_once(
    target: &SharedTarget,
    key: &ObjectKey,
    content: Vec<u8>,
) -> Result<(), TargetError> {
    let content = bytes::Bytes::from(content);
    match target.put(key, content.clone()).await {
        Err(error) if error.is_exists() => {
            let there = read_small(target.as_ref(), key, content.len()).await;
            if there.is_ok_and(|there| there == content) { Ok(()) } else { Err(error) }
        }
        put => put,
    }
}
