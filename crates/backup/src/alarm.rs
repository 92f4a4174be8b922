//! What somebody must hear of, as a pure function of how things stand: what fires now, and whether
//! backups are alive at all.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::config::LONGEST_UNPROVEN;
use crate::health::is_late;
use crate::recovery::RecoveryStatus;
use crate::schedule::Schedule;
use crate::wal::{WalState, WalStatus};

/// The log may be so far behind before somebody is woken.
const EXPOSED: SignedDuration = SignedDuration::from_mins(10);
/// A test alarm stands for so long; whoever is on call acknowledges it meanwhile.
const SELF_TEST: SignedDuration = SignedDuration::from_hours(1);

/// Something that fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// What it is, such as `LarderBackupLate`.
    pub(crate) name: &'static str,
    /// As the alerting service reads it.
    pub(crate) severity: &'static str,
    /// Which of several, such as an operation's kind; empty when there is one alone.
    pub(crate) of: String,
    /// What a person should read.
    pub(crate) summary: String,
}

/// How things stand.
pub(crate) struct Facts<'a> {
    pub(crate) status: &'a RecoveryStatus,
    pub(crate) wal: Option<&'a WalStatus>,
    pub(crate) schedule: Option<&'a Schedule>,
    /// When dumps are taken, where they are.
    pub(crate) dump_schedule: Option<&'a Schedule>,
    pub(crate) failures: BTreeMap<&'static str, String>,
    /// When backups began to be watched: what never was is late from then on.
    pub(crate) watched_since: Timestamp,
    pub(crate) self_test_at: Option<Timestamp>,
    pub(crate) now: Timestamp,
}

