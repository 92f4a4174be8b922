//! What is noted about a backup after it was made: that a drill proved it, that it was read again,
//! that nobody may remove it. Each note is an object of its own, since none is ever written over.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Vault, put_once};
use crate::error::BackupError;
use crate::manifest::BackupId;
use crate::target::{ObjectKey, SharedTarget, read_small};

pub(crate) const MOST_MARK_BYTES: usize = 4 * 1024 * 1024;
const PROOF: &str = "proof-";
const VERIFIED: &str = "verified-";
pub(crate) const HOLD: &str = "hold.json";

/// How a drill or a verification ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything was as it should be.
    Passed,
    /// Something was not.
    Failed,
}

/// A drill of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub verdict: Verdict,
    /// How long the restore took, until the database could be used.
    pub restore_ms: u64,
    /// What was checked and found.
    pub report: serde_json::Value,
}

/// A reading of every stored byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, when it failed.
    pub cause: Option<String>,
}

/// An order to keep a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

impl Hold {
    /// A hold that cannot be read holds all the same.
    pub(crate) fn read(content: &[u8]) -> Self {
        serde_json::from_slice(content).unwrap_or_else(|_| Self {
            at: Timestamp::UNIX_EPOCH,
            reason: "the note of the hold cannot be read".to_owned(),
        })
    }

    /// Puts the order at a target; one that is there stays as it is.
    pub(crate) async fn put(&self, target: &SharedTarget, key: &ObjectKey) -> Result<(), BackupError> {
        match put_note(target, key, self).await {
            Err(BackupError::Target(error)) if error.is_exists() => Ok(()),
            put => put,
        }
    }
}

/// Everything noted about a backup.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marks {
    /// The last drill.
    pub proof: Option<Proof>,
    /// When it was last proven, whatever came after.
    pub proven_at: Option<Timestamp>,
    /// The last reading.
    pub verification: Option<Verification>,
    /// The order to keep it.
    pub hold: Option<Hold>,
}

impl Marks {
    /// Whether the last drill passed and no reading after it failed.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.proof.as_ref().is_some_and(|proof| proof.verdict == Verdict::Passed) && !self.is_failed()
    }

    /// Whether the last drill or the last reading failed.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        let drill = self.proof.as_ref().is_some_and(|proof| proof.verdict == Verdict::Failed);
        let reading = self.verification.as_ref().is_some_and(|reading| reading.verdict == Verdict::Failed);
        drill || reading
    }
}

impl Vault {
    /// Reads what is noted about a backup at a target.
    ///
    /// # Errors
    /// As the target has it. A note that cannot be read says nothing.
    pub async fn read_marks(&self, target: &SharedTarget, id: &BackupId) -> Result<Marks, BackupError> {
        let prefix = format!("{}/", self.folder(id)?);
        let mut marks = Marks::default();
        for object in target.list(&prefix).await? {
            let name = object.key.file_name();
            if !name.starts_with(PROOF) && !name.starts_with(VERIFIED) && name != HOLD {
                continue;
            }
            let content = read_small(target.as_ref(), &object.key, MOST_MARK_BYTES).await?;
            if name == HOLD {
                marks.hold = Some(Hold::read(&content));
            } else if name.starts_with(PROOF)
                && let Ok(proof) = serde_json::from_slice::<Proof>(&content)
            {
                marks.take_proof(proof);
            } else if let Ok(reading) = serde_json::from_slice::<Verification>(&content)
                && marks.verification.as_ref().is_none_or(|last| last.at < reading.at)
            {
                marks.verification = Some(reading);
            }
        }
        Ok(marks)
    }

    /// Notes a drill at the target that the backup was read from.
    ///
    /// # Errors
    /// As the target has it.
    pub async fn record_proof(
        &self,
        target: &SharedTarget,
        id: &BackupId,
        proof: &Proof,
    ) -> Result<(), BackupError> {
        self.note(target, id, &mark_name(PROOF, proof.at), proof).await
    }

    /// Notes a reading.
    ///
    /// # Errors
    /// As the target has it.
    pub async fn record_verification(
        &self,
        target: &SharedTarget,
        id: &BackupId,
        reading: &Verification,
    ) -> Result<(), BackupError> {
        self.note(target, id, &mark_name(VERIFIED, reading.at), reading).await
    }

    /// Forbids that a backup is removed from any target that holds it.
    ///
    /// # Errors
    /// As the targets have it; a hold that was there before stays as it was.
    pub async fn hold(&self, id: &BackupId, hold: &Hold) -> Result<(), BackupError> {
        for target in self.holders(id).await? {
            hold.put(&target, &self.key(id, HOLD)?).await?;
        }
        Ok(())
    }

    /// Allows the removal again.
    ///
    /// # Errors
    /// As the targets have it.
    pub async fn release(&self, id: &BackupId) -> Result<(), BackupError> {
        for target in self.holders(id).await? {
            target.remove(&self.key(id, HOLD)?).await?;
        }
        Ok(())
    }

    async fn holders(&self, id: &BackupId) -> Result<Vec<SharedTarget>, BackupError> {
        let mut holders = Vec::new();
        for target in &self.targets {
            match self.read_manifest(target, id).await {
                Err(BackupError::NoSuchBackup(_)) => {}
                Ok(_) | Err(BackupError::Damaged { .. }) => holders.push(target.clone()),
                Err(error) => return Err(error),
            }
        }
        if holders.is_empty() {
            return Err(BackupError::NoSuchBackup(id.to_string()));
        }
        Ok(holders)
    }

    async fn note<T: Serialize + Sync>(
        &self,
        target: &SharedTarget,
        id: &BackupId,
        name: &str,
        note: &T,
    ) -> Result<(), BackupError> {
        put_note(target, &self.key(id, name)?, note).await
    }
}

async fn put_note<T: Serialize + Sync>(
    target: &SharedTarget,
    key: &ObjectKey,
    note: &T,
) -> Result<(), BackupError> {
    let content = serde_json::to_vec_pretty(note)
        .map_err(|error| BackupError::Internal(format!("a note that is no JSON: {error}")))?;
    Ok(put_once(target, key, content).await?)
}

impl Marks {
    fn take_proof(&mut self, proof: Proof) {
        if proof.verdict == Verdict::Passed {
            self.proven_at = self.proven_at.max(Some(proof.at));
        }
        if self.proof.as_ref().is_none_or(|last| last.at < proof.at) {
            self.proof = Some(proof);
        }
    }
}

fn mark_name(kind: &str, at: Timestamp) -> String {
    format!("{kind}{}.json", at.as_microsecond())
}
