//! Which archived log no kept backup needs any more, as a pure function: whoever previews and whoever
//! removes ask the same one. Where anything is unknown everything stays.

use std::collections::BTreeSet;

use larder_replication::{Lsn, SegmentSize, TimelineId};

use super::names::WalItem;
use crate::manifest::BackupId;

/// A backup that is kept, as far as its log is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBackup {
    /// Which one.
    pub backup_id: BackupId,
    /// From where on a server started on it reads the log.
    pub start_lsn: Lsn,
    /// The timeline it ended on.
    pub timeline: TimelineId,
}

/// A piece of the log at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredPiece {
    /// Which one.
    pub item: WalItem,
    /// Its size there.
    pub size_bytes: u64,
}

/// What one target holds of one cluster: the backups that stay, and its log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetLog {
    /// Backups that stay there.
    pub backups: Vec<KeptBackup>,
    /// The log.
    pub pieces: Vec<StoredPiece>,
}

/// What becomes of the log of one cluster at one target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogVerdict {
    /// What goes, the oldest first, so that what is left has no hole when a removal is broken off.
    pub expired: Vec<StoredPiece>,
    /// What stays.
    pub kept: Vec<StoredPiece>,
    /// The backup that reaches back furthest, and from where on it needs the log. Without one
    /// everything stays.
    pub oldest: Option<(BackupId, Lsn)>,
}

/// Decides about the log at `own`. A server reads nothing from before the place where its backup
/// begins, on whatever timeline. What began after every backup was taken stays too: a cluster that was
/// set back writes at places that older backups had passed already. And what a backup at another
/// target needs stays as long as that target does not hold it itself.
#[must_use]
pub fn decide(own: &TargetLog, others: &[TargetLog], size: SegmentSize) -> LogVerdict {
    let Some(floor) = Floor::of(own) else {
        return LogVerdict { kept: own.pieces.clone(), ..LogVerdict::default() };
    };
    let others: Vec<(Option<Floor>, BTreeSet<WalItem>)> = others
        .iter()
        .map(|other| (Floor::of(other), other.pieces.iter().map(|piece| piece.item).collect()))
        .collect();
    let is_needed_elsewhere = |item: WalItem| {
        others.iter().any(|(floor, held)| {
            floor.as_ref().is_some_and(|floor| !floor.is_below(item, size)) && !held.contains(&item)
        })
    };
    let (mut expired, kept): (Vec<_>, Vec<_>) = own
        .pieces
        .iter()
        .partition(|piece| floor.is_below(piece.item, size) && !is_needed_elsewhere(piece.item));
    expired.sort_by_key(|piece: &StoredPiece| piece.item);
    LogVerdict { expired, kept, oldest: Some((floor.backup_id, floor.start_lsn)) }
}

/// Below it nothing is needed.
struct Floor {
    backup_id: BackupId,
    start_lsn: Lsn,
    newest_timeline: TimelineId,
}

impl Floor {
    fn of(log: &TargetLog) -> Option<Self> {
        let oldest = log.backups.iter().min_by_key(|backup| backup.start_lsn)?;
        let newest_timeline = log.backups.iter().map(|backup| backup.timeline).max()?;
        let (backup_id, start_lsn) = (oldest.backup_id.clone(), oldest.start_lsn);
        Some(Self { backup_id, start_lsn, newest_timeline })
    }

