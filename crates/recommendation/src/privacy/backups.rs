//! For how long backups hold what is not in the tables any more, by the settings that they are kept by.

use larder_settings::BackupSettings;

const DAYS_OF_A_WEEK: u32 = 7;
const DAYS_OF_A_MONTH: u32 = 31;

/// For how long one target keeps what it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BackupPeriod {
    pub(crate) target: String,
    /// The longest that a backup is kept for its age; `None` when another file says so.
    pub(crate) days: Option<u32>,
    /// So many of the newest are kept whatever their age.
    pub(crate) newest_kept: u32,
}

/// The targets that the settings name.
pub(super) fn periods(settings: &BackupSettings) -> Vec<BackupPeriod> {
    let mut periods = Vec::new();
    // A later incremental backup keeps the full one that it was taken from.
    let chained = settings.full_interval_days;
    if settings.folder_enabled {
        let days = [
            settings.folder_keep_days,
            settings.folder_keep_weekly.saturating_mul(DAYS_OF_A_WEEK),
            settings.folder_keep_monthly.saturating_mul(DAYS_OF_A_MONTH),
        ];
        periods.push(period("backups in the folder", days, chained, settings.folder_keep_count));
    }
    if settings.s3_bucket.is_some() {
        let kept = settings.s3_keep_days.max(settings.s3_lock_days);
        let days = [
            kept,
            settings.s3_keep_weekly.saturating_mul(DAYS_OF_A_WEEK),
            settings.s3_keep_monthly.saturating_mul(DAYS_OF_A_MONTH),
        ];
        periods.push(period("backups in the bucket", days, chained, settings.s3_keep_count));
    }
    if settings.targets_file.is_some() {
        let target = "targets of backup.targets_file".to_owned();
        periods.push(BackupPeriod { target, days: None, newest_kept: 0 });
    }
    if settings.dump_schedule != "never" {
        periods.push(period("dumps", [settings.dump_keep_days; 3], 0, settings.dump_keep_count));
    }
    periods
}

fn period(target: &str, days: [u32; 3], chained: u32, newest_kept: u32) -> BackupPeriod {
    let longest = days.into_iter().max().unwrap_or(0);
    BackupPeriod { target: target.to_owned(), days: Some(longest.saturating_add(chained)), newest_kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rule_counts_and_an_incremental_backup_keeps_its_parent() {
        let mut settings = BackupSettings {
            folder_keep_days: 7,
            folder_keep_weekly: 2,
            folder_keep_monthly: 0,
            full_interval_days: 7,
            folder_keep_count: 3,
            ..BackupSettings::default()
        };
        let folder = BackupPeriod { target: "backups in the folder".into(), days: Some(21), newest_kept: 3 };
        assert_eq!(periods(&settings), [folder]);
        settings.folder_enabled = false;
        settings.s3_bucket = Some("bucket".to_owned());
        settings.s3_lock_days = 4_000;
        settings.dump_schedule = "0 3 * * *".to_owned();
        settings.targets_file = Some("targets.toml".into());
        let days: Vec<_> = periods(&settings).into_iter().map(|period| period.days).collect();
        assert_eq!(days, [Some(4_007), None, Some(30)]);
    }
}
