//! When a local time is: the one rule by which everything here that says "at nine" becomes an instant.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// The first instant at which the zone's clock shows `local` or later. Where the clock goes back and shows a time
/// twice that is the first time; a time that is skipped is the moment the clock jumps over it. A later local time is
/// so never an earlier instant, and nothing that is put together from local times can run backwards.
pub(crate) fn first_instant(zone: &TimeZone, local: DateTime) -> Timestamp {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => at_offset(offset, local),
        AmbiguousOffset::Fold { before, .. } => at_offset(before, local),
        AmbiguousOffset::Gap { before, .. } => {
            let behind = at_offset(before, local);
            let just_behind = behind.checked_add(jiff::Span::new().nanoseconds(1)).unwrap_or(behind);
            let jump = zone.preceding(just_behind).next();
            jump.map_or(behind, |jump| jump.timestamp())
        }
    }
}

/// Local times at the very ends of the calendar are cut off.
fn at_offset(offset: Offset, local: DateTime) -> Timestamp {
    let end = if local.year() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    offset.to_timestamp(local).unwrap_or(end)
}

/// A minute of a day, where 1440 is the next midnight and what lies behind it belongs to the days after.
pub(crate) fn minute_of(date: Date, minute: u32) -> DateTime {
    let days = i64::from(minute / 1440);
    let date = date.checked_add(jiff::Span::new().days(days)).unwrap_or(Date::MAX);
    let (hour, minute) = (minute % 1440 / 60, minute % 60);
    date.at(i8::try_from(hour).unwrap_or(0), i8::try_from(minute).unwrap_or(0), 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_and_repeated_times_are_defined() {
        let rows = [
            ("Europe/Paris", "2026-03-29T02:30:00", "2026-03-29T01:00:00Z", "skipped: when the clock jumps"),
            ("Europe/Paris", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z", "the first time behind the gap"),
            ("Europe/Paris", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z", "twice: the first"),
            ("Europe/Paris", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z", "behind the fold"),
            ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:30:00Z", "half an hour is skipped"),
            (
                "Australia/Lord_Howe",
                "2026-04-05T01:45:00",
                "2026-04-04T14:45:00Z",
                "half an hour is shown twice",
            ),
            ("Pacific/Apia", "2011-12-30T09:00:00", "2011-12-30T10:00:00Z", "a whole day is skipped"),
            ("Africa/Casablanca", "2026-02-15T02:30:00", "2026-02-15T01:30:00Z", "before Ramadan: the first"),
        ];
        for (zone, local, instant, why) in rows {
            let zone = TimeZone::get(zone).expect("a zone");
            let local = local.parse().expect("a local time");
            let expected: Timestamp = instant.parse().expect("an instant");
            assert_eq!(first_instant(&zone, local), expected, "{why}");
        }
    }
}
