//! The metrics that are this service's own. The names are documented in one place, here.

use std::time::Duration;

use jiff::Timestamp;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::manifest::BackupKind;
use crate::wal::WalStatus;

/// Tells the exporter what each metric means.
pub(crate) fn describe() {
    describe_counter!("larder_backup_backups_total", "Backups that were taken, by kind");
    describe_counter!("larder_backup_failures_total", "Operations that failed, by operation and stage");
    describe_counter!("larder_backup_target_failures_total", "Backups that a target did not take, by target");
    describe_counter!("larder_backup_removed_total", "Backups that retention removed, by target");
    describe_counter!(
        "larder_backup_moved_total",
        "Objects of backups that were moved to the storage class of their age, by target and class"
    );
    describe_counter!("larder_backup_dumps_total", "Dumps of databases that were taken, by database");
    describe_gauge!(
        "larder_backup_last_dump_timestamp_seconds",
        "The moment of which the last dump is, by database"
    );
    describe_counter!("larder_backup_source_bytes_total", "Bytes of databases that were read");
    describe_histogram!("larder_backup_duration_seconds", "Time an operation took, by operation");
    describe_gauge!("larder_backup_last_success_timestamp_seconds", "When the last backup ended");
    describe_gauge!(
        "larder_backup_last_proven_timestamp_seconds",
        "When a backup was last proven by a restore"
    );
    describe_gauge!("larder_backup_rpo_seconds", "What would be lost if the cluster were gone now");
    describe_gauge!("larder_backup_rto_seconds", "How long a restore would take");
    describe_gauge!("larder_backup_stored_bytes", "Bytes of all backups, by target");
    describe_gauge!("larder_backup_count", "Backups, by target");
    describe_gauge!(
        "larder_backup_wal_exposure_seconds",
        "Work that would be lost with the server now, by where the log is safe: the spool or a target"
    );
    describe_gauge!("larder_backup_wal_slot_retained_bytes", "Log that the server keeps for us");
    describe_gauge!("larder_backup_wal_spool_bytes", "Log that waits for targets");
    describe_counter!("larder_backup_wal_gaps_total", "Stretches of the log that were lost for good");
    describe_counter!(
        "larder_backup_wal_removed_total",
        "Pieces of the log that retention removed, by target"
    );
    describe_gauge!("larder_backup_wal_stored_bytes", "Bytes of the archived log, by target");
    // Alerts compare with what was before: a counter must be there before it counts.
    for kind in [BackupKind::Full, BackupKind::Incremental] {
        counter!("larder_backup_backups_total", "kind" => kind.as_str()).absolute(0);
    }
}

pub(crate) fn taken(kind: BackupKind, source_bytes: u64) {
    counter!("larder_backup_backups_total", "kind" => kind.as_str()).increment(1);
    counter!("larder_backup_source_bytes_total").increment(source_bytes);
}

pub(crate) fn dumped(database: &str, snapshot_at: Timestamp) {
    counter!("larder_backup_dumps_total", "database" => database.to_owned()).increment(1);
    dump_is_of(database, snapshot_at);
}

pub(crate) fn dump_is_of(database: &str, snapshot_at: Timestamp) {
    gauge!("larder_backup_last_dump_timestamp_seconds", "database" => database.to_owned())
        .set(snapshot_at.as_second() as f64);
}

pub(crate) fn target_failed(target: &str) {
    counter!("larder_backup_target_failures_total", "target" => target.to_owned()).increment(1);
}

pub(crate) fn failed(operation: &'static str, stage: &'static str) {
    counter!("larder_backup_failures_total", "operation" => operation, "stage" => stage).increment(1);
}

pub(crate) fn wal(status: &WalStatus, now: Timestamp) {
    let seconds = |since: Timestamp| now.duration_since(since).as_secs_f64();
    if let Some(since) = status.caught_up_at {
        gauge!("larder_backup_wal_exposure_seconds", "where" => "spool").set(seconds(since));
    }
    for target in &status.targets {
        if let Some(since) = target.caught_up_at {
            gauge!("larder_backup_wal_exposure_seconds", "where" => target.target.clone())
                .set(seconds(since));
        }
    }
    gauge!("larder_backup_wal_slot_retained_bytes").set(status.slot_retained_bytes as f64);
    gauge!("larder_backup_wal_spool_bytes").set(status.spool_bytes as f64);
    counter!("larder_backup_wal_gaps_total").absolute(status.gaps.len() as u64);
}

pub(crate) fn took(operation: &'static str, duration: Duration) {
    histogram!("larder_backup_duration_seconds", "operation" => operation).record(duration.as_secs_f64());
}

pub(crate) fn removed(target: &str) {
    counter!("larder_backup_removed_total", "target" => target.to_owned()).increment(1);
}

pub(crate) fn moved(target: &str, class: &str, count: usize) {
    counter!("larder_backup_moved_total", "target" => target.to_owned(), "storage_class" => class.to_owned())
        .increment(count as u64);
}

pub(crate) fn log_removed(target: &str, count: usize) {
    counter!("larder_backup_wal_removed_total", "target" => target.to_owned()).increment(count as u64);
}

pub(crate) fn log_stored(target: &str, bytes: u64) {
    gauge!("larder_backup_wal_stored_bytes", "target" => target.to_owned()).set(bytes as f64);
}

pub(crate) fn stored(target: &str, count: usize, bytes: u64) {
    gauge!("larder_backup_count", "target" => target.to_owned()).set(count as f64);
    gauge!("larder_backup_stored_bytes", "target" => target.to_owned()).set(bytes as f64);
}

pub(crate) fn recovery(status: &crate::recovery::RecoveryStatus) {
    if let Some(at) = status.last_backup_at {
        gauge!("larder_backup_last_success_timestamp_seconds").set(at.as_second() as f64);
    }
    if let Some(at) = status.last_proven_at {
        gauge!("larder_backup_last_proven_timestamp_seconds").set(at.as_second() as f64);
    }
    if let Some(rpo) = status.rpo {
        gauge!("larder_backup_rpo_seconds").set(rpo.as_secs_f64());
    }
    if let Some(rto) = status.rto {
        gauge!("larder_backup_rto_seconds").set(rto.as_secs_f64());
    }
}
