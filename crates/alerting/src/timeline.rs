//! What happened to an incident. Which bytes of an entry the chain of hashes covers is said here; the chain
//! itself is `larder_oncall::history_chain`.

use larder_oncall::history_chain::{ChainBroken, ChainHash, check};
use uuid::Uuid;

use crate::store::timeline::EntryRow;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at_us: i64,
    /// Such as `acknowledged`.
    pub(crate) kind: &'static str,
    /// Who did it; empty when Larder did.
    pub(crate) actor: String,
    pub(crate) text: String,
}

impl Entry {
    /// Something that Larder did by itself.
    pub(crate) fn own(at_us: i64, kind: &'static str, text: impl Into<String>) -> Self {
        Self { at_us, kind, actor: String::new(), text: text.into() }
    }

    /// The hash of this entry behind those before it.
    pub(crate) fn hash(&self, before: ChainHash, sequence: i32) -> ChainHash {
        before.link(&canonical(sequence, self.at_us, [self.kind, &self.actor, &self.text]))
    }
}

/// What stands before the first entry of an incident.
pub(crate) fn start(incident_id: Uuid) -> ChainHash {
    ChainHash::start(&incident_id.to_string())
}

/// Each text with its length before it, so that no two entries are the same bytes.
fn canonical(sequence: i32, at_us: i64, texts: [&str; 3]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.extend_from_slice(&at_us.to_be_bytes());
    for text in texts {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

/// Checks that every entry is the one that was written and none is missing between them; the last hash.
///
/// # Errors
/// The first entry that is not what was written.
pub(crate) fn verify(incident_id: Uuid, entries: &[EntryRow]) -> Result<ChainHash, ChainBroken> {
    let bytes: Vec<Vec<u8>> = entries
        .iter()
        .map(|entry| canonical(entry.sequence, entry.at_us, [&entry.kind, &entry.actor, &entry.text]))
        .collect();
    let kept = entries.iter().map(|entry| kept_hash(&entry.hash));
    check(&incident_id.to_string(), bytes.iter().map(Vec::as_slice).zip(kept))
}

/// A hash as the table has it; one of another length fits nothing.
pub(crate) fn kept_hash(bytes: &[u8]) -> ChainHash {
    ChainHash(bytes.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(incident_id: Uuid) -> Vec<EntryRow> {
        let mut before = start(incident_id);
        let kinds = ["opened", "notified", "acknowledged"];
        let entries = kinds.iter().zip(1..).map(|(kind, sequence)| {
            let entry = Entry { at_us: 7 * i64::from(sequence), kind, actor: "ann".into(), text: "x".into() };
            before = entry.hash(before, sequence);
            let Entry { at_us, kind, actor, text } = entry;
            EntryRow { sequence, at_us, kind: kind.into(), actor, text, hash: before.0.to_vec() }
        });
        entries.collect()
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let id = Uuid::from_u128(7);
        let whole = rows(id);
        assert!(verify(id, &whole).is_ok());
        assert!(verify(Uuid::from_u128(8), &whole).is_err(), "entries of another incident");
        let changes: [fn(&mut Vec<EntryRow>); 5] = [
            |rows| rows[1].text.push('!'),
            |rows| rows[0].actor = "ben".into(),
            |rows| rows[2].at_us += 1,
            |rows| drop(rows.remove(1)),
            |rows| rows.swap(0, 1),
        ];
        for change in changes {
            let mut changed = whole.clone();
            change(&mut changed);
            assert!(verify(id, &changed).is_err());
        }
    }
}
