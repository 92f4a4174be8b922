//! A month of the calendar in UTC: what is counted begins with it and ends with it.

use std::fmt;
use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A month of a year, as its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Month(Date);

impl Month {
    /// The month in which an instant lies, in seconds since 1970; one that no calendar has is the first or last.
    pub(crate) fn of(at_s: i64) -> Self {
        let edge = if at_s < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        let at = jiff::Timestamp::from_second(at_s).unwrap_or(edge);
        Self(TimeZone::UTC.to_datetime(at).date().first_of_month())
    }

    /// Reads `2026-11`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if year.len() != 4 || month.len() != 2 || !is_number(year) || !is_number(month) {
            return None;
        }
        let first = Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?;
        (first.year() >= 1970).then_some(Self(first))
    }

    /// Its first second, since 1970.
    pub(crate) fn begins_at_s(self) -> i64 {
        first_second(self.0)
    }

    /// The first second after it.
    pub(crate) fn ends_at_s(self) -> i64 {
        first_second(self.0.checked_add(1.month()).unwrap_or(Date::MAX))
    }

    /// How long it is.
    pub(crate) fn length(self) -> Duration {
        Duration::from_secs(u64::try_from(self.ends_at_s() - self.begins_at_s()).unwrap_or_default())
    }

    /// How long it lasts from an instant on; a second at least.
    pub(crate) fn left(self, now_s: i64) -> Duration {
        Duration::from_secs(u64::try_from(self.ends_at_s() - now_s).unwrap_or_default().max(1))
    }

    /// Its first day, as PostgreSQL reads a date.
    pub(crate) fn first_day(self) -> String {
        format!("{self}-01")
    }
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

fn first_second(date: Date) -> i64 {
    TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_or(i64::MAX, jiff::Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn months_begin_and_end_where_the_calendar_has_it() {
        for (at_s, month, begins_at_s, days) in [
            (0, "1970-01", 0, 31),
            (951_782_399, "2000-02", 949_363_200, 29),
            (951_868_800, "2000-03", 951_868_800, 31),
            (1_795_478_399, "2026-11", 1_793_491_200, 30),
            (4_107_542_400, "2100-03", 4_107_542_400, 31),
        ] {
            let found = Month::of(at_s);
            assert_eq!((found.to_string().as_str(), found.begins_at_s()), (month, begins_at_s), "{at_s}");
            assert_eq!(found.length(), Duration::from_secs(days * 86_400), "{month}");
        }
    }

    #[test]
    fn what_is_no_month_is_not_read() {
        for text in ["", "2026", "2026-13", "2026-00", "26-11", "2026-1", "2026-11-01", "+026-11", "2026-+1"]
        {
            assert_eq!(Month::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_instant_lies_in_its_month_and_months_are_read_as_they_are_written(at_s in 0_i64..32_503_680_000) {
            let month = Month::of(at_s);
            prop_assert!((month.begins_at_s()..month.ends_at_s()).contains(&at_s));
            prop_assert_eq!(Month::of(month.ends_at_s()).begins_at_s(), month.ends_at_s());
            prop_assert_eq!(Month::parse(&month.to_string()), Some(month));
        }
    }
}
