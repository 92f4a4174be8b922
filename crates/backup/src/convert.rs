//! Wire types and ours, in both directions; only this file and `grpc/` see both.

use jiff::Timestamp;
use larder_proto::larder::backup::v1 as wire;

use crate::drill::DrillReport;
use crate::dump::StoredDump;
use crate::manifest::BackupKind;
use crate::operate::LogPreview;
use crate::recovery::{RecoveryStatus, Window};
use crate::retention::{Reason, RetentionVerdict};
use crate::vault::{Hold, StoredBackup};
use crate::wal::expire::StoredPiece;

pub(crate) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn kind(kind: BackupKind) -> wire::BackupKind {
    match kind {
        BackupKind::Full => wire::BackupKind::Full,
        BackupKind::Incremental => wire::BackupKind::Incremental,
    }
}

pub(crate) fn backup(stored: &StoredBackup) -> wire::Backup {
    let manifest = &stored.manifest;
    let marks = &stored.marks;
    let physical = &manifest.physical;
    let proof_state = if marks.is_failed() {
        wire::ProofState::Failed
    } else if marks.is_proven() {
        wire::ProofState::Proven
    } else {
        wire::ProofState::Unproven
    };
    wire::Backup {
        backup_id: manifest.backup_id.to_string(),
        target: stored.target.clone(),
        kind: kind(manifest.kind).into(),
        cluster: manifest.cluster.clone(),
        system_identifier: manifest.server.system_identifier.to_string(),
        server_version: manifest.server.version.clone(),
        start_lsn: physical.start_lsn.to_string(),
        stop_lsn: physical.stop_lsn.to_string(),
        timeline: physical.stop_timeline.get(),
        started_at: Some(timestamp(manifest.started_at)),
        stopped_at: Some(timestamp(manifest.stopped_at)),
        parent_backup_id: manifest.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        source_size_bytes: count(manifest.source_bytes()),
        stored_size_bytes: count(manifest.stored_bytes()),
        object_count: count(manifest.objects.len() as u64),
        encrypted: manifest.is_sealed(),
        proof_state: proof_state.into(),
        proven_at: marks.proven_at.map(timestamp),
        verified_at: marks.verification.as_ref().map(|reading| timestamp(reading.at)),
        held: marks.hold.is_some(),
    }
}

/// The last drill of a backup; a note of another release that cannot be read is none.
pub(crate) fn drill(stored: &StoredBackup) -> Option<wire::DrillReport> {
    let proof = stored.marks.proof.as_ref()?;
    let report: DrillReport = serde_json::from_value(proof.report.clone()).ok()?;
    let checks = report.checks.into_iter().map(|check| wire::DrillCheck {
        name: check.name,
        passed: check.passed,
        detail: check.detail,
        duration_ms: count(check.duration_ms),
    });
    Some(wire::DrillReport {
        target: report.target,
        recovered_to: report.recover_to.to_string(),
        started_at: Some(timestamp(report.started_at)),
        ended_at: Some(timestamp(report.ended_at)),
        passed: report.passed,
        restored_size_bytes: count(report.restored_bytes),
        restore_ms: count(report.restore_ms),
        recovery_ms: count(report.recovery_ms),
        replayed_segment_count: count(report.segments_replayed),
        reached_lsn: report.reached_lsn.unwrap_or_default(),
        last_commit_at: report.last_commit_at.map(timestamp),
        checks: checks.collect(),
    })
}

pub(crate) fn verdict(stored: &StoredBackup, verdict: &RetentionVerdict) -> wire::RetentionVerdict {
    wire::RetentionVerdict {
        backup: Some(backup(stored)),
        keep: verdict.stays(),
        reason: reason(verdict, stored.marks.hold.as_ref()),
    }
}

pub(crate) fn dump(stored: &StoredDump) -> wire::Dump {
    let manifest = &stored.manifest;
    wire::Dump {
        dump_id: manifest.dump_id.to_string(),
        target: stored.target.clone(),
        cluster: manifest.cluster.clone(),
        database: manifest.database.clone(),
        server_version: manifest.server.version.clone(),
        program: manifest.program.clone(),
        started_at: Some(timestamp(manifest.started_at)),
        snapshot_at: Some(timestamp(manifest.snapshot_at)),
        stopped_at: Some(timestamp(manifest.stopped_at)),
        raw_size_bytes: count(manifest.raw_bytes()),
        stored_size_bytes: count(manifest.stored_bytes()),
        table_count: count(manifest.tables.len() as u64),
        counted_row_count: count(manifest.tables.iter().filter_map(|table| table.rows).sum()),
        encrypted: manifest.is_sealed(),
        held: stored.hold.is_some(),
    }
}

pub(crate) fn dump_verdict(stored: &StoredDump, verdict: &RetentionVerdict) -> wire::DumpRetention {
    wire::DumpRetention {
        dump: Some(dump(stored)),
        keep: verdict.stays(),
        reason: reason(verdict, stored.hold.as_ref()),
    }
}

/// Why in words, and of what is held also what whoever holds it said.
fn reason(verdict: &RetentionVerdict, hold: Option<&Hold>) -> String {
    let said = hold.map(|hold| hold.reason.trim()).filter(|said| !said.is_empty());
    match (&verdict.reason, said) {
        (Reason::Held, Some(said)) => format!("{}: {said}", verdict.reason),
        _ => verdict.reason.to_string(),
    }
}

pub(crate) fn log_verdict(target: &str, preview: &LogPreview) -> wire::LogRetention {
    let verdict = &preview.verdict;
    let bytes = |pieces: &[StoredPiece]| count(pieces.iter().map(|piece| piece.size_bytes).sum());
    let reason = match (&preview.obstacle, &verdict.oldest) {
        (Some(obstacle), _) => format!("nothing is removed: {obstacle}"),
        (None, None) => "nothing is removed: no backup of this cluster is kept here".to_owned(),
        (None, Some((id, lsn))) => format!("{id}, the oldest that is kept, needs the log from {lsn} on"),
    };
    wire::LogRetention {
        target: target.to_owned(),
        system_identifier: preview.system.to_string(),
        removed_object_count: count(verdict.expired.len() as u64),
        removed_size_bytes: bytes(&verdict.expired),
        kept_object_count: count(verdict.kept.len() as u64),
        kept_size_bytes: bytes(&verdict.kept),
        blocked: preview.obstacle.is_some(),
        reason,
    }
}

fn window(window: &Window) -> wire::RecoveryWindow {
    wire::RecoveryWindow { start_at: Some(timestamp(window.start)), end_at: Some(timestamp(window.end)) }
}

pub(crate) fn recovery(status: &RecoveryStatus) -> wire::GetRecoveryStatusResponse {
    let millis = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    wire::GetRecoveryStatusResponse {
        windows: status.windows.iter().map(window).collect(),
        rpo_ms: status.rpo.map(millis),
        rto_ms: status.rto.map(millis),
        rto_measured: status.is_rto_measured,
        last_backup_at: status.last_backup_at.map(timestamp),
        last_proven_at: status.last_proven_at.map(timestamp),
        proven: status.is_proven,
        warnings: status.warnings.clone(),
    }
}
