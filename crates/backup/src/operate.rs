//! What the service does, one function a story: take a backup, read it again, restore it, let old
//! ones go.

mod drill;
mod dump;
mod retention;

use aws_lc_rs::rand;
use larder_replication::{CheckpointSpeed, ReplicationConnection};

use crate::error::BackupError;
use crate::manifest::{BackupId, BackupKind, Manifest};
use crate::metrics;
use crate::operations::Results;
use crate::progress::Progress;
use crate::recovery::{self, RecoveryStatus, Window};
use crate::restore::{RestoreRequest, restore};
use crate::state::State;
use crate::target::SharedTarget;
use crate::under_way::Kind;
use crate::vault::{CreateRequest, Hold, StoredBackup, Verdict, Verification, create, verify};

pub(crate) use self::drill::{DrillWishes, drill_backup};
pub(crate) use self::dump::{
    LoadWishes, RescueWishes, create_dumps, expire_dumps, is_left_over, list_dumps, load, preview_dumps,
    rescue,
};
pub(crate) use self::retention::{LogPreview, apply_retention, preview_log, preview_retention, tiers_of};

/// Which backup to take.
#[derive(Debug, Clone, Default)]
pub(crate) struct CreateWishes {
    /// `None` takes what is due: incremental between the full ones, where the server can.
    pub(crate) kind: Option<BackupKind>,
    /// What an incremental one builds on.
    pub(crate) parent: Option<BackupId>,
}

/// Takes a backup.
pub(crate) async fn create_backup(
    state: &State,
    wishes: CreateWishes,
    progress: &Progress,
) -> Result<Results, BackupError> {
    let turn = state.turn.try_acquire();
    let _turn = turn.map_err(|_| {
        BackupError::Refused(
            "a backup is being taken already: follow that one, or wait for its end".to_owned(),
        )
    })?;
    let kind = match wishes.kind {
        Some(kind) => kind,
        None => kind_that_is_due(state).await?,
    };
    let rate = state.settings.throttle_bytes_per_second;
    let request = CreateRequest {
        server: state.source.clone(),
        backup_id: BackupId::new((state.clock)(), random()?),
        kind,
        parent: wishes.parent,
        falls_back: wishes.kind.is_none(),
        bytes_per_second: (rate > 0).then_some(rate),
        record_most_bytes: state.settings.record_most_bytes,
        checkpoint: CheckpointSpeed::Fast,
        now: state.clock,
    };
    let note = state.under_way.begin(Kind::Backup, &request.backup_id);
    let created = create(&state.vault, request, progress).await;
    // A target that failed may have kept some of it: then the note stays for whoever takes that away.
    if let Some(note) = note.filter(|_| created.as_ref().is_ok_and(|created| created.failures.is_empty())) {
        note.done();
    }
    let created = created?;
    let manifest = &created.manifest;
    metrics::taken(manifest.kind, manifest.source_bytes());
    for failure in &created.failures {
        metrics::target_failed(failure.target());
    }
    tracing::info!(
        backup.id = %manifest.backup_id,
        backup.kind = manifest.kind.as_str(),
        backup.source_bytes = manifest.source_bytes(),
        backup.stored_bytes = manifest.stored_bytes(),
        "backup taken"
    );
    let failures: Vec<_> = created.failures.iter().map(ToString::to_string).collect();
    Ok(Results::from([
        ("backup_id".to_owned(), manifest.backup_id.to_string()),
        ("kind".to_owned(), manifest.kind.as_str().to_owned()),
        ("source_bytes".to_owned(), manifest.source_bytes().to_string()),
        ("stored_bytes".to_owned(), manifest.stored_bytes().to_string()),
        ("targets".to_owned(), created.targets.join(", ")),
        ("failed_targets".to_owned(), failures.join("; ")),
    ]))
}

/// A full one when the last is old or of another cluster, or the server cannot do better.
async fn kind_that_is_due(state: &State) -> Result<BackupKind, BackupError> {
    let mut connection = ReplicationConnection::connect(&state.source).await?;
    let system = connection.identify_system().await?.system;
    let summarizes = connection.version().major >= 17 && connection.show("summarize_wal").await? == "on";
    if !summarizes {
        return Ok(BackupKind::Full);
    }
    let is_ours = |manifest: &Manifest| {
        manifest.kind == BackupKind::Full && manifest.server.system_identifier == system
    };
    let newest = state.vault.newest(None, is_ours).await?;
    let interval = jiff::SignedDuration::from_hours(24 * i64::from(state.settings.full_interval_days));
    let is_young = newest.is_some_and(|(_, full)| (state.clock)().duration_since(full.started_at) < interval);
    Ok(if is_young { BackupKind::Incremental } else { BackupKind::Full })
}

fn random() -> Result<u32, BackupError> {
    let mut bytes = [0; 4];
    rand::fill(&mut bytes).map_err(|_| BackupError::Internal("the system has no randomness".to_owned()))?;
    Ok(u32::from_le_bytes(bytes))
}

/// Reads every stored byte of a backup again, at one target or at all that hold it, and notes how
/// that ended.
pub(crate) async fn verify_backup(
    state: &State,
    id: &BackupId,
    target: Option<&str>,
    progress: &Progress,
) -> Result<Results, BackupError> {
    let (mut read, mut bytes, mut refusal) = (Vec::new(), 0, None);
    for target in state.vault.targets_named(target)? {
        let manifest = match state.vault.read_manifest(&target, id).await {
            Err(BackupError::NoSuchBackup(_)) => continue,
            Err(error) => {
                refusal = Some(error);
                continue;
            }
            Ok(manifest) => manifest,
        };
        let _guard = guard(state, &target, &manifest).await;
        let verified = verify(&state.vault, &target, &manifest, progress).await;
        note(state, &target, id, verified.as_ref().err()).await;
        match verified {
            Ok(verified) => {
                read.push(target.name().to_owned());
                bytes += verified.stored_bytes;
            }
            Err(error) => refusal = Some(error),
        }
    }
    match refusal {
        Some(error) => Err(error),
        None if read.is_empty() => Err(BackupError::NoSuchBackup(id.to_string())),
        None => Ok(Results::from([
            ("backup_id".to_owned(), id.to_string()),
            ("targets".to_owned(), read.join(", ")),
            ("stored_bytes".to_owned(), bytes.to_string()),
        ])),
    }
}

