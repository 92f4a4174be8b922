//! Names of what the archive holds: segments, parts of the segment that is being written, histories
//! of timelines, and records of what was lost.

use std::fmt;
use std::str::FromStr;

use larder_replication::{HistoryFile, Lsn, SegmentName, TimelineId};

/// Something in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WalItem {
    /// A whole segment.
    Segment(SegmentName),
    /// Some bytes of a segment that was not whole yet: from one offset to another.
    Part {
        /// Of which.
        segment: SegmentName,
        /// The first byte's offset.
        from: u32,
        /// The offset behind the last byte.
        to: u32,
    },
    /// Where a timeline came from.
    History(TimelineId),
    /// The log between two places was lost for good.
    Gap {
        /// On this timeline.
        timeline: TimelineId,
        /// The first byte that is missing.
        from: Lsn,
        /// The first byte that is there again.
        to: Lsn,
    },
}

impl WalItem {
    /// The folder it lies in, below the cluster's.
    pub(crate) fn folder(&self) -> String {
        match self {
            Self::Segment(segment) | Self::Part { segment, .. } => timeline_folder(segment.timeline()),
            Self::History(_) => "histories".to_owned(),
            Self::Gap { .. } => "gaps".to_owned(),
        }
    }
}

pub(crate) fn timeline_folder(timeline: TimelineId) -> String {
    format!("{:08X}", timeline.get())
}

impl fmt::Display for WalItem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(segment) => write!(formatter, "{segment}.segment"),
            Self::Part { segment, from, to } => write!(formatter, "{segment}.{from:08X}-{to:08X}.part"),
            Self::History(timeline) => formatter.write_str(&HistoryFile::name_of(*timeline)),
            Self::Gap { timeline, from, to } => {
                write!(formatter, "{:08X}-{:016X}-{:016X}.gap", timeline.get(), from.0, to.0)
            }
        }
    }
}

/// A name that is none of these; somebody else put it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName;

impl FromStr for WalItem {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let item = match name.rsplit_once('.').ok_or(UnknownName)? {
            (segment, "segment") => segment.parse().ok().map(Self::Segment),
            (_, "history") => HistoryFile::timeline_of(name).map(Self::History),
            (rest, "part") => part(rest),
            (rest, "gap") => gap(rest),
            _ => None,
        };
        // What is written otherwise than we would write it is not ours.
        item.filter(|item| item.to_string() == name).ok_or(UnknownName)
    }
}

fn part(text: &str) -> Option<WalItem> {
    let (segment, range) = text.split_once('.')?;
    let (from, to) = range.split_once('-')?;
    let (from, to) = (u32::from_str_radix(from, 16).ok()?, u32::from_str_radix(to, 16).ok()?);
    (from < to).then_some(WalItem::Part { segment: segment.parse().ok()?, from, to })
}

fn gap(text: &str) -> Option<WalItem> {
    let mut numbers = text.splitn(3, '-').map(|digits| u64::from_str_radix(digits, 16).ok());
    let timeline = TimelineId::new(u32::try_from(numbers.next()??).ok()?).ok()?;
    let (from, to) = (Lsn(numbers.next()??), Lsn(numbers.next()??));
    (from <= to).then_some(WalItem::Gap { timeline, from, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_written() {
        let segment: SegmentName = "0000000200000001000000AB".parse().unwrap();
        let timeline = segment.timeline();
        let items = [
            WalItem::Segment(segment),
            WalItem::Part { segment, from: 0, to: 0x1000 },
            WalItem::History(timeline),
            WalItem::Gap { timeline, from: Lsn(0x10_0000_0000), to: Lsn(0x10_0100_0000) },
        ];
        for item in items {
            assert_eq!(item.to_string().parse(), Ok(item));
        }
    }

    #[test]
    fn names_of_others_are_left_alone() {
        for name in [
            "0000000200000001000000AB",
            "0000000200000001000000ab.segment",
            "0000000200000001000000AB.00000010-00000010.part",
            "0000000200000001000000AB.1-2.part",
            "00000002.history.tmp",
            "00000000-0000000000000000-0000000000000001.gap",
            "manifest.json",
        ] {
            assert_eq!(name.parse::<WalItem>(), Err(UnknownName), "{name}");
        }
    }
}
