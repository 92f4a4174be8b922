//! The chain through an incident's history: each entry's hash covers the one before it, so an entry that was changed,
//! left out or slipped in afterwards shows.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

/// What tells these hashes apart from all others.
const PURPOSE: &[u8] = b"larder-oncall-history-v1";

/// The hash of an entry and of all before it (SHA-256).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// What stands before the first entry of an incident.
    pub fn start(incident_id: &str) -> Self {
        hash(&[PURPOSE, incident_id.as_bytes()])
    }

    /// The hash of the next entry. `entry` is the entry as it is kept, byte for byte.
    #[must_use]
    pub fn link(self, entry: &[u8]) -> Self {
        hash(&[PURPOSE, &self.0, entry])
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Where a chain breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {at} of the history is not what was written: its hash is {found}, and {expected} was kept")]
pub struct ChainBroken {
    /// Which entry, from 0: this one or one before it was changed.
    pub at: usize,
    /// What was kept.
    pub expected: ChainHash,
    /// What the entries give.
    pub found: ChainHash,
}

/// Checks a history: entries as they are kept, each with the hash that was kept with it. The last hash is told, so
/// that it can be compared with one that is kept elsewhere: a tail that was cut off does not show otherwise.
///
/// # Errors
/// [`ChainBroken`], the first.
pub fn check<'e>(
    incident_id: &str,
    entries: impl IntoIterator<Item = (&'e [u8], ChainHash)>,
) -> Result<ChainHash, ChainBroken> {
    let mut hash = ChainHash::start(incident_id);
    for (at, (entry, expected)) in entries.into_iter().enumerate() {
        let found = hash.link(entry);
        if found != expected {
            return Err(ChainBroken { at, expected, found });
        }
        hash = found;
    }
    Ok(hash)
}

/// Each part with its length before it, so that no two lists of parts are hashed alike.
fn hash(parts: &[&[u8]]) -> ChainHash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    ChainHash(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chained(entries: &[Vec<u8>]) -> Vec<(Vec<u8>, ChainHash)> {
        let mut hash = ChainHash::start("i");
        let link = |entry: &Vec<u8>| {
            hash = hash.link(entry);
            (entry.clone(), hash)
        };
        entries.iter().map(link).collect()
    }

    fn verdict(incident_id: &str, kept: &[(Vec<u8>, ChainHash)]) -> Result<ChainHash, ChainBroken> {
        check(incident_id, kept.iter().map(|(entry, hash)| (entry.as_slice(), *hash)))
    }

    #[test]
    fn the_hash_does_not_change_from_one_release_to_the_next() {
        let hash = ChainHash::start("i").link(b"opened").link(b"resolved");
        insta::assert_snapshot!(hash);
    }

    proptest! {
        #[test]
        fn whatever_is_changed_shows(
            entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 2..10),
            at in any::<prop::sample::Index>(),
        ) {
            let kept = chained(&entries);
            prop_assert_eq!(verdict("i", &kept).ok(), kept.last().map(|(_, hash)| *hash));
            prop_assert!(verdict("another", &kept).is_err());
            let at = at.index(kept.len());
            let mut changed = kept.clone();
            changed[at].0.push(1);
            prop_assert_eq!(verdict("i", &changed).map_err(|broken| broken.at), Err(at));
            let mut without = kept.clone();
            without.remove(at);
            prop_assert!(verdict("i", &without).is_err() || at == kept.len() - 1);
            let mut doubled = kept.clone();
            doubled.insert(at, kept[at].clone());
            prop_assert!(verdict("i", &doubled).is_err());
        }
    }
}
