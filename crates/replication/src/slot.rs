//! Replication slots: the server's promise to keep the log from a place on. Their names go into
//! commands that know no placeholders, so only names that PostgreSQL itself takes get this far.

use std::fmt;
use std::str::FromStr;

use crate::error::ReplicationError;
use crate::lsn::{Lsn, TimelineId};

const LONGEST_NAME: usize = 63;

/// A slot's name: 1 to 63 lower-case letters, digits and underscores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotName(String);

impl SlotName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SlotName {
    type Err = ReplicationError;

    fn from_str(text: &str) -> Result<Self, ReplicationError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err(ReplicationError::Unreadable {
            what: "slot name (1 to 63 of a-z, 0-9 and _)",
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for SlotName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// From where a slot keeps the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotPosition {
    /// The oldest byte kept; `None` for a slot that has reserved nothing yet, or has lost it.
    pub restart_lsn: Option<Lsn>,
    /// The timeline of that byte.
    pub restart_timeline: Option<TimelineId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_carry_a_command() {
        for text in ["", "a b", "a\"; DROP", "Größe", "UPPER", "a-b", &"x".repeat(64)] {
            assert!(text.parse::<SlotName>().is_err(), "{text:?}");
        }
        assert_eq!("larder_backup_1".parse::<SlotName>().unwrap().as_str(), "larder_backup_1");
    }
}
