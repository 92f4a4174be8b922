//! Where backups are kept. A target holds objects under names that never change and are never
//! written over: what exists under a name is whole, for a name appears only when its object is.

pub mod folder;
mod key;
pub mod s3;
pub mod throttled;

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

pub use key::ObjectKey;

/// Bytes of one part of an upload; the last part may be smaller. S3 takes no smaller ones than
/// 5 MiB and at most 10,000, which bounds an object at 78 GiB.
pub const PART_BYTES: usize = 8 * 1024 * 1024;

/// An object at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Its name.
    pub key: ObjectKey,
    /// Its size.
    pub size_bytes: u64,
    /// The storage class it lies in, at targets that have any.
    pub storage_class: Option<String>,
}

/// Why a target did not do what it was asked for. Every variant names the target and the object.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TargetError {
    /// There is no object of this name.
    #[error("{target}: there is no object {key}")]
    NotFound {
        /// The target's name.
        target: String,
        /// The object's name.
        key: String,
    },
    /// An object of this name is there already, and objects are never written over.
    #[error("{target}: the object {key} exists already and is not written over")]
    Exists {
        /// The target's name.
        target: String,
        /// The object's name.
        key: String,
    },
    /// The target refuses: rights, retention, space, settings. Trying again will not help.
    #[error("{target}: cannot {action} {key}: {cause}")]
    Refused {
        /// The target's name.
        target: String,
        /// What was tried.
        action: &'static str,
        /// The object's name.
        key: String,
        /// What the target says.
        cause: String,
    },
    /// The target cannot be reached or failed on its side. Trying again may help.
    #[error("{target}: cannot {action} {key}: {cause} (it may work later)")]
    Unavailable {
        /// The target's name.
        target: String,
        /// What was tried.
        action: &'static str,
        /// The object's name.
        key: String,
        /// What happened.
        cause: String,
    },
}

impl TargetError {
    /// The name of the target.
    #[must_use]
    pub fn target(&self) -> &str {
        match self {
            Self::NotFound { target, .. }
            | Self::Exists { target, .. }
            | Self::Refused { target, .. }
            | Self::Unavailable { target, .. } => target,
        }
    }

    /// Whether the object is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether an object of this name was there already.
    #[must_use]
    pub fn is_exists(&self) -> bool {
        matches!(self, Self::Exists { .. })
    }
}

/// A place that keeps objects.
#[tonic::async_trait]
pub trait Target: Send + Sync {
    /// The name that the settings give it.
    fn name(&self) -> &str;

    /// Writes a small object in one go. When this returns the object is durable.
    ///
    /// # Errors
    /// [`TargetError::Exists`] when there is one of this name.
    async fn put(&self, key: &ObjectKey, content: Bytes) -> Result<(), TargetError>;

    /// Begins an object that comes in parts. Nothing is seen of it until it is finished.
    ///
    /// # Errors
    /// As the target has it.
    async fn begin(&self, key: &ObjectKey) -> Result<Box<dyn Upload>, TargetError>;

    /// Opens an object for reading from the start.
    ///
    /// # Errors
    /// [`TargetError::NotFound`].
    async fn open(&self, key: &ObjectKey) -> Result<Box<dyn Download>, TargetError>;

    /// Lists the objects whose names begin with `prefix`, by name.
    ///
    /// # Errors
    /// As the target has it.
    async fn list(&self, prefix: &str) -> Result<Vec<StoredObject>, TargetError>;

    /// Lists what stands between `prefix`, which ends with a slash, and the next slash, by name.
    ///
    /// # Errors
    /// As the target has it.
    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, TargetError>;

    /// Removes an object; one that is not there counts as removed.
    ///
    /// # Errors
    /// [`TargetError::Refused`] when a retention lock holds it.
    async fn remove(&self, key: &ObjectKey) -> Result<(), TargetError>;

    /// Moves an object to another storage class; its name and its bytes stay.
    ///
    /// # Errors
    /// [`TargetError::Refused`] at a target that has no classes.
    async fn change_storage_class(&self, key: &ObjectKey, storage_class: &str) -> Result<(), TargetError> {
        Err(TargetError::Refused {
            target: self.name().to_owned(),
            action: "move to another storage class",
            key: key.to_string(),
            cause: format!("this target has no storage classes, and so no {storage_class}"),
        })
    }

    /// Removes what a killed process began below `prefix` before the instant and never finished,
    /// and tells how many objects that were.
    ///
    /// # Errors
    /// As the target has it.
    async fn remove_unfinished(&self, prefix: &str, begun_before: SystemTime) -> Result<usize, TargetError>;
}

/// An object on its way to a target.
#[tonic::async_trait]
pub trait Upload: Send {
    /// Appends a part: [`PART_BYTES`] bytes, fewer only at the end.
    ///
    /// # Errors
    /// As the target has it; the upload is of no use afterwards.
    async fn write(&mut self, part: Bytes) -> Result<(), TargetError>;

    /// Makes the object appear under its name, durable and whole.
    ///
    /// # Errors
    /// [`TargetError::Exists`] when there is one of this name by now.
    async fn finish(self: Box<Self>) -> Result<(), TargetError>;

    /// Throws away what was sent. Dropping does so too, as far as the target lets it.
    async fn abort(self: Box<Self>);
}

/// An object on its way back.
#[tonic::async_trait]
pub trait Download: Send {
    /// Returns the next bytes, or `None` behind the last one.
    ///
    /// # Errors
    /// As the target has it.
    async fn next(&mut self) -> Result<Option<Bytes>, TargetError>;
}

/// Targets as they are passed around.
pub type SharedTarget = Arc<dyn Target>;

/// Reads a whole object that is known to be small.
///
/// # Errors
/// As [`Target::open`], and [`TargetError::Refused`] when it has more than `most_bytes`.
pub async fn read_small(
    target: &dyn Target,
    key: &ObjectKey,
    most_bytes: usize,
) -> Result<Vec<u8>, TargetError> {
    let mut download = target.open(key).await?;
    let mut content = Vec::new();
    while let Some(bytes) = download.next().await? {
        content.extend_from_slice(&bytes);
        if content.len() > most_bytes {
            return Err(TargetError::Refused {
                target: target.name().to_owned(),
                action: "read",
                key: key.to_string(),
                cause: format!("it has more than {most_bytes} bytes"),
            });
        }
    }
    Ok(content)
}
