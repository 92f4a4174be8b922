//! The promise as it stands: to which moments one could restore, what would be lost, how long it
//! would take, and when that was last proven. A pure function of what lies at the targets and how
//! far the archive of WAL has come.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::vault::StoredBackup;

/// Assumed while nothing was measured; a slow disk does better.
const ASSUMED_BYTES_PER_SECOND: f64 = 50.0 * 1024.0 * 1024.0;

/// A stretch of time in which every moment can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its first moment.
    pub start: Timestamp,
    /// Its last moment.
    pub end: Timestamp,
}

/// The state of recovery.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecoveryStatus {
    /// What can be restored to, the oldest first.
    pub windows: Vec<Window>,
    /// What would be lost now.
    pub rpo: Option<Duration>,
    /// How long a restore would take.
    pub rto: Option<Duration>,
    /// Whether that comes from a drill.
    pub is_rto_measured: bool,
    /// When the newest copy of the cluster was complete.
    pub last_backup_at: Option<Timestamp>,
    /// When a backup was last proven.
    pub last_proven_at: Option<Timestamp>,
    /// When the last dump was begun; only asked for where dumps are taken by schedule.
    pub last_dump_at: Option<Timestamp>,
    /// Whether the newest copy was proven.
    pub is_proven: bool,
    /// What stands in the way, in words.
    pub warnings: Vec<String>,
}

/// Judges what lies at the targets. `archive` are the stretches of time that archived WAL covers
/// without a gap, the oldest first.
#[must_use]
pub fn judge(backups: &[StoredBackup], archive: &[Window], now: Timestamp) -> RecoveryStatus {
    let mut copies: Vec<_> = backups.iter().collect();
    copies.sort_by_key(|backup| backup.manifest.stopped_at);
    let mut status = RecoveryStatus::default();
    let Some(newest) = copies.last() else {
        status.warnings.push("there is no backup: nothing can be restored".to_owned());
        return status;
    };
    status.windows = windows(&copies, archive);
    status.last_backup_at = Some(newest.manifest.stopped_at);
    status.last_proven_at = copies.iter().filter_map(|backup| backup.marks.proven_at).max();
    let newest_id = &newest.manifest.backup_id;
    let of_newest = || copies.iter().filter(|backup| backup.manifest.backup_id == *newest_id);
    status.is_proven = of_newest().any(|backup| backup.marks.is_proven());
    let end = status.windows.iter().map(|window| window.end).max().unwrap_or(newest.manifest.stopped_at);
    status.rpo = Some(unsigned(now.duration_since(end)));
    (status.rto, status.is_rto_measured) = rto(newest, &copies);
    if !status.is_proven {
        status.warnings.push(format!("{newest_id}, the newest backup, was never proven: run a drill"));
    }
    if of_newest().any(|backup| backup.marks.is_failed()) {
        status
            .warnings
            .push(format!("{newest_id}, the newest backup, failed its last drill or verification"));
    }
    if archive.is_empty() {
        status.warnings.push("no WAL is archived: only the moments of backups can be restored to".to_owned());
    }
    status
}

fn unsigned(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or(Duration::ZERO)
}

/// From the end of a copy on, for as long as WAL covers it; at least its own moment.
fn windows(copies: &[&StoredBackup], archive: &[Window]) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for copy in copies {
        let start = copy.manifest.stopped_at;
        let covered = archive.iter().find(|stretch| stretch.start <= start && start <= stretch.end);
        let end = covered.map_or(start, |stretch| stretch.end);
        match windows.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => windows.push(Window { start, end }),
        }
    }
    windows
}

/// What the newest drill took for each byte, for the bytes of the newest copy.
fn rto(newest: &StoredBackup, copies: &[&StoredBackup]) -> (Option<Duration>, bool) {
    let bytes = newest.manifest.source_bytes() as f64;
    let drilled = copies.iter().filter_map(|copy| Some((copy, copy.marks.proof.as_ref()?)));
    let measured = drilled.max_by_key(|(_, proof)| proof.at);
    match measured {
        Some((copy, proof)) if copy.manifest.source_bytes() > 0 => {
            let per_byte = proof.restore_ms as f64 / 1_000.0 / copy.manifest.source_bytes() as f64;
            (Some(Duration::from_secs_f64(per_byte * bytes)), true)
        }
        _ => (Some(Duration::from_secs_f64(bytes / ASSUMED_BYTES_PER_SECOND)), false),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::manifest::tests::manifest;
    use crate::manifest::{BackupId, Manifest};
    use crate::vault::{Marks, Proof, Verdict};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + 60 * minute).unwrap()
    }

    fn backup(minute: i64) -> StoredBackup {
        let manifest =
            Manifest { backup_id: BackupId::new(at(minute), 1), stopped_at: at(minute), ..manifest() };
        StoredBackup { target: "local".to_owned(), manifest: Arc::new(manifest), marks: Marks::default() }
    }

    #[test]
    fn without_a_backup_nothing_is_promised() {
        let status = judge(&[], &[], at(0));
        assert_eq!(status.rpo, None);
        assert!(status.warnings[0].contains("nothing can be restored"));
    }

    #[test]
    fn without_wal_only_the_moments_of_backups_count() {
        let status = judge(&[backup(0), backup(60)], &[], at(90));
        assert_eq!(status.windows.len(), 2);
        assert_eq!(status.rpo, Some(Duration::from_secs(30 * 60)));
        assert!(!status.is_rto_measured);
    }

    #[test]
    fn a_gap_in_wal_splits_the_window() {
        let archive = [Window { start: at(-5), end: at(30) }, Window { start: at(40), end: at(89) }];
        let status = judge(&[backup(0), backup(60)], &archive, at(90));
        assert_eq!(
            status.windows,
            [Window { start: at(0), end: at(30) }, Window { start: at(60), end: at(89) }]
        );
        assert_eq!(status.rpo, Some(Duration::from_secs(60)));
        let whole = [Window { start: at(-5), end: at(90) }];
        assert_eq!(judge(&[backup(0), backup(60)], &whole, at(90)).windows.len(), 1);
    }

    #[test]
    fn the_time_of_a_restore_comes_from_the_last_drill() {
        let mut drilled = backup(0);
        let proof =
            Proof { at: at(10), verdict: Verdict::Passed, restore_ms: 4_000, report: Default::default() };
        drilled.marks = Marks { proof: Some(proof), proven_at: Some(at(10)), ..Marks::default() };
        let status = judge(&[drilled.clone(), backup(60)], &[], at(90));
        assert_eq!((status.rto, status.is_rto_measured), (Some(Duration::from_secs(4)), true));
        assert!(!status.is_proven, "the newest one was not drilled");
        assert!(judge(&[drilled], &[], at(90)).is_proven);
    }
}
