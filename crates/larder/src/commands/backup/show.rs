//! What `larder backup` prints: tables for people, JSON for programs.

use indicatif::{HumanBytes, HumanDuration};
use larder_proto::larder::backup::v1::*;
use serde_json::{Value, json};

use crate::commands::models::instant;
use crate::console::{self, Align, Columns};

/// Backups, one line a target.
pub(super) fn backups(backups: &[Backup], json: bool) {
    if json {
        let all: Vec<Value> = backups.iter().map(as_json).collect();
        console::print_json(&json!({ "backups": all }));
        return;
    }
    let mut columns = Columns::new(&[
        ("backup", Align::Left),
        ("target", Align::Left),
        ("kind", Align::Left),
        ("read", Align::Right),
        ("stored", Align::Right),
        ("proof", Align::Left),
    ]);
    for backup in backups {
        let hold = if backup.held { ", held" } else { "" };
        columns.push(vec![
            backup.backup_id.clone(),
            backup.target.clone(),
            word(backup.kind().as_str_name(), "BACKUP_KIND_"),
            bytes(backup.source_size_bytes),
            bytes(backup.stored_size_bytes),
            format!("{}{hold}", word(backup.proof_state().as_str_name(), "PROOF_STATE_")),
        ]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
}

/// What is held now, or is not any more.
pub(super) fn held(answer: &HoldBackupResponse, json: bool) {
    if json {
        let backups: Vec<Value> = answer.backups.iter().map(as_json).collect();
        let dumps: Vec<Value> = answer.dumps.iter().map(dump_as_json).collect();
        console::print_json(&json!({ "backups": backups, "dumps": dumps }));
        return;
    }
    if !answer.backups.is_empty() {
        backups(&answer.backups, false);
    }
    if !answer.dumps.is_empty() {
        dumps(&answer.dumps, false);
    }
}

/// Dumps, one line a target.
pub(super) fn dumps(dumps: &[Dump], json: bool) {
    if json {
        let all: Vec<Value> = dumps.iter().map(dump_as_json).collect();
        console::print_json(&json!({ "dumps": all }));
        return;
    }
    let mut columns = Columns::new(&[
        ("dump", Align::Left),
        ("target", Align::Left),
        ("database", Align::Left),
        ("of", Align::Left),
        ("tables", Align::Right),
        ("stored", Align::Right),
        ("hold", Align::Left),
    ]);
    for dump in dumps {
        columns.push(vec![
            dump.dump_id.clone(),
            dump.target.clone(),
            dump.database.clone(),
            instant(dump.snapshot_at.as_ref()).unwrap_or_default(),
            dump.table_count.to_string(),
            bytes(dump.stored_size_bytes),
            if dump.held { "held" } else { "" }.to_owned(),
        ]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
}

fn dump_as_json(dump: &Dump) -> Value {
    json!({
        "dumpId": dump.dump_id,
        "target": dump.target,
        "cluster": dump.cluster,
        "database": dump.database,
        "serverVersion": dump.server_version,
        "program": dump.program,
        "startedAt": instant(dump.started_at.as_ref()),
        "snapshotAt": instant(dump.snapshot_at.as_ref()),
        "stoppedAt": instant(dump.stopped_at.as_ref()),
        "rawSizeBytes": dump.raw_size_bytes,
        "storedSizeBytes": dump.stored_size_bytes,
        "tableCount": dump.table_count,
        "countedRowCount": dump.counted_row_count,
        "encrypted": dump.encrypted,
        "held": dump.held,
    })
}

/// What retention decides.
pub(super) fn verdicts(preview: &PreviewRetentionResponse, json: bool) {
    let PreviewRetentionResponse { verdicts, logs, dumps } = preview;
    if json {
        let all = verdicts.iter().map(|verdict| {
            let backup = verdict.backup.clone().unwrap_or_default();
            json!({"backupId": backup.backup_id, "target": backup.target, "keep": verdict.keep,
                   "reason": verdict.reason})
        });
        let logs = logs.iter().map(|log| {
            json!({"target": log.target, "systemIdentifier": log.system_identifier,
                   "removedObjectCount": log.removed_object_count, "removedSizeBytes": log.removed_size_bytes,
                   "keptObjectCount": log.kept_object_count, "keptSizeBytes": log.kept_size_bytes,
                   "blocked": log.blocked, "reason": log.reason})
        });
        let dumps = dumps.iter().map(|verdict| {
            let dump = verdict.dump.clone().unwrap_or_default();
            json!({"dumpId": dump.dump_id, "target": dump.target, "keep": verdict.keep,
                   "reason": verdict.reason})
        });
        let (all, logs, dumps): (Vec<_>, Vec<_>, Vec<_>) = (all.collect(), logs.collect(), dumps.collect());
        console::print_json(&json!({ "verdicts": all, "logs": logs, "dumps": dumps }));
        return;
    }
    let titles = [
        ("backup or dump", Align::Left),
        ("target", Align::Left),
        ("stays", Align::Left),
        ("why", Align::Left),
    ];
    let mut columns = Columns::new(&titles);
    for verdict in verdicts {
        let backup = verdict.backup.clone().unwrap_or_default();
        let stays = if verdict.keep { "yes" } else { "no" };
        columns.push(vec![backup.backup_id, backup.target, stays.to_owned(), verdict.reason.clone()]);
    }
    for verdict in dumps {
        let dump = verdict.dump.clone().unwrap_or_default();
        let stays = if verdict.keep { "yes" } else { "no" };
        columns.push(vec![dump.dump_id, dump.target, stays.to_owned(), verdict.reason.clone()]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
    for log in logs {
        let gone = if log.blocked { 0 } else { log.removed_size_bytes };
        let (target, kept) = (&log.target, bytes(log.kept_size_bytes));
        console::print_line(&format!(
            "log at {target}: {} would go, {kept} stay; {}",
            bytes(gone),
            log.reason
        ));
    }
}

/// The promise as it stands.
pub(super) fn status(status: &GetRecoveryStatusResponse, json: bool) {
    let windows = status.windows.iter().map(|window| {
        let ends = [window.start_at.as_ref(), window.end_at.as_ref()];
        ends.map(|end| instant(end).unwrap_or_default())
    });
    let windows: Vec<[String; 2]> = windows.collect();
    if json {
        console::print_json(&json!({
            "windows": windows.iter().map(|[start, end]| json!({"startAt": start, "endAt": end})).collect::<Vec<_>>(),
            "rpoMs": status.rpo_ms,
            "rtoMs": status.rto_ms,
            "rtoMeasured": status.rto_measured,
            "lastBackupAt": instant(status.last_backup_at.as_ref()),
            "lastProvenAt": instant(status.last_proven_at.as_ref()),
            "proven": status.proven,
            "warnings": status.warnings,
        }));
        return;
    }
    let told = |millis: Option<i64>| millis.map_or("unknown".to_owned(), duration);
    let measured = if status.rto_measured { "measured by a drill" } else { "estimated, no drill yet" };
    console::print_line(&format!("would be lost now     {}", told(status.rpo_ms)));
    console::print_line(&format!("a restore would take  {} ({measured})", told(status.rto_ms)));
    let last = instant(status.last_backup_at.as_ref()).unwrap_or_else(|| "never".to_owned());
    console::print_line(&format!("last backup           {last}"));
    let proven = instant(status.last_proven_at.as_ref()).unwrap_or_else(|| "never".to_owned());
    console::print_line(&format!("last proven           {proven}"));
    for [start, end] in &windows {
        let stretch = if start == end { start.clone() } else { format!("{start} to {end}") };
        console::print_line(&format!("can be restored       {stretch}"));
    }
    status.warnings.iter().for_each(|warning| console::print_warning(warning));
}

fn duration(millis: i64) -> String {
    HumanDuration(std::time::Duration::from_millis(millis.max(0).unsigned_abs())).to_string()
}

fn bytes(count: i64) -> String {
    HumanBytes(count.max(0).unsigned_abs()).to_string()
}

/// `BACKUP_KIND_FULL` as people say it.
fn word(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase()
}

fn as_json(backup: &Backup) -> Value {
    json!({
        "backupId": backup.backup_id,
        "target": backup.target,
        "kind": backup.kind().as_str_name(),
        "cluster": backup.cluster,
        "systemIdentifier": backup.system_identifier,
        "serverVersion": backup.server_version,
        "startLsn": backup.start_lsn,
        "stopLsn": backup.stop_lsn,
        "timeline": backup.timeline,
        "startedAt": instant(backup.started_at.as_ref()),
        "stoppedAt": instant(backup.stopped_at.as_ref()),
        "parentBackupId": backup.parent_backup_id,
        "sourceSizeBytes": backup.source_size_bytes,
        "storedSizeBytes": backup.stored_size_bytes,
        "objectCount": backup.object_count,
        "encrypted": backup.encrypted,
        "proofState": backup.proof_state().as_str_name(),
        "provenAt": instant(backup.proven_at.as_ref()),
        "verifiedAt": instant(backup.verified_at.as_ref()),
        "held": backup.held,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_proofs_are_told_in_words() {
        assert_eq!(word(BackupKind::Incremental.as_str_name(), "BACKUP_KIND_"), "incremental");
        assert_eq!(word(ProofState::Unproven.as_str_name(), "PROOF_STATE_"), "unproven");
    }
}
