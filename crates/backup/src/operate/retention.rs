//! What goes with retention: old backups, the log that no kept backup needs, and what killed
//! processes left. What is previewed and what is removed are decided by the same pure functions.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use larder_replication::{SegmentSize, SystemIdentifier};

use crate::error::BackupError;
use crate::manifest::BackupId;
use crate::metrics;
use crate::retention::{self, Candidate, RetentionVerdict};
use crate::state::State;
use crate::target::SharedTarget;
use crate::vault::{Listing, StoredBackup};
use crate::wal::WalArchive;
use crate::wal::expire::{self, KeptBackup, LogVerdict, TargetLog};

/// What a killed process began longer ago than this is removed.
pub(super) const UNFINISHED_AGE: Duration = Duration::from_secs(2 * 86_400);

/// What retention decides about a target now.
pub(crate) async fn preview_retention(
    state: &State,
    target: &SharedTarget,
) -> Result<(Listing, Vec<RetentionVerdict>), BackupError> {
    let listing = state.vault.list(target).await?;
    let candidates: Vec<_> = listing.backups.iter().map(|backup| candidate(state, backup)).collect();
    let Some(policy) = state.policies.get(target.name()) else { return Ok((listing, Vec::new())) };
    let verdicts = retention::decide(policy, &candidates, (state.clock)());
    Ok((listing, verdicts))
}

/// The storage class that each backup belongs in, of those that belong in another than they were written to.
pub(crate) fn tiers_of(
    state: &State,
    target: &SharedTarget,
    listing: &Listing,
    verdicts: &[RetentionVerdict],
) -> BTreeMap<BackupId, String> {
    let Some(tiers) = state.tiers.get(target.name()) else { return BTreeMap::new() };
    let candidates: Vec<_> = listing.backups.iter().map(|backup| candidate(state, backup)).collect();
    let decided = retention::tiers_of(tiers, &candidates, verdicts, (state.clock)());
    decided.into_iter().map(|(id, class)| (id, class.to_owned())).collect()
}

/// Moves what backups consist of to the storage class of their age. Manifests and notes stay where they can be
/// listed and read at once.
async fn move_to_tiers(
    state: &State,
    target: &SharedTarget,
    tiers: &BTreeMap<BackupId, String>,
) -> Result<(), BackupError> {
    for (id, class) in tiers {
        let folder = state.vault.folder(id)?;
        let manifest = state.vault.read_manifest(target, id).await?;
        let is_part = |name: &str| manifest.objects.iter().any(|object| object.name == name);
        let mut moved = 0;
        for object in target.list(&format!("{folder}/")).await? {
            if is_part(object.key.file_name()) && object.storage_class.as_ref() != Some(class) {
                target.change_storage_class(&object.key, class).await?;
                moved += 1;
            }
        }
        if moved > 0 {
            metrics::moved(target.name(), class, moved);
            tracing::info!(
                backup.id = %id,
                target.name = target.name(),
                storage.class = class,
                object.count = moved,
                "old backup moved to another storage class"
            );
        }
    }
    Ok(())
}

fn candidate(state: &State, backup: &StoredBackup) -> Candidate {
    let manifest = &backup.manifest;
    Candidate {
        backup_id: manifest.backup_id.clone(),
        parent: manifest.parent.clone(),
        is_proven: backup.marks.is_proven(),
        is_held: backup.marks.hold.is_some(),
        is_in_use: state.reading.contains(&manifest.backup_id),
        // A cluster of another identifier is another series: its backups do not push these out.
        series: manifest.server.system_identifier.to_string(),
    }
}

/// Removes what the preview says, the newest first, so that nothing is ever left without what it
/// builds on; then what killed processes left, and the log that nothing needs any more.
pub(crate) async fn apply_retention(state: &State, target: &SharedTarget) -> Result<usize, BackupError> {
    let (listing, verdicts) = preview_retention(state, target).await?;
    let mut removed = 0;
    for verdict in verdicts.iter().filter(|verdict| !verdict.stays()) {
        let marks = state.vault.read_marks(target, &verdict.backup_id).await?;
        if marks.hold.is_some() || state.reading.contains(&verdict.backup_id) {
            continue;
        }
        state.vault.remove(target, &verdict.backup_id).await?;
        metrics::removed(target.name());
        tracing::info!(backup.id = %verdict.backup_id, target.name = target.name(), "old backup removed");
        removed += 1;
    }
    let old = |id: &&BackupId| {
        (state.clock)().duration_since(id.begun_at()).unsigned_abs() > UNFINISHED_AGE
            && id.begun_at() < (state.clock)()
    };
    // A backup that another process is taking is young; what is left of a failed one is not.
    for id in listing.uncommitted.iter().filter(old) {
        state.vault.remove(target, id).await?;
        tracing::info!(backup.id = %id, target.name = target.name(), "left-over of a failed backup removed");
    }
    remove_unfinished(state, target, &state.vault.prefix()).await?;
    let tiers = tiers_of(state, target, &listing, &verdicts);
    if let Err(error) = move_to_tiers(state, target, &tiers).await {
        metrics::failed("apply_retention", error.stage());
        tracing::error!(target.name = target.name(), error.cause = %error, "old backups were not moved");
    }
    if let Err(error) = remove_expired_log(state, target).await {
        metrics::failed("apply_retention", error.stage());
        tracing::error!(target.name = target.name(), error.cause = %error, "old log was not removed");
    }
    let stays = listing.backups.len() - removed;
    let bytes = listing.backups.iter().map(|backup| backup.manifest.stored_bytes()).sum();
    metrics::stored(target.name(), stays, bytes);
    Ok(removed)
}