    /// Whether the piece lies wholly below. Histories and records of gaps are small and stay for ever.
    fn is_below(&self, item: WalItem, size: SegmentSize) -> bool {
        match item {
            WalItem::Segment(segment) | WalItem::Part { segment, .. } => {
                segment.end(size) <= self.start_lsn && segment.timeline() <= self.newest_timeline
            }
            WalItem::History(_) | WalItem::Gap { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use larder_replication::SegmentName;
    use proptest::prelude::*;

    use super::*;

    const SIZE: SegmentSize = SegmentSize::DEFAULT;

    fn segment(timeline: u32, number: u64) -> SegmentName {
        SegmentName::containing(TimelineId::new(timeline).unwrap(), Lsn(number * SIZE.bytes()), SIZE)
    }

    fn piece(item: WalItem) -> StoredPiece {
        StoredPiece { item, size_bytes: 10 }
    }

    fn backup(number: u32, timeline: u32, start_lsn: u64) -> KeptBackup {
        let at = jiff::Timestamp::from_second(1_795_000_000).unwrap();
        let timeline = TimelineId::new(timeline).unwrap();
        KeptBackup { backup_id: BackupId::new(at, number), start_lsn: Lsn(start_lsn), timeline }
    }

    fn log(backups: &[KeptBackup], segments: impl IntoIterator<Item = (u32, u64)>) -> TargetLog {
        let whole = |(timeline, number)| piece(WalItem::Segment(segment(timeline, number)));
        TargetLog { backups: backups.to_vec(), pieces: segments.into_iter().map(whole).collect() }
    }

    fn gone(own: &TargetLog, others: &[TargetLog]) -> Vec<String> {
        decide(own, others, SIZE).expired.iter().map(|piece| piece.item.to_string()).collect()
    }

    #[test]
    fn only_what_lies_wholly_before_the_oldest_backup_goes() {
        let start = 5 * SIZE.bytes() + 40;
        let mut own = log(&[backup(1, 1, start), backup(2, 1, start * 2)], (3..9).map(|number| (1, number)));
        own.pieces.push(piece(WalItem::Part { segment: segment(1, 2), from: 0, to: 7 }));
        own.pieces.push(piece(WalItem::History(TimelineId::new(2).unwrap())));
        let verdict = decide(&own, &[], SIZE);
        let names: Vec<_> = verdict.expired.iter().map(|piece| piece.item.to_string()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(!names.iter().any(|name| name.contains("05.segment")), "the backup begins in it: {names:?}");
        assert_eq!(verdict.oldest, Some((backup(1, 1, 0).backup_id, Lsn(start))));
    }

    #[test]
    fn without_a_backup_everything_stays() {
        assert!(gone(&log(&[], [(1, 3), (1, 4)]), &[]).is_empty());
    }

    #[test]
    fn a_cluster_that_was_set_back_keeps_its_new_timeline() {
        let own = log(&[backup(1, 1, 50 * SIZE.bytes())], [(1, 10), (2, 10), (2, 11)]);
        assert_eq!(gone(&own, &[]), ["00000001000000000000000A.segment"]);
        let with_new =
            log(&[backup(1, 1, 50 * SIZE.bytes()), backup(2, 2, 11 * SIZE.bytes())], [(2, 10), (2, 11)]);
        assert_eq!(gone(&with_new, &[]), ["00000002000000000000000A.segment"]);
    }

    #[test]
    fn what_another_target_needs_and_lacks_stays() {
        let own = log(&[backup(2, 1, 9 * SIZE.bytes())], (3..12).map(|number| (1, number)));
        let far = log(&[backup(1, 1, 5 * SIZE.bytes())], [5, 6, 8].map(|number| (1, number)));
        let names = gone(&own, &[far]);
        assert_eq!(names.len(), 5, "3 and 4 nobody needs; 5, 6 and 8 it has: {names:?}");
        assert!(!names.contains(&piece(WalItem::Segment(segment(1, 7))).item.to_string()));
    }

    proptest! {
        #[test]
        fn no_kept_backup_loses_what_it_needs(
            starts in prop::collection::vec((0..40 * SIZE.bytes(), 1..4_u32), 0..6),
            segments in prop::collection::btree_set((1..5_u32, 0..40_u64), 0..80),
        ) {
            let backups: Vec<_> =
                starts.iter().enumerate().map(|(n, (lsn, tli))| backup(n as u32, *tli, *lsn)).collect();
            let own = log(&backups, segments);
            let verdict = decide(&own, &[], SIZE);
            prop_assert_eq!(verdict.expired.len() + verdict.kept.len(), own.pieces.len());
            prop_assert!(!backups.is_empty() || verdict.expired.is_empty());
            for piece in &verdict.expired {
                let WalItem::Segment(segment) = piece.item else { unreachable!() };
                for backup in &backups {
                    prop_assert!(segment.end(SIZE) <= backup.start_lsn, "{} needs {segment}", backup.backup_id);
                }
            }
        }
    }
}
