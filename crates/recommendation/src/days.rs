//! Days as the database and the wire have them: so many after 1 January 1970, in the calendar of UTC
//! or of a place.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Microseconds of a day.
pub(crate) const DAY_US: i64 = 86_400_000_000;
const EPOCH: Date = Date::constant(1970, 1, 1);

/// The day that is so many after 1 January 1970.
pub(crate) fn date_of(day: i32) -> Date {
    EPOCH.saturating_add(Span::new().days(day))
}

/// How many days a day is after 1 January 1970.
pub(crate) fn day_of(date: Date) -> i32 {
    // A difference in days has no other unit than days.
    EPOCH.until(date).map_or(0, |span| span.get_days())
}

/// The day of a moment in UTC.
pub(crate) fn utc_day(at_us: i64) -> i32 {
    i32::try_from(at_us.div_euclid(DAY_US)).unwrap_or(i32::MAX)
}

/// The day and the minute of the day that the clock of a place shows. On days when clocks are
/// changed it is what people there read.
pub(crate) fn local(at_us: i64, zone: &TimeZone) -> (i32, i16) {
    let there = zone.to_datetime(Timestamp::from_microsecond(at_us).unwrap_or_default());
    (day_of(there.date()), i16::from(there.hour()) * 60 + i16::from(there.minute()))
}

/// When the next day begins by the clock of a place, in microseconds since 1970.
pub(crate) fn next_day_us(at_us: i64, zone: &TimeZone) -> i64 {
    let there = zone.to_datetime(Timestamp::from_microsecond(at_us).unwrap_or_default());
    let begins = there.date().tomorrow().ok().and_then(|day| day.to_zoned(zone.clone()).ok());
    // Only past the end of the calendar there is none.
    begins.map_or(i64::MAX, |begins| begins.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_day_begins_at_midnight_there_also_where_clocks_are_changed() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        assert_eq!(next_day_us(at("2026-03-28T23:30:00Z"), &berlin), at("2026-03-29T22:00:00Z"));
        assert_eq!(next_day_us(at("2026-03-29T21:59:59Z"), &berlin), at("2026-03-29T22:00:00Z"));
        assert_eq!(next_day_us(at("2026-03-29T22:00:00Z"), &berlin), at("2026-03-30T22:00:00Z"));
    }

    #[test]
    fn days_come_back_and_moments_have_one() {
        for day in [-62_000, -1, 0, 1, 20_513, 2_932_895] {
            assert_eq!(day_of(date_of(day)), day);
            assert_eq!(utc_day(i64::from(day) * DAY_US), day);
            assert_eq!(utc_day(i64::from(day) * DAY_US - 1), day - 1);
        }
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        assert_eq!(local(0, &tokyo), (0, 9 * 60));
        assert_eq!(local(16 * 3_600_000_000, &tokyo), (1, 60));
    }
}
