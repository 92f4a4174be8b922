//! What this crate refuses.

/// Why bytes are not a snapshot that can be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The first bytes are not those of a snapshot.
    #[error("not a snapshot: the file does not begin with the snapshot mark")]
    NotASnapshot,
    /// Written by a newer or older program.
    #[error("snapshot format {found} is not supported, only format {supported}")]
    UnsupportedVersion {
        /// The version the file names.
        found: u32,
        /// The version this program reads.
        supported: u32,
    },
    /// The file ends too early.
    #[error("the snapshot is cut short in section {section}: {needed} bytes needed, {left} left")]
    Truncated {
        /// Which part was being read.
        section: &'static str,
        /// How many bytes the part says it has.
        needed: u64,
        /// How many bytes there were.
        left: u64,
    },
    /// A section's bytes do not match its checksum.
    #[error("the snapshot is damaged: the checksum of section {section} does not match")]
    ChecksumMismatch {
        /// Which part is damaged.
        section: &'static str,
    },
    /// Something follows the last section.
    #[error("the snapshot is damaged: {count} bytes follow its end")]
    TrailingBytes {
        /// How many.
        count: u64,
    },
    /// The checksums match but the content contradicts itself.
    #[error("the snapshot contradicts itself in section {section}: {detail}")]
    Inconsistent {
        /// Which part.
        section: &'static str,
        /// What is wrong with it.
        detail: &'static str,
    },
}

/// No visible product of the catalogue has this id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("product {product_id} is not in the catalogue")]
pub struct UnknownProduct {
    /// The id that was asked for.
    pub product_id: String,
}
