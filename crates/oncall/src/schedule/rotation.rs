//! Whose turn it is: turns of equal length, or shifts written down one by one.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRound, Timestamp, Unit};

use crate::local_time::first_instant;

/// How long a turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Hours that really pass; such a turn is as long on the day the clock changes as on any other.
    Hours(u32),
    /// Days of the calendar: the hand-over keeps its local time of day.
    Days(u32),
    /// Weeks of the calendar.
    Weeks(u32),
    /// Months of the calendar, handed over on the day of the month of the first one, or the month's last.
    Months(u32),
}

/// Whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The members take turns of equal length.
    Turns {
        /// How long a turn is.
        every: Turn,
        /// When the first turn of the first member begins; its time of day is that of every hand-over but for turns
        /// of hours.
        starts_at: DateTime,
        /// In the order of their turns. Never empty.
        members: Vec<String>,
    },
    /// Shifts written down one by one. Where two overlap the later one in the list counts.
    Fixed(Vec<FixedShift>),
}

/// A shift between two local times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedShift {
    /// Who.
    pub contact: String,
    /// From when.
    pub starts_at: DateTime,
    /// Until before when.
    pub ends_at: DateTime,
}

impl Rotation {
    /// Whose turn it is at an instant; `None` before the first turn and between fixed shifts.
    pub(super) fn on_call(&self, zone: &TimeZone, at: Timestamp) -> Option<&str> {
        match self {
            Self::Turns { every, starts_at, members } => {
                let turn = turn_at(*every, *starts_at, zone, at)?;
                let member = usize::try_from(turn).ok()? % members.len().max(1);
                members.get(member).map(String::as_str)
            }
            Self::Fixed(shifts) => {
                let now = |shift: &&FixedShift| {
                    first_instant(zone, shift.starts_at) <= at && at < first_instant(zone, shift.ends_at)
                };
                shifts.iter().rev().find(now).map(|shift| shift.contact.as_str())
            }
        }
    }

    /// The instants of a stretch of time at which it may be somebody else's turn.
    pub(super) fn changes(&self, zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        match self {
            Self::Turns { every, starts_at, .. } => {
                let first = turn_at(*every, *starts_at, zone, from).unwrap_or(0);
                let hand_overs = (first..).map(|turn| hand_over(*every, *starts_at, zone, turn));
                hand_overs.take_while(|&at| at < until).collect()
            }
            Self::Fixed(shifts) => {
                let ends = shifts.iter().flat_map(|shift| [shift.starts_at, shift.ends_at]);
                ends.map(|local| first_instant(zone, local)).collect()
            }
        }
    }

    pub(super) fn contacts(&self) -> Vec<&str> {
        match self {
            Self::Turns { members, .. } => members.iter().map(String::as_str).collect(),
            Self::Fixed(shifts) => shifts.iter().map(|shift| shift.contact.as_str()).collect(),
        }
    }
}

/// When the turn of a number begins. Each is counted from the first, so no shortening of a month adds up.
fn hand_over(every: Turn, starts_at: DateTime, zone: &TimeZone, turn: i64) -> Timestamp {
    let span = |length: u32, unit: fn(Span, i64) -> Span| {
        let length = i64::from(length).saturating_mul(turn).min(5_000_000);
        first_instant(zone, starts_at.checked_add(unit(Span::new(), length)).unwrap_or(DateTime::MAX))
    };
    match every {
        Turn::Hours(hours) => {
            let seconds = i64::from(hours).saturating_mul(3600).saturating_mul(turn);
            let start = first_instant(zone, starts_at);
            Timestamp::from_second(start.as_second().saturating_add(seconds)).unwrap_or(Timestamp::MAX)
        }
        Turn::Days(days) => span(days, Span::days),
        Turn::Weeks(weeks) => span(weeks.saturating_mul(7), Span::days),
        Turn::Months(months) => span(months, Span::months).min(Timestamp::MAX),
    }
}

/// The number of the turn that an instant belongs to: the last one that has begun. `None` before the first.
fn turn_at(every: Turn, starts_at: DateTime, zone: &TimeZone, at: Timestamp) -> Option<i64> {
    if at < first_instant(zone, starts_at) {
        return None;
    }
    let mut turn = about(every, starts_at, zone, at).max(0);
    while turn > 0 && hand_over(every, starts_at, zone, turn) > at {
        turn -= 1;
    }
    while hand_over(every, starts_at, zone, turn + 1) <= at {
        turn += 1;
    }
    Some(turn)
}

/// A guess that is off by one or two.
fn about(every: Turn, starts_at: DateTime, zone: &TimeZone, at: Timestamp) -> i64 {
    let local = at.to_zoned(zone.clone()).datetime();
    let days = || {
        let round = SpanRound::new().largest(Unit::Day).smallest(Unit::Day).days_are_24_hours();
        let days = (local.date() - starts_at.date()).round(round);
        days.map_or(0, |days| i64::from(days.get_days()))
    };
    let months = || {
        let (from, to) = (starts_at.date(), local.date());
        (i64::from(to.year()) - i64::from(from.year())) * 12 + i64::from(to.month()) - i64::from(from.month())
    };
    match every {
        Turn::Hours(hours) => {
            let passed = at.as_second() - first_instant(zone, starts_at).as_second();
            passed / (i64::from(hours.max(1)) * 3600)
        }
        Turn::Days(length) => days() / i64::from(length.max(1)),
        Turn::Weeks(length) => days() / (i64::from(length.max(1)) * 7),
        Turn::Months(length) => months() / i64::from(length.max(1)),
    }
}
