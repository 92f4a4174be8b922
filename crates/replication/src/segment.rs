//! Names and sizes of the files that the write-ahead log is cut into.
//! `000000010000000A000000FF` is timeline, then the segment's number in two halves.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::ReplicationError;
use crate::lsn::{Lsn, TimelineId};

/// The size of a cluster's segments: a power of two from 1 MiB to 1 GiB, chosen by `initdb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u32")]
pub struct SegmentSize(u32);

impl SegmentSize {
    /// What `initdb` chooses when it is not asked for another size.
    pub const DEFAULT: Self = Self(16 << 20);

    /// # Errors
    /// [`ReplicationError::Unreadable`] when PostgreSQL has no segments of that size.
    pub fn new(bytes: u32) -> Result<Self, ReplicationError> {
        if bytes.is_power_of_two() && (1 << 20..=1 << 30).contains(&bytes) {
            return Ok(Self(bytes));
        }
        Err(ReplicationError::Unreadable { what: "WAL segment size", text: bytes.to_string() })
    }

    /// The size in bytes.
    pub fn bytes(self) -> u64 {
        u64::from(self.0)
    }

    /// How far into its segment a place is.
    pub fn offset_of(self, lsn: Lsn) -> u64 {
        lsn.0 % self.bytes()
    }

    /// The beginning of the segment that holds a place.
    pub fn start_of(self, lsn: Lsn) -> Lsn {
        Lsn(lsn.0 - self.offset_of(lsn))
    }

    fn segments_per_log(self) -> u64 {
        (1 << 32) / self.bytes()
    }
}

impl From<SegmentSize> for u32 {
    fn from(size: SegmentSize) -> Self {
        size.0
    }
}

impl TryFrom<u32> for SegmentSize {
    type Error = ReplicationError;

    fn try_from(bytes: u32) -> Result<Self, ReplicationError> {
        Self::new(bytes)
    }
}

/// The name of one segment. Ordered by timeline, then by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SegmentName {
    timeline: TimelineId,
    log: u32,
    segment: u32,
}

impl SegmentName {
    /// The segment of `timeline` that holds the byte at `lsn`.
    pub fn containing(timeline: TimelineId, lsn: Lsn, size: SegmentSize) -> Self {
        let segment = (lsn.0 & 0xFFFF_FFFF) / size.bytes();
        let log = lsn.0 >> 32;
        Self {
            timeline,
            log: u32::try_from(log).expect("the upper half of 64 bits has 32"),
            segment: u32::try_from(segment).expect("a quotient of 32 bits has no more"),
        }
    }

    /// The timeline it belongs to.
    pub fn timeline(self) -> TimelineId {
        self.timeline
    }

    /// The place of its first byte.
    pub fn start(self, size: SegmentSize) -> Lsn {
        Lsn((u64::from(self.log) << 32) + u64::from(self.segment) * size.bytes())
    }

    /// The place behind its last byte.
    pub fn end(self, size: SegmentSize) -> Lsn {
        self.start(size).plus(size.bytes())
    }

    /// The segment behind it on the same timeline.
    #[must_use]
    pub fn next(self, size: SegmentSize) -> Self {
        Self::containing(self.timeline, self.end(size), size)
    }

    /// The same place on another timeline.
    #[must_use]
    pub fn on_timeline(self, timeline: TimelineId) -> Self {
        Self { timeline, ..self }
    }

    /// Whether a cluster with segments of `size` could have a segment of this name.
    pub fn fits(self, size: SegmentSize) -> bool {
        u64::from(self.segment) < size.segments_per_log()
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:08X}{:08X}{:08X}", self.timeline.get(), self.log, self.segment)
    }
}

impl FromStr for SegmentName {
    type Err = ReplicationError;

    fn from_str(text: &str) -> Result<Self, ReplicationError> {
        let unreadable = || ReplicationError::Unreadable { what: "WAL segment name", text: text.to_owned() };
        let digits = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
        if text.len() != 24 || !text.bytes().all(digits) {
            return Err(unreadable());
        }
        let part = |from: usize| u32::from_str_radix(&text[from..from + 8], 16).map_err(|_| unreadable());
        let timeline = TimelineId::new(part(0)?).map_err(|_| unreadable())?;
        Ok(Self { timeline, log: part(8)?, segment: part(16)? })
    }
}

impl From<SegmentName> for String {
    fn from(name: SegmentName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for SegmentName {
    type Error = ReplicationError;

    fn try_from(text: String) -> Result<Self, ReplicationError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_segment_holds_the_place_it_was_named_for(place in 0..u64::MAX - (1 << 31), power in 20_u32..=30) {
            let size = SegmentSize::new(1 << power).unwrap();
            let name = SegmentName::containing(TimelineId::FIRST, Lsn(place), size);
            prop_assert!(name.start(size) <= Lsn(place) && Lsn(place) < name.end(size));
            prop_assert!(name.fits(size));
            prop_assert_eq!(name.next(size).start(size), name.end(size));
            prop_assert_eq!(name.to_string().parse::<SegmentName>().unwrap(), name);
        }
    }

    #[test]
    fn names_are_those_of_pg_walfile_name() {
        let name = |lsn: &str| {
            SegmentName::containing(TimelineId::new(3).unwrap(), lsn.parse().unwrap(), SegmentSize::DEFAULT)
        };
        assert_eq!(name("0/1000000").to_string(), "000000030000000000000001");
        assert_eq!(name("A/FFFFFFFF").to_string(), "000000030000000A000000FF");
        assert_eq!(name("A/FFFFFFFF").next(SegmentSize::DEFAULT).to_string(), "000000030000000B00000000");
    }

    #[test]
    fn other_files_of_pg_wal_are_no_segments() {
        for text in ["00000002.history", "0000000100000000000000010", "00000001000000000000000g", ""] {
            assert!(text.parse::<SegmentName>().is_err(), "{text:?}");
        }
        assert!("000000000000000000000001".parse::<SegmentName>().is_err(), "timeline 0");
        assert!("00000001000000000000000a".parse::<SegmentName>().is_err(), "PostgreSQL writes capitals");
    }

    #[test]
    fn sizes_that_initdb_refuses_are_refused() {
        for bytes in [0, 1, 1 << 19, 3 << 20, 1 << 31] {
            assert!(SegmentSize::new(bytes).is_err(), "{bytes}");
        }
    }
}
