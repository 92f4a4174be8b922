//! Names of backups: the second they were begun and a random end, so that they sort by time and two
//! that begin at once are two.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::fmt::strtime;
use serde::{Deserialize, Serialize};

const FORM: &str = "%Y%m%dT%H%M%SZ";
const TIME_CHARACTERS: usize = 16;
const END_CHARACTERS: usize = 8;

/// The name of a backup, such as `20261123T064000Z-7f3a9c01`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BackupId(String);

impl BackupId {
    /// The name of a backup that begins at `now`.
    #[must_use]
    pub fn new(now: Timestamp, random: u32) -> Self {
        let time = strtime::format(FORM, now).expect("an instant has a year, a day and a second");
        Self(format!("{time}-{random:08x}"))
    }

    /// When it was begun, to the second.
    #[must_use]
    pub fn begun_at(&self) -> Timestamp {
        strtime::parse(FORM, &self.0[..TIME_CHARACTERS])
            .and_then(|time| time.to_datetime())
            .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC))
            .map(|time| time.timestamp())
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no name of a backup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of a backup; one looks like 20261123T064000Z-7f3a9c01")]
pub struct RefusedId(pub String);

impl FromStr for BackupId {
    type Err = RefusedId;

    fn from_str(text: &str) -> Result<Self, RefusedId> {
        let is_right = text.split_once('-').is_some_and(|(time, end)| {
            time.len() == TIME_CHARACTERS
                && strtime::parse(FORM, time).is_ok_and(|time| time.to_datetime().is_ok())
                && end.len() == END_CHARACTERS
                && end.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        });
        if is_right { Ok(Self(text.to_owned())) } else { Err(RefusedId(text.to_owned())) }
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<BackupId> for String {
    fn from(id: BackupId) -> Self {
        id.0
    }
}

impl TryFrom<String> for BackupId {
    type Error = RefusedId;

    fn try_from(text: String) -> Result<Self, RefusedId> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_when_the_backup_was_begun() {
        let now: Timestamp = "2026-11-23T06:40:00.7Z".parse().unwrap();
        let id = BackupId::new(now, 0x7f3a_9c01);
        assert_eq!(id.as_str(), "20261123T064000Z-7f3a9c01");
        assert_eq!(id.begun_at(), "2026-11-23T06:40:00Z".parse().unwrap());
        assert_eq!(id.as_str().parse::<BackupId>().unwrap(), id);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "latest",
            "../..",
            "20261123T064000Z",
            "20261123T064000Z-7F3A9C01",
            "20261323T064000Z-7f3a9c01",
        ] {
            assert!(text.parse::<BackupId>().is_err(), "{text:?}");
        }
    }
}
