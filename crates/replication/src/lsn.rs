//! The three numbers by which a cluster and a place in its write-ahead log are known. Each is a type
//! of its own, so that none is ever taken for another.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::ReplicationError;

/// A byte's place in the write-ahead log (log sequence number), written `16/B374D848`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Lsn(pub u64);

impl Lsn {
    /// The place `bytes` later; stays at the last place there is instead of wrapping.
    #[must_use]
    pub fn plus(self, bytes: u64) -> Self {
        Self(self.0.saturating_add(bytes))
    }

    /// How many bytes of log lie between `earlier` and this place; 0 when it is not earlier.
    pub fn bytes_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

impl FromStr for Lsn {
    type Err = ReplicationError;

    fn from_str(text: &str) -> Result<Self, ReplicationError> {
        let half = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
        };
        let halves = text.split_once('/').and_then(|(high, low)| Some((half(high)?, half(low)?)));
        let (high, low) =
            halves.ok_or_else(|| ReplicationError::Unreadable { what: "LSN", text: text.to_owned() })?;
        Ok(Self(u64::from(high) << 32 | u64::from(low)))
    }
}

impl From<Lsn> for String {
    fn from(lsn: Lsn) -> Self {
        lsn.to_string()
    }
}

impl TryFrom<String> for Lsn {
    type Error = ReplicationError;

    fn try_from(text: String) -> Result<Self, ReplicationError> {
        text.parse()
    }
}

/// One line of a cluster's history: promotion and point-in-time recovery begin a new one. From 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u32")]
pub struct TimelineId(NonZeroU32);

impl TimelineId {
    /// The timeline of a cluster that was never promoted.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// Refuses 0, which no cluster has.
    ///
    /// # Errors
    /// [`ReplicationError::Unreadable`] for 0.
    pub fn new(number: u32) -> Result<Self, ReplicationError> {
        let number = NonZeroU32::new(number);
        number
            .map(Self)
            .ok_or_else(|| ReplicationError::Unreadable { what: "timeline", text: "0".to_owned() })
    }

    /// The number itself.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for TimelineId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl FromStr for TimelineId {
    type Err = ReplicationError;

    fn from_str(text: &str) -> Result<Self, ReplicationError> {
        let number = text.parse().ok().and_then(NonZeroU32::new);
        let unreadable = || ReplicationError::Unreadable { what: "timeline", text: text.to_owned() };
        number.map(Self).ok_or_else(unreadable)
    }
}

impl From<TimelineId> for u32 {
    fn from(timeline: TimelineId) -> Self {
        timeline.get()
    }
}

impl TryFrom<u32> for TimelineId {
    type Error = ReplicationError;

    fn try_from(number: u32) -> Result<Self, ReplicationError> {
        Self::new(number)
    }
}

/// What `initdb` gives a cluster once and every copy of it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SystemIdentifier(pub u64);

impl fmt::Display for SystemIdentifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl FromStr for SystemIdentifier {
    type Err = ReplicationError;

    fn from_str(text: &str) -> Result<Self, ReplicationError> {
        let unreadable =
            |_| ReplicationError::Unreadable { what: "system identifier", text: text.to_owned() };
        text.parse().map(Self).map_err(unreadable)
    }
}

impl From<SystemIdentifier> for String {
    fn from(identifier: SystemIdentifier) -> Self {
        identifier.to_string()
    }
}

impl TryFrom<String> for SystemIdentifier {
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
        fn reading_what_was_written_gives_it_back(number: u64) {
            prop_assert_eq!(Lsn(number).to_string().parse::<Lsn>().unwrap(), Lsn(number));
        }
    }

    #[test]
    fn a_place_is_written_as_postgresql_writes_it() {
        assert_eq!(Lsn(0x16_B374_D848).to_string(), "16/B374D848");
        assert_eq!("0/0".parse::<Lsn>().unwrap(), Lsn(0));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in ["", "/", "0", "0/", "1/1/1", "+1/1", "1/100000000", "g/0", " 1/1"] {
            assert!(text.parse::<Lsn>().is_err(), "{text:?}");
        }
        assert!("0".parse::<TimelineId>().is_err());
        assert!(TimelineId::new(0).is_err());
    }
}
