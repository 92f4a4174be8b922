//! The manifest of a backup: everything a restore has to know, as JSON that ends with a checksum of
//! itself. It is written last, so a backup exists when its manifest does.

mod id;
pub mod server;

use std::collections::BTreeMap;

use jiff::Timestamp;
use larder_replication::{Lsn, SystemIdentifier, TimelineId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use id::{BackupId, RefusedId};

use crate::contents::Contents;

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// The name of the manifest within its backup.
pub const MANIFEST_NAME: &str = "manifest.json";

/// More than a hundred thousand parts of 8 MiB; a manifest that is larger is none of ours.
pub const MOST_MANIFEST_BYTES: usize = 64 * 1024 * 1024;

/// How a backup was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackupKind {
    /// The whole cluster over the replication protocol.
    Full,
    /// What changed since the parent, over the replication protocol.
    Incremental,
}

impl BackupKind {
    /// The name in manifests, tables and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// A backup as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of Larder that wrote it.
    pub tool_version: String,
    /// Its name.
    pub backup_id: BackupId,
    /// How it was taken.
    pub kind: BackupKind,
    /// The protected cluster, as the settings name it.
    pub cluster: String,
    /// When it was begun.
    pub started_at: Timestamp,
    /// When the last byte of the database had come.
    pub stopped_at: Timestamp,
    /// The backup it builds on.
    pub parent: Option<BackupId>,
    /// What PostgreSQL says about the cluster.
    pub server: ServerFacts,
    /// Where the copy stands in the WAL, and what a server on it needs.
    pub physical: PhysicalFacts,
    /// What the databases held when it was taken, as far as that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<Contents>,
    /// zstd's level.
    pub compression_level: i32,
    /// Public keys of age that it is sealed for; empty when it is not.
    pub recipients: Vec<String>,
    /// Bytes a part, all but the last of an object.
    pub part_bytes: u64,
    /// What is stored beside this manifest.
    pub objects: Vec<ManifestObject>,
}

/// The server that was backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerFacts {
    /// What `initdb` gave the cluster.
    pub system_identifier: SystemIdentifier,
    /// The major version.
    pub major_version: u32,
    /// The whole version, in words.
    pub version: String,
}

/// A copy of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhysicalFacts {
    /// The timeline it was begun on.
    pub start_timeline: TimelineId,
    /// From where WAL is needed.
    pub start_lsn: Lsn,
    /// The timeline it ended on.
    pub stop_timeline: TimelineId,
    /// Up to where WAL must be replayed before the copy is consistent.
    pub stop_lsn: Lsn,
    /// Bytes of a WAL segment.
    pub wal_segment_bytes: u64,
    /// Whether the WAL from start to stop is in it.
    pub includes_wal: bool,
    /// Where the server kept its tablespaces, by number.
    pub tablespaces: BTreeMap<u32, String>,
    /// Settings that a server replaying this WAL may not have lower.
    pub replay_settings: BTreeMap<String, String>,
}

/// What an object holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Files of the cluster's own folder, as tar.
    Base,
    /// Files of a tablespace, as tar.
    Tablespace(u32),
    /// PostgreSQL's own manifest: each file with its size and checksum.
    ServerManifest,
}

/// An object beside the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestObject {
    /// Its name within the backup.
    pub name: String,
    /// What it holds.
    pub content: Content,
    /// Bytes before they were compressed and sealed.
    pub raw_bytes: u64,
    /// Bytes that are stored.
    pub stored_bytes: u64,
    /// BLAKE3 of each part.
    pub parts_blake3: Vec<String>,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Its bytes are not those that were written.
    #[error("the manifest is not as it was written: {0}")]
    Damaged(String),
    /// It is of another format.
    #[error("the manifest is of format {0}, and this version reads format {1}: use a newer larder")]
    Format(u64, u32),
}

const CHECKSUM_FIELD: &str = ",\n  \"checksum\": \"";

impl Manifest {
    /// Whether a key is needed to read it.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        !self.recipients.is_empty()
    }

    /// Bytes of the database that were read.
    #[must_use]
    pub fn source_bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.raw_bytes).sum()
    }

    /// Bytes that are stored, the manifest not counted.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.stored_bytes).sum()
    }

    /// Writes it as JSON whose last field is the BLAKE3 of everything before that field.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        write_checked(self)
    }

    /// Reads what [`Manifest::write`] has written.
    ///
    /// # Errors
    /// A single byte that differs, and a format of another version.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        read_checked(bytes, FORMAT)
    }
}

/// Writes a manifest of any kind as JSON whose last field is the BLAKE3 of everything before that field.
pub(crate) fn write_checked(manifest: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_string_pretty(manifest).expect("a manifest is texts, numbers and lists");
    text.truncate(text.len() - "\n}".len());
    let checksum = blake3::hash(text.as_bytes()).to_hex();
    text.push_str(&format!("{CHECKSUM_FIELD}{checksum}\"\n}}\n"));
    text.into_bytes()
}

/// Reads what [`write_checked`] has written, in this format.
///
/// # Errors
/// A single byte that differs, and another format.
pub(crate) fn read_checked<T: DeserializeOwned>(bytes: &[u8], known: u32) -> Result<T, ManifestError> {
    let damaged = |cause: &str| ManifestError::Damaged(cause.to_owned());
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is no text"))?;
    let at = text.rfind(CHECKSUM_FIELD).ok_or_else(|| damaged("it has no checksum"))?;
    let (content, end) = text.split_at(at);
    let checksum = blake3::hash(content.as_bytes()).to_hex();
    if end != format!("{CHECKSUM_FIELD}{checksum}\"\n}}\n") {
        return Err(damaged("its checksum is another one"));
    }
    let content = format!("{content}\n}}");
    let value: serde_json::Value =
        serde_json::from_str(&content).map_err(|error| damaged(&error.to_string()))?;
    let format = value.get("format").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if format != u64::from(known) {
        return Err(ManifestError::Format(format, known));
    }
    serde_json::from_value(value).map_err(|error| damaged(&error.to_string()))
}

#[cfg(test)]
pub(crate) mod tests;
