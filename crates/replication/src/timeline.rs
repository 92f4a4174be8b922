//! History files: where each timeline left the one before it. They decide which segments lead
//! from a base backup to a point in time.

use std::fmt;
use std::str::FromStr;

use crate::error::ReplicationError;
use crate::lsn::{Lsn, TimelineId};

/// A history file as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryFile {
    /// The timeline whose ancestors it tells.
    pub timeline: TimelineId,
    /// The file's bytes, to be stored unchanged.
    pub content: Vec<u8>,
}

impl HistoryFile {
    /// The file's name, such as `00000002.history`.
    pub fn name(&self) -> String {
        Self::name_of(self.timeline)
    }

    /// The name of a timeline's history file.
    pub fn name_of(timeline: TimelineId) -> String {
        format!("{:08X}.history", timeline.get())
    }

    /// The timeline whose history file has this name.
    pub fn timeline_of(name: &str) -> Option<TimelineId> {
        let digits = name.strip_suffix(".history").filter(|digits| digits.len() == 8)?;
        let capitals = digits.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| capitals)?;
        TimelineId::new(number).ok()
    }

    /// Reads the content.
    ///
    /// # Errors
    /// [`ReplicationError::Unreadable`] with the line that is not one of a history file.
    pub fn history(&self) -> Result<TimelineHistory, ReplicationError> {
        let history: TimelineHistory = String::from_utf8_lossy(&self.content).parse()?;
        if history.entries.last().is_none_or(|last| last.timeline < self.timeline) {
            return Ok(history);
        }
        Err(ReplicationError::Unreadable { what: "timeline history", text: self.name() })
    }
}

/// One ancestor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The ancestor.
    pub timeline: TimelineId,
    /// Where its child left it: bytes from here on are not of the child's history.
    pub end: Lsn,
}

/// The ancestors of a timeline, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TimelineHistory {
    /// Ordered by timeline and by place.
    pub entries: Vec<HistoryEntry>,
}

impl TimelineHistory {
    /// The timeline that wrote the byte at `lsn`, in the history of `newest`.
    pub fn timeline_at(&self, newest: TimelineId, lsn: Lsn) -> TimelineId {
        self.entries.iter().find(|entry| lsn < entry.end).map_or(newest, |entry| entry.timeline)
    }

    /// Where `ancestor` was left, if it is an ancestor.
    pub fn end_of(&self, ancestor: TimelineId) -> Option<Lsn> {
        self.entries.iter().find(|entry| entry.timeline == ancestor).map(|entry| entry.end)
    }
}

impl FromStr for TimelineHistory {
    type Err = ReplicationError;

    fn from_str(text: &str) -> Result<Self, ReplicationError> {
        let mut entries: Vec<HistoryEntry> = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let unreadable =
                || ReplicationError::Unreadable { what: "line of a timeline history", text: line.to_owned() };
            let mut words = line.split_whitespace();
            let (timeline, end) = words.next().zip(words.next()).ok_or_else(unreadable)?;
            let entry = HistoryEntry {
                timeline: timeline.parse().map_err(|_| unreadable())?,
                end: end.parse().map_err(|_| unreadable())?,
            };
            if entries.last().is_some_and(|last| last.timeline >= entry.timeline || last.end > entry.end) {
                return Err(unreadable());
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }
}

impl fmt::Display for TimelineHistory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            write!(formatter, "{} until {}, ", entry.timeline, entry.end)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(number: u32) -> TimelineId {
        TimelineId::new(number).unwrap()
    }

    const FILE: &str =
        "1\t0/3000148\tno recovery target specified\n\n# a comment\n2\t0/5000000\tbefore 2026-11-01 12:00\n";

    #[test]
    fn a_place_belongs_to_the_timeline_that_wrote_it() {
        let history: TimelineHistory = FILE.parse().unwrap();
        assert_eq!(history.timeline_at(timeline(4), Lsn(0x300_0147)), timeline(1));
        assert_eq!(history.timeline_at(timeline(4), Lsn(0x300_0148)), timeline(2));
        assert_eq!(history.timeline_at(timeline(4), Lsn(0x500_0000)), timeline(4));
        assert_eq!(history.end_of(timeline(2)), Some(Lsn(0x500_0000)));
        assert_eq!(history.end_of(timeline(3)), None);
    }

    #[test]
    fn a_history_that_runs_backwards_is_refused() {
        for text in ["2\t0/1\n1\t0/2\n", "1\t0/2\n2\t0/1\n", "1\n", "0\t0/1\n", "one\t0/1\n"] {
            assert!(text.parse::<TimelineHistory>().is_err(), "{text:?}");
        }
        let own_child = HistoryFile { timeline: timeline(2), content: FILE.into() };
        assert!(own_child.history().is_err(), "a timeline is not its own ancestor");
    }

    #[test]
    fn names_are_read_strictly() {
        assert_eq!(HistoryFile::name_of(timeline(18)), "00000012.history");
        assert_eq!(HistoryFile::timeline_of("00000012.history"), Some(timeline(18)));
        for name in ["0000001a.history", "12.history", "00000000.history", "00000012.history.partial"] {
            assert_eq!(HistoryFile::timeline_of(name), None, "{name}");
        }
    }
}
