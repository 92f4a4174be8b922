//! The manifest of a dump: what was dumped from where, by which program, and what each table held at
//! that moment. It is written last, so a dump exists when its manifest does.

use jiff::Timestamp;
use larder_replication::SystemIdentifier;
use serde::{Deserialize, Serialize};

use crate::manifest::{BackupId, ManifestError, read_checked, write_checked};

/// The format that this version writes and reads.
pub(super) const FORMAT: u32 = 1;

/// A dump as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DumpManifest {
    /// The format.
    pub format: u32,
    /// The version of Larder that wrote it.
    pub tool_version: String,
    /// Its name.
    pub dump_id: BackupId,
    /// The protected cluster, as the settings name it.
    pub cluster: String,
    /// The database.
    pub database: String,
    /// When it was begun.
    pub started_at: Timestamp,
    /// The moment of which it is: all its tables are of one snapshot.
    pub snapshot_at: Timestamp,
    /// When the last byte had come.
    pub stopped_at: Timestamp,
    /// The server it was taken from.
    pub server: DumpServer,
    /// The program that wrote it, in its own words.
    pub program: String,
    /// The program's major version: no older `pg_restore` reads it.
    pub program_major: u32,
    /// How the database's texts are encoded and sorted.
    pub locale: Locale,
    /// Its tables, and what they held.
    pub tables: Vec<DumpedTable>,
    /// zstd's level.
    pub compression_level: i32,
    /// Public keys of age that it is sealed for; empty when it is not.
    pub recipients: Vec<String>,
    /// Bytes a part, all but the last of an object.
    pub part_bytes: u64,
    /// The archive of `pg_dump`, cut into pieces that follow each other.
    pub archive: Vec<DumpObject>,
    /// Roles, their memberships and tablespaces as SQL, without passwords.
    pub globals: DumpObject,
}

/// The server of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DumpServer {
    /// What `initdb` gave the cluster, where the login may ask.
    pub system_identifier: Option<SystemIdentifier>,
    /// The major version.
    pub major_version: u32,
    /// The whole version, in words.
    pub version: String,
}

/// What a database is made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locale {
    /// Such as `UTF8`.
    pub encoding: String,
    /// `LC_COLLATE`.
    pub collate: String,
    /// `LC_CTYPE`.
    pub ctype: String,
    /// Whose rules of sorting they are: `c` of the system, `i` of ICU, `b` of PostgreSQL itself.
    pub provider: String,
    /// The locale of ICU or PostgreSQL.
    pub locale: Option<String>,
}

/// A table of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DumpedTable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// Whose it is.
    pub owner: String,
    /// Its indexes, in the same schema.
    pub indexes: Vec<String>,
    /// Schemas and names of the sequences that belong to its columns.
    pub sequences: Vec<(String, String)>,
    /// Its rows; `None` when they were not counted.
    pub rows: Option<u64>,
    /// The sum of the hashes of its rows, whatever their order.
    pub checksum: Option<String>,
}

/// An object beside the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DumpObject {
    /// Its name within the dump.
    pub name: String,
    /// Bytes before they were compressed and sealed.
    pub raw_bytes: u64,
    /// Bytes that are stored.
    pub stored_bytes: u64,
    /// BLAKE3 of each part.
    pub parts_blake3: Vec<String>,
}

impl DumpManifest {
    /// Whether a key is needed to read it.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        !self.recipients.is_empty()
    }

    /// Everything stored but the manifest.
    pub fn objects(&self) -> impl Iterator<Item = &DumpObject> {
        self.archive.iter().chain([&self.globals])
    }

    /// Bytes that the programs wrote.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.objects().map(|object| object.raw_bytes).sum()
    }

    /// Bytes that are stored, the manifest not counted.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.objects().map(|object| object.stored_bytes).sum()
    }

    /// Writes it, checksum included.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        write_checked(self)
    }

    /// Reads what [`DumpManifest::write`] has written.
    ///
    /// # Errors
    /// A single byte that differs, and a format of another version.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        read_checked(bytes, FORMAT)
    }
}