/// Only what was found counts: a target that cannot be reached says nothing about the backup.
async fn note(state: &State, target: &SharedTarget, id: &BackupId, failure: Option<&BackupError>) {
    let (verdict, cause) = match failure {
        None => (Verdict::Passed, None),
        Some(error @ BackupError::Damaged { .. }) => (Verdict::Failed, Some(error.to_string())),
        Some(_) => return,
    };
    let reading = Verification { at: (state.clock)(), verdict, cause };
    if let Err(error) = state.vault.record_verification(target, id, &reading).await {
        tracing::warn!(backup.id = %id, error.cause = %error, "a verification was not noted");
    }
}

/// Keeps a backup and what it builds on from being removed.
async fn guard(state: &State, target: &SharedTarget, manifest: &Manifest) -> crate::state::ReadGuard {
    let chain = state.vault.chain(target, manifest.clone()).await.unwrap_or_else(|_| vec![manifest.clone()]);
    state.reading.begin(chain.into_iter().map(|link| link.backup_id).collect())
}

/// Restores into an empty folder of this machine.
pub(crate) async fn restore_backup(
    state: &State,
    request: RestoreRequest,
    progress: &Progress,
) -> Result<Results, BackupError> {
    let _guard = guard(state, &request.target, &request.manifest).await;
    let restored = restore(&state.vault, &request, progress).await?;
    tracing::info!(backup.id = restored.backup_id, folder = %restored.folder.display(), "backup restored");
    Ok(Results::from([
        ("backup_id".to_owned(), restored.backup_id),
        ("folder".to_owned(), restored.folder.display().to_string()),
        ("file_count".to_owned(), restored.file_count.to_string()),
        ("bytes".to_owned(), restored.bytes.to_string()),
    ]))
}

/// Everything at all targets that can be listed, the newest first. A target that cannot be is told
/// of in the log.
pub(crate) async fn list_all(state: &State, target: Option<&str>) -> Result<Vec<StoredBackup>, BackupError> {
    let (mut backups, mut refusal) = (Vec::new(), None);
    let targets = state.vault.targets_named(target)?;
    let count = targets.len();
    let mut refused = 0;
    for target in targets {
        match state.vault.list(&target).await {
            Ok(listing) => backups.extend(listing.backups),
            Err(error) => {
                tracing::warn!(target.name = target.name(), error.cause = %error, "a target cannot be listed");
                refusal = Some(error);
                refused += 1;
            }
        }
    }
    if let Some(error) = refusal.filter(|_| refused == count) {
        return Err(error);
    }
    backups.sort_by(|one, other| {
        (&other.manifest.backup_id, &one.target).cmp(&(&one.manifest.backup_id, &other.target))
    });
    Ok(backups)
}

/// Forbids the removal of a backup or a dump of this name, or allows it again.
pub(crate) async fn change_hold(
    state: &State,
    id: &BackupId,
    hold: Option<&Hold>,
) -> Result<(), BackupError> {
    let vault = &state.vault;
    let backup = match hold {
        Some(hold) => vault.hold(id, hold).await,
        None => vault.release(id).await,
    };
    let dump = match hold {
        Some(hold) => vault.hold_dump(id, hold).await,
        None => vault.release_dump(id).await,
    };
    match (backup, dump) {
        (Err(BackupError::NoSuchBackup(_)), Err(BackupError::NoSuchDump(_))) => {
            return Err(BackupError::NoSuchBackupOrDump(id.to_string()));
        }
        (Err(BackupError::NoSuchBackup(_)), dump) => dump?,
        (backup, Err(BackupError::NoSuchDump(_))) => backup?,
        (backup, dump) => backup.and(dump)?,
    }
    tracing::info!(backup.id = %id, backup.held = hold.is_some(), "hold changed");
    Ok(())
}

/// The promise as it stands.
pub(crate) async fn recovery_status(state: &State) -> Result<RecoveryStatus, BackupError> {
    let backups = list_all(state, None).await?;
    let covered = state.wal.get().and_then(|wal| wal.borrow().covered());
    let archive = covered.map(|(start, end)| Window { start, end });
    let mut status = recovery::judge(&backups, archive.as_slice(), (state.clock)());
    status.warnings.extend(state.wal.get().and_then(crate::jobs::wal::complaint));
    if state.takes_dumps {
        let dumps = list_dumps(state, None).await?;
        for dump in dumps.iter().rev() {
            metrics::dump_is_of(&dump.manifest.database, dump.manifest.snapshot_at);
        }
        status.last_dump_at = dumps.iter().map(|dump| dump.manifest.dump_id.begun_at()).max();
    }
    metrics::recovery(&status);
    Ok(status)
}

/// Finds what to restore: the backup that was named, or the newest copy of the cluster.
pub(crate) async fn choose(
    state: &State,
    id: Option<&BackupId>,
    target: Option<&str>,
) -> Result<(SharedTarget, Manifest), BackupError> {
    match id {
        Some(id) => state.vault.find(id, target).await,
        None => {
            let newest = state.vault.newest(target, |_| true).await?;
            newest.ok_or_else(|| BackupError::Refused("there is no backup yet: take one first".to_owned()))
        }
    }
}