impl Facts<'_> {
    /// Whether there should have been a backup since the last one.
    fn is_late(&self) -> bool {
        let last = self.status.last_backup_at.unwrap_or(self.watched_since);
        is_late(last, self.schedule, self.now)
    }

    /// Since when the log does not reach the targets, when that is too long.
    fn exposed_since(&self) -> Option<Timestamp> {
        let wal = self.wal?;
        let since = wal.targets.iter().map(|target| target.caught_up_at).min().flatten();
        let since = since.unwrap_or(self.watched_since);
        (self.now.duration_since(since) > EXPOSED).then_some(since)
    }

    /// Whether the sign of life is given: it stops when backups stop.
    pub(crate) fn are_backups_alive(&self) -> bool {
        let has_backup = self.status.last_backup_at.is_some() || self.schedule.is_none();
        has_backup && !self.is_late() && self.exposed_since().is_none()
    }

    /// Everything that fires now.
    pub(crate) fn alarms(&self) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        let mut add = |name, severity, of: &str, summary: String| {
            alarms.push(Alarm { name, severity, of: of.to_owned(), summary });
        };
        if self.is_late() {
            let last = self.status.last_backup_at.map_or("never".to_owned(), |at| at.to_string());
            add(
                "LarderBackupLate",
                "critical",
                "",
                format!("no backup was taken when one was due; the last: {last}"),
            );
        }
        let last_dump = self.status.last_dump_at;
        if is_late(last_dump.unwrap_or(self.watched_since), self.dump_schedule, self.now) {
            let last = last_dump.map_or("never".to_owned(), |at| at.to_string());
            let summary = format!("no database was dumped when one was due; the last: {last}");
            add("LarderDumpLate", "error", "", summary);
        }
        if let Some(since) = self.exposed_since() {
            let cause = self.wal.and_then(WalStatus::obstacle).map(|cause| format!(": {cause}"));
            let cause = cause.unwrap_or_default();
            let summary = format!("the write-ahead log has not reached every target since {since}{cause}");
            add("LarderBackupLogBehind", "critical", "", summary);
        }
        if let Some(wal) = self.wal {
            if wal.slot_is_half_full() {
                let summary = "the server keeps half or more of the log that it may keep for us".to_owned();
                add("LarderBackupSlotFilling", "error", "", summary);
            }
            if let WalState::Refused(reason) = &wal.state {
                add("LarderBackupLogRefused", "critical", "", reason.clone());
            }
            let is_behind_gap = |at: Timestamp| self.status.last_backup_at.is_none_or(|last| last < at);
            if let Some(gap) = wal.gaps.last().filter(|gap| is_behind_gap(gap.noticed_at)) {
                let summary = format!("the log from {} to {} is lost for good", gap.from, gap.to);
                add("LarderBackupLogGap", "critical", "", summary);
            }
        }
        let proven = self.status.last_proven_at.unwrap_or(self.watched_since);
        if self.now.duration_since(proven) > LONGEST_UNPROVEN {
            let summary = "no backup was proven by a drill for a quarter of a year".to_owned();
            add("LarderBackupUnproven", "error", "", summary);
        }
        for (kind, reason) in &self.failures {
            add("LarderBackupOperationFailed", "error", kind, format!("{kind} failed: {reason}"));
        }
        if self.self_test_at.is_some_and(|at| self.now.duration_since(at) < SELF_TEST) {
            let summary = "a test that alarms of backups reach somebody: please acknowledge it".to_owned();
            add("LarderBackupSelfTest", "warning", "", summary);
        }
        alarms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wal::{Gap, TargetStatus};
    use larder_replication::{Lsn, TimelineId};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + 60 * minute).unwrap()
    }

    fn facts<'a>(
        status: &'a RecoveryStatus,
        wal: Option<&'a WalStatus>,
        schedule: &'a Schedule,
    ) -> Facts<'a> {
        Facts {
            status,
            wal,
            schedule: Some(schedule),
            dump_schedule: None,
            failures: BTreeMap::new(),
            watched_since: at(0),
            self_test_at: None,
            now: at(60),
        }
    }

    fn names(facts: &Facts<'_>) -> Vec<&'static str> {
        facts.alarms().iter().map(|alarm| alarm.name).collect()
    }

    fn hourly() -> Schedule {
        Schedule::read("0 * * * *", "UTC").unwrap()
    }

    fn log_until(minute: i64) -> WalStatus {
        let archived = Lsn(9);
        let target = TargetStatus {
            target: "folder".to_owned(),
            archived,
            caught_up_at: Some(at(minute)),
            error: None,
        };
        WalStatus { targets: vec![target], ..WalStatus::default() }
    }

    #[test]
    fn the_sign_of_life_stops_when_backups_or_the_log_stop() {
        let schedule = hourly();
        let status = RecoveryStatus { last_backup_at: Some(at(50)), ..RecoveryStatus::default() };
        let (fresh, old) = (log_until(59), log_until(40));
        assert!(facts(&status, Some(&fresh), &schedule).are_backups_alive());
        assert!(facts(&status, None, &schedule).are_backups_alive());
        let behind = facts(&status, Some(&old), &schedule);
        assert!(!behind.are_backups_alive());
        assert_eq!(names(&behind), ["LarderBackupLogBehind"]);
        let late = Facts { now: at(50 + 3 * 60 + 1), ..facts(&status, None, &schedule) };
        assert!(!late.are_backups_alive());
        assert_eq!(names(&late), ["LarderBackupLate"]);
        let none = RecoveryStatus::default();
        let new = facts(&none, None, &schedule);
        assert!(!new.are_backups_alive() && new.alarms().is_empty(), "it has only begun");
    }

    #[test]
    fn why_the_log_is_behind_is_told_with_it() {
        let schedule = hourly();
        let status = RecoveryStatus { last_backup_at: Some(at(50)), ..RecoveryStatus::default() };
        let mut wal = log_until(40);
        wal.targets[0].error = Some("folder: cannot write x: No space left on device".to_owned());
        let told = facts(&status, Some(&wal), &schedule).alarms().remove(0).summary;
        assert!(told.ends_with(": folder: cannot write x: No space left on device"), "{told}");
        wal.state = WalState::Failing("cannot write spool/y: No space left on device".to_owned());
        let told = facts(&status, Some(&wal), &schedule).alarms().remove(0).summary;
        assert!(told.ends_with(": cannot write spool/y: No space left on device"), "{told}");
    }

    #[test]
    fn dumps_that_are_late_are_told_where_they_are_taken() {
        let schedule = hourly();
        let dumped = RecoveryStatus {
            last_backup_at: Some(at(60 * 9)),
            last_dump_at: Some(at(50)),
            ..RecoveryStatus::default()
        };
        let never = RecoveryStatus { last_dump_at: None, ..dumped.clone() };
        let later = |status| Facts { now: at(60 * 9), ..facts(status, None, &schedule) };
        assert!(names(&later(&dumped)).is_empty(), "nobody asked for dumps");
        let asked = |status, minute| {
            let asked = Facts { dump_schedule: Some(&schedule), ..later(status) };
            names(&Facts { now: at(minute), ..asked })
        };
        assert_eq!(asked(&dumped, 60 * 9), ["LarderDumpLate"]);
        assert_eq!(asked(&never, 60 * 9), ["LarderDumpLate"]);
        assert!(asked(&dumped, 60).is_empty() && asked(&never, 60).is_empty(), "none is due yet");
    }

    #[test]
    fn a_gap_stands_until_a_backup_lies_behind_it() {
        let schedule = hourly();
        let gap = Gap { timeline: TimelineId::FIRST, from: Lsn(1), to: Lsn(2), noticed_at: at(55) };
        let wal = WalStatus { gaps: vec![gap], ..log_until(59) };
        let before = RecoveryStatus { last_backup_at: Some(at(50)), ..RecoveryStatus::default() };
        assert_eq!(names(&facts(&before, Some(&wal), &schedule)), ["LarderBackupLogGap"]);
        let behind = RecoveryStatus { last_backup_at: Some(at(56)), ..RecoveryStatus::default() };
        assert!(names(&facts(&behind, Some(&wal), &schedule)).is_empty());
    }

    #[test]
    fn failures_tests_and_old_proofs_are_told() {
        let schedule = hourly();
        let day = 24 * 60;
        let now = at(100 * day);
        let status = RecoveryStatus {
            last_backup_at: Some(now),
            last_proven_at: Some(at(5 * day)),
            ..RecoveryStatus::default()
        };
        let facts = Facts {
            failures: BTreeMap::from([("run_drill", "jars has 7 rows of 9".to_owned())]),
            self_test_at: Some(now),
            now,
            ..facts(&status, None, &schedule)
        };
        let told = ["LarderBackupUnproven", "LarderBackupOperationFailed", "LarderBackupSelfTest"];
        assert_eq!(names(&facts), told);
        assert!(facts.alarms()[1].summary.contains("7 rows of 9"));
    }
}
