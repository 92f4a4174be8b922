//! How a piece of the log is stored: a head that anybody may read, the sealed bytes, and a BLAKE3 of
//! both. The head names the cluster and the piece, so that an object under a wrong name is noticed.

use larder_replication::{SegmentSize, SystemIdentifier};
use serde::{Deserialize, Serialize};

use crate::pipeline::{Identities, SealSettings, open_bytes, seal_bytes};

const MAGIC: &[u8; 8] = b"LARDERW1";
const CHECKSUM_BYTES: usize = blake3::OUT_LEN;
const MOST_HEAD_BYTES: usize = 16 << 10;

/// What anybody may know of a piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The cluster.
    pub system_identifier: SystemIdentifier,
    /// The name of the piece, as [`super::WalItem`] writes it.
    pub item: String,
    /// The cluster's segment size.
    pub segment_bytes: SegmentSize,
    /// The major version of the server that wrote it.
    pub major_version: u32,
    /// The size of the content.
    pub content_bytes: u64,
    /// BLAKE3 of the content.
    pub content_blake3: String,
    /// Whether a key is needed to read it.
    pub is_sealed: bool,
}

/// Which cluster the pieces are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The cluster.
    pub system: SystemIdentifier,
    /// Its segment size.
    pub size: SegmentSize,
    /// Its major version.
    pub major_version: u32,
}

/// Wraps a piece.
///
/// # Errors
/// When the compressor refuses its settings.
pub(crate) fn wrap(
    origin: &Origin,
    item: &str,
    content: &[u8],
    seal: &SealSettings,
) -> std::io::Result<Vec<u8>> {
    let head = Head {
        system_identifier: origin.system,
        item: item.to_owned(),
        segment_bytes: origin.size,
        major_version: origin.major_version,
        content_bytes: content.len() as u64,
        content_blake3: blake3::hash(content).to_hex().to_string(),
        is_sealed: !seal.recipients.is_empty(),
    };
    let head = serde_json::to_vec(&head).map_err(std::io::Error::other)?;
    let sealed = seal_bytes(seal, content)?;
    let mut object = Vec::with_capacity(MAGIC.len() + 4 + head.len() + sealed.len() + CHECKSUM_BYTES);
    object.extend_from_slice(MAGIC);
    object.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes());
    object.extend_from_slice(&head);
    object.extend_from_slice(&sealed);
    let checksum = blake3::hash(&object);
    object.extend_from_slice(checksum.as_bytes());
    Ok(object)
}

/// Reads the head, after checking that every byte of the object is as it was written.
///
/// # Errors
/// What is wrong with the object.
pub(crate) fn read_head<'a>(object: &'a [u8], item: &str) -> Result<(Head, &'a [u8]), String> {
    let checked = object.len().checked_sub(CHECKSUM_BYTES).ok_or("it is cut short")?;
    let (body, checksum) = object.split_at(checked);
    if blake3::hash(body).as_bytes() != checksum {
        return Err("its checksum is another one".to_owned());
    }
    let rest = body.strip_prefix(MAGIC).ok_or("it is no piece of a write-ahead log")?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or("it has no head")?;
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    let (head, sealed) =
        rest.split_at_checked(length).filter(|_| length <= MOST_HEAD_BYTES).ok_or("its head is cut short")?;
    let head: Head = serde_json::from_slice(head).map_err(|error| format!("its head: {error}"))?;
    if head.item != item {
        return Err(format!("it is {} under another name", head.item));
    }
    Ok((head, sealed))
}

/// Unwraps a piece of `system`.
///
/// # Errors
/// What is wrong with the object, or that no key opens it.
pub(crate) fn unwrap(
    object: &[u8],
    item: &str,
    system: SystemIdentifier,
    keys: &Identities,
) -> Result<(Head, Vec<u8>), String> {
    let (head, sealed) = read_head(object, item)?;
    if head.system_identifier != system {
        return Err(format!("it is of the cluster {} and not of {system}", head.system_identifier));
    }
    let content = open_bytes(sealed, head.is_sealed, keys, head.content_bytes)
        .map_err(|error| format!("it cannot be opened: {error}"))?;
    if blake3::hash(&content).to_hex().as_str() != head.content_blake3 {
        return Err("its content is not what was written".to_owned());
    }
    Ok((head, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin =
        Origin { system: SystemIdentifier(42), size: SegmentSize::DEFAULT, major_version: 17 };
    const ITEM: &str = "000000010000000000000001.segment";

    fn open(object: &[u8]) -> Result<Vec<u8>, String> {
        unwrap(object, ITEM, ORIGIN.system, &Identities::default()).map(|(_, content)| content)
    }

    #[test]
    fn unwrapping_gives_back_what_was_wrapped() {
        let content = vec![3; 100_000];
        let object = wrap(&ORIGIN, ITEM, &content, &SealSettings::plain()).unwrap();
        assert!(object.len() < 1000, "it is compressed");
        assert_eq!(open(&object).unwrap(), content);
    }

    #[test]
    fn a_changed_or_missing_byte_anywhere_is_found() {
        let object = wrap(&ORIGIN, ITEM, b"some of the log", &SealSettings::plain()).unwrap();
        for at in 0..object.len() {
            let mut changed = object.clone();
            changed[at] ^= 1;
            assert!(open(&changed).is_err(), "byte {at}");
            assert!(open(&object[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_piece_under_another_name_or_of_another_cluster_is_refused() {
        let object = wrap(&ORIGIN, ITEM, b"log", &SealSettings::plain()).unwrap();
        let keys = Identities::default();
        let renamed = unwrap(&object, "000000010000000000000002.segment", ORIGIN.system, &keys);
        assert!(renamed.unwrap_err().contains("under another name"));
        let foreign = unwrap(&object, ITEM, SystemIdentifier(43), &keys);
        assert!(foreign.unwrap_err().contains("of the cluster 42"));
    }
}
