//! How a restored folder is told where to stop recovering, and where to ask for the log. Written into
//! the folder's own settings, so that whoever starts it next recovers to that very point.

use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use larder_replication::Lsn;
use serde::{Deserialize, Serialize};

use crate::error::BackupError;

const SETTINGS: &str = "postgresql.auto.conf";
const SIGNAL: &str = "recovery.signal";

/// Until where to recover.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "at")]
pub enum RecoveryTarget {
    /// As far as the log goes.
    #[default]
    Latest,
    /// To the end of the backup itself.
    Immediate,
    /// To the last commit at or before an instant.
    Time(Timestamp),
    /// To a place in the log, that place included.
    Lsn(Lsn),
    /// To a place in the log, what begins there not included.
    Before(Lsn),
    /// To a point that was named by `pg_create_restore_point`.
    Name(String),
}

impl RecoveryTarget {
    /// Settings as PostgreSQL knows them: name and value.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let target = match self {
            Self::Latest => return Vec::new(),
            Self::Immediate => ("recovery_target", "immediate".to_owned()),
            // PostgreSQL reads this before it knows any abbreviation of a time zone, `Z` included.
            Self::Time(at) => ("recovery_target_time", at.strftime("%Y-%m-%d %H:%M:%S.%6f+00").to_string()),
            Self::Lsn(lsn) | Self::Before(lsn) => ("recovery_target_lsn", lsn.to_string()),
            Self::Name(name) => ("recovery_target_name", name.clone()),
        };
        let mut settings = vec![target];
        if matches!(self, Self::Before(_)) {
            settings.push(("recovery_target_inclusive", "off".to_owned()));
        }
        // Reached, the server is to be used; not reached, PostgreSQL refuses by itself.
        settings.push(("recovery_target_action", "promote".to_owned()));
        settings
    }
}

impl fmt::Display for RecoveryTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => formatter.write_str("the end of the log"),
            Self::Immediate => formatter.write_str("the end of the backup"),
            Self::Time(at) => write!(formatter, "{at}"),
            Self::Lsn(lsn) => write!(formatter, "the place {lsn}"),
            Self::Before(lsn) => write!(formatter, "just before the place {lsn}"),
            Self::Name(name) => write!(formatter, "the point {name:?}"),
        }
    }
}

/// Writes the settings of a recovery into a restored folder and marks it for one.
///
/// # Errors
/// A name that no point can have, and a folder that cannot be written.
pub fn prepare_recovery(
    folder: &Path,
    target: &RecoveryTarget,
    restore_command: &str,
    owner: Option<(u32, u32)>,
) -> Result<(), BackupError> {
    let path = folder.join(SETTINGS);
    let mut text = String::from("\n# written by larder for recovery\n");
    let command = ("restore_command", restore_command.to_owned());
    let timeline = ("recovery_target_timeline", "latest".to_owned());
    for (name, value) in [command, timeline].into_iter().chain(target.settings()) {
        if value.contains(['\n', '\r', '\0']) {
            return Err(BackupError::Refused(format!("{name} cannot hold a line break")));
        }
        text.push_str(&format!("{name} = '{}'\n", value.replace('\\', "\\\\").replace('\'', "''")));
    }
    let appended = File::options().create(true).append(true).open(&path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    appended.map_err(BackupError::file("write", &path))?;
    let signal = folder.join(SIGNAL);
    File::create(&signal).and_then(|file| file.sync_all()).map_err(BackupError::file("create", &signal))?;
    if let Some((uid, gid)) = owner {
        for path in [&path, &signal] {
            let given = std::os::unix::fs::lchown(path, Some(uid), Some(gid));
            given.map_err(BackupError::file("give away", path))?;
        }
    }
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupError::file("write", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_quoted_and_the_folder_is_marked() {
        let folder = tempfile::tempdir().unwrap();
        let target = RecoveryTarget::Name("it's before".to_owned());
        prepare_recovery(folder.path(), &target, "larder 'x' %f %p", None).unwrap();
        let text = fs::read_to_string(folder.path().join(SETTINGS)).unwrap();
        assert!(text.contains("recovery_target_name = 'it''s before'\n"), "{text}");
        assert!(text.contains("restore_command = 'larder ''x'' %f %p'\n"), "{text}");
        assert!(text.contains("recovery_target_action = 'promote'\n"), "{text}");
        assert!(folder.path().join(SIGNAL).is_file());
    }

    #[test]
    fn a_name_cannot_carry_a_setting() {
        let folder = tempfile::tempdir().unwrap();
        let target = RecoveryTarget::Name("x'\narchive_command = 'rm".to_owned());
        assert!(prepare_recovery(folder.path(), &target, "x", None).is_err());
    }

    #[test]
    fn the_end_of_the_log_needs_no_target() {
        assert!(RecoveryTarget::Latest.settings().is_empty());
        let at: Timestamp = "2026-11-23T08:00:00.5Z".parse().unwrap();
        assert_eq!(RecoveryTarget::Time(at).settings()[0].1, "2026-11-23 08:00:00.500000+00");
    }
}
