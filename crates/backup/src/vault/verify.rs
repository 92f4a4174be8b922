//! Reads every stored byte of a backup again, and of every backup it builds on.

use super::Vault;
use crate::error::BackupError;
use crate::manifest::{BackupKind, Manifest};
use crate::pipeline::CheckedParts;
use crate::progress::Progress;
use crate::target::SharedTarget;

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VerifiedBackup {
    /// Objects, manifests not counted.
    pub object_count: u64,
    /// Their bytes.
    pub stored_bytes: u64,
}

/// Reads a backup and what it builds on at one target.
///
/// # Errors
/// [`BackupError::Damaged`] names the first object that is missing or differs by a byte.
pub async fn verify(
    vault: &Vault,
    target: &SharedTarget,
    manifest: &Manifest,
    progress: &Progress,
) -> Result<VerifiedBackup, BackupError> {
    let chain = vault.chain(target, manifest.clone()).await?;
    let total = chain.iter().map(Manifest::stored_bytes).sum();
    progress.begin("reading what is stored", total);
    let mut verified = VerifiedBackup::default();
    for link in &chain {
        for object in &link.objects {
            let checks = vault.checks(target, link, object)?;
            let mut parts = CheckedParts::open(target, checks).await?;
            while let Some(part) = parts.next().await? {
                progress.add(part.len() as u64);
            }
            verified.object_count += 1;
            verified.stored_bytes += object.stored_bytes;
        }
    }
    Ok(verified)
}

impl Vault {
    /// The backup and what it builds on, the full one first.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] names a parent that is missing or is of another cluster.
    pub async fn chain(
        &self,
        target: &SharedTarget,
        manifest: Manifest,
    ) -> Result<Vec<Manifest>, BackupError> {
        let mut chain = vec![manifest];
        while let Some(last) = chain.last().filter(|last| last.kind == BackupKind::Incremental) {
            let damaged = |cause: String| BackupError::Damaged {
                target: target.name().to_owned(),
                object: last.backup_id.to_string(),
                cause,
            };
            let id = last.parent.clone().ok_or_else(|| damaged("it names no parent".to_owned()))?;
            let parent = match self.read_manifest(target, &id).await {
                Err(BackupError::NoSuchBackup(_)) => {
                    return Err(damaged(format!("it builds on {id}, which is not there")));
                }
                read => read?,
            };
            let is_right = parent.server.system_identifier == last.server.system_identifier
                && parent.backup_id < last.backup_id;
            if !is_right {
                return Err(damaged(format!("it builds on {id}, which is no earlier copy of this cluster")));
            }
            chain.push(parent);
        }
        chain.reverse();
        Ok(chain)
    }
}
