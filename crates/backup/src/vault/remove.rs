//! Takes backups away. The manifest goes first: from then on there is no backup, only objects that
//! nothing names, and a removal that is broken off is finished by the next one.

use super::Vault;
use crate::error::BackupError;
use crate::manifest::{BackupId, MANIFEST_NAME};
use crate::target::SharedTarget;

impl Vault {
    /// Removes a backup from a target. Whether it may go is decided by whoever calls.
    ///
    /// # Errors
    /// As the target has it; then the backup is gone and some of its objects are left.
    pub async fn remove(&self, target: &SharedTarget, id: &BackupId) -> Result<(), BackupError> {
        target.remove(&self.key(id, MANIFEST_NAME)?).await?;
        for object in target.list(&format!("{}/", self.folder(id)?)).await? {
            target.remove(&object.key).await?;
        }
        Ok(())
    }

    /// Removes what a backup that failed has left, as far as the targets let it.
    pub(super) async fn discard(&self, id: &BackupId) {
        for target in &self.targets {
            let is_committed =
                !matches!(self.read_manifest(target, id).await, Err(BackupError::NoSuchBackup(_)));
            if is_committed {
                continue;
            }
            if let Err(error) = self.remove(target, id).await {
                tracing::warn!(backup.id = %id, error.cause = %error, "objects of a failed backup are left");
            }
        }
    }
}
