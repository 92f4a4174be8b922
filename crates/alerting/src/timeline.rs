//! What happened to an incident, chained: each entry's hash covers the one before it, so that an entry
//! which was changed or taken out is noticed.

use aws_lc_rs::digest::{Context, SHA256};
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
}

/// SHA-256 over the hash before and every field with its length.
pub(crate) fn hash(before: &[u8], incident_id: Uuid, sequence: i32, entry: &Entry) -> Vec<u8> {
    chained(before, incident_id, sequence, [entry.kind, &entry.actor, &entry.text], entry.at_us)
}

fn chained(before: &[u8], incident_id: Uuid, sequence: i32, texts: [&str; 3], at_us: i64) -> Vec<u8> {
    let mut digest = Context::new(&SHA256);
    let (number, at) = (sequence.to_be_bytes(), at_us.to_be_bytes());
    let parts = [before, incident_id.as_bytes(), &number, &at];
    for part in parts.into_iter().chain(texts.map(str::as_bytes)) {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finish().as_ref().to_vec()
}

/// Whether every entry is the one that was written, and none is missing between them.
pub(crate) fn is_intact(incident_id: Uuid, entries: &[EntryRow]) -> bool {
    let mut before: &[u8] = &[];
    entries.iter().zip(1..).all(|(entry, sequence)| {
        let texts = [entry.kind.as_str(), &entry.actor, &entry.text];
        let expected = chained(before, incident_id, sequence, texts, entry.at_us);
        before = &entry.hash;
        entry.sequence == sequence && expected == entry.hash
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(incident_id: Uuid) -> Vec<EntryRow> {
        let mut before = Vec::new();
        let kinds = ["opened", "notified", "acknowledged"];
        let entries = kinds.iter().zip(1..).map(|(kind, sequence)| {
            let entry = Entry { at_us: 7 * i64::from(sequence), kind, actor: "ann".into(), text: "x".into() };
            let hash = hash(&before, incident_id, sequence, &entry);
            before.clone_from(&hash);
            let Entry { at_us, kind, actor, text } = entry;
            EntryRow { sequence, at_us, kind: kind.into(), actor, text, hash }
        });
        entries.collect()
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let id = Uuid::from_u128(7);
        let whole = rows(id);
        assert!(is_intact(id, &whole));
        assert!(!is_intact(Uuid::from_u128(8), &whole), "entries of another incident");
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
            assert!(!is_intact(id, &changed));
        }
    }
}