/// What becomes of the log of one cluster at one target.
pub(crate) struct LogPreview {
    /// The cluster.
    pub(crate) system: SystemIdentifier,
    /// What is decided.
    pub(crate) verdict: LogVerdict,
    /// Why nothing is, in words.
    pub(crate) obstacle: Option<String>,
}

/// What retention decides about the archived log at a target, once the backups that it lets go are
/// gone. What every target holds is asked first: where that is not known nothing goes.
pub(crate) async fn preview_log(
    state: &State,
    target: &SharedTarget,
) -> Result<Vec<LogPreview>, BackupError> {
    let mut kept = Vec::new();
    let mut obstacle = None;
    for other in &state.vault.targets {
        let (listing, verdicts) = match preview_retention(state, other).await {
            Ok(known) => known,
            Err(error) if other.name() != target.name() => {
                obstacle = Some(format!("it is not known what {} holds: {error}", other.name()));
                continue;
            }
            Err(error) => return Err(error),
        };
        if let Some((id, cause)) = listing.damaged.first() {
            obstacle = Some(format!("it is not known what log {id} at {} needs: {cause}", other.name()));
        }
        let stays = |backup: &&StoredBackup| {
            let id = &backup.manifest.backup_id;
            verdicts.iter().find(|verdict| verdict.backup_id == *id).is_none_or(RetentionVerdict::stays)
        };
        kept.push((other.clone(), listing.backups.iter().filter(stays).cloned().collect::<Vec<_>>()));
    }
    let mut previews = Vec::new();
    for system in clusters(state, target).await? {
        let verdict = log_of(state, target, system, &kept).await;
        let (verdict, obstacle) = match verdict {
            Ok(verdict) => (verdict, obstacle.clone()),
            Err(error) => (LogVerdict::default(), Some(error.to_string())),
        };
        previews.push(LogPreview { system, verdict, obstacle });
    }
    Ok(previews)
}

/// Removes what killed processes began below `prefix` and never finished.
pub(super) async fn remove_unfinished(
    state: &State,
    target: &SharedTarget,
    prefix: &str,
) -> Result<(), BackupError> {
    let before = SystemTime::from((state.clock)()).checked_sub(UNFINISHED_AGE);
    if let Some(before) = before {
        target.remove_unfinished(prefix, before).await?;
    }
    Ok(())
}

/// The clusters of which a target holds log.
async fn clusters(state: &State, target: &SharedTarget) -> Result<Vec<SystemIdentifier>, BackupError> {
    let folders = target.list_folders(&format!("{}/wal/", state.vault.cluster)).await?;
    Ok(folders.iter().filter_map(|folder| folder.parse().ok()).collect())
}

async fn log_of(
    state: &State,
    target: &SharedTarget,
    system: SystemIdentifier,
    kept: &[(SharedTarget, Vec<StoredBackup>)],
) -> Result<LogVerdict, BackupError> {
    let archive = WalArchive { cluster: state.vault.cluster.clone(), system, targets: Vec::new() };
    let (mut own, mut others, mut size) = (TargetLog::default(), Vec::new(), SegmentSize::DEFAULT);
    for (holder, backups) in kept {
        let mut log = TargetLog { backups: Vec::new(), pieces: archive.pieces(holder).await? };
        for backup in backups.iter().filter(|backup| backup.manifest.server.system_identifier == system) {
            let physical = &backup.manifest.physical;
            size = segment_size(physical.wal_segment_bytes)?;
            log.backups.push(KeptBackup {
                backup_id: backup.manifest.backup_id.clone(),
                start_lsn: physical.start_lsn,
                timeline: physical.stop_timeline,
            });
        }
        if holder.name() == target.name() { own = log } else { others.push(log) }
    }
    Ok(expire::decide(&own, &others, size))
}

fn segment_size(bytes: u64) -> Result<SegmentSize, BackupError> {
    Ok(SegmentSize::new(u32::try_from(bytes).unwrap_or(u32::MAX))?)
}

async fn remove_expired_log(state: &State, target: &SharedTarget) -> Result<(), BackupError> {
    let mut stored_bytes = 0;
    for preview in preview_log(state, target).await? {
        let LogPreview { system, verdict, obstacle } = preview;
        stored_bytes += verdict.kept.iter().map(|piece| piece.size_bytes).sum::<u64>();
        if let Some(obstacle) = obstacle {
            stored_bytes += verdict.expired.iter().map(|piece| piece.size_bytes).sum::<u64>();
            tracing::warn!(target.name = target.name(), reason = obstacle, "old log is kept");
            continue;
        }
        let archive = WalArchive { cluster: state.vault.cluster.clone(), system, targets: Vec::new() };
        for piece in &verdict.expired {
            archive.remove(target, &piece.item).await?;
        }
        metrics::log_removed(target.name(), verdict.expired.len());
        if let Some((oldest, lsn)) = verdict.oldest.filter(|_| !verdict.expired.is_empty()) {
            tracing::info!(
                target.name = target.name(),
                object.count = verdict.expired.len(),
                backup.id = %oldest,
                from = %lsn,
                "log that lies before the oldest kept backup removed"
            );
        }
    }
    metrics::log_stored(target.name(), stored_bytes);
    Ok(())
}
