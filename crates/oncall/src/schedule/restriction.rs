//! In which hours a layer counts: windows of the local day that may run over midnight.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::local_time::{first_instant, minute_of};
use crate::time_interval::weekday_number;

/// A window that recurs every day, or on some weekdays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// Weekdays on which it begins, Monday as 1 to Sunday as 7, both included; none mean every day.
    pub weekdays: Vec<(i8, i8)>,
    /// The minute of the day at which it begins.
    pub from_minute: u16,
    /// The minute at which it has ended; when it is not behind the beginning, that of the next day.
    pub until_minute: u16,
}

impl Restriction {
    /// The window that begins on a date; `None` when none does, or when the clock jumps over all of it.
    fn window(&self, zone: &TimeZone, date: Date) -> Option<(Timestamp, Timestamp)> {
        let weekday = weekday_number(date.weekday());
        let begins = self.weekdays.is_empty()
            || self.weekdays.iter().any(|&(first, last)| first <= weekday && weekday <= last);
        if !begins {
            return None;
        }
        let (from, until) = (u32::from(self.from_minute), u32::from(self.until_minute));
        let until = if until <= from { until + 1440 } else { until };
        let starts_at = first_instant(zone, minute_of(date, from));
        let ends_at = first_instant(zone, minute_of(date, until));
        (starts_at < ends_at).then_some((starts_at, ends_at))
    }

    pub(super) fn contains(&self, zone: &TimeZone, at: Timestamp) -> bool {
        self.windows(zone, at, at).iter().any(|&(starts_at, ends_at)| starts_at <= at && at < ends_at)
    }

    /// The windows that may touch a stretch of time.
    pub(super) fn windows(
        &self,
        zone: &TimeZone,
        from: Timestamp,
        until: Timestamp,
    ) -> Vec<(Timestamp, Timestamp)> {
        let day = |at: Timestamp, days: i64| {
            let date = at.to_zoned(zone.clone()).date();
            date.checked_add(Span::new().days(days)).unwrap_or(date)
        };
        let last = day(until, 1);
        let dates = day(from, -2).series(Span::new().days(1)).take_while(|date| *date <= last);
        dates.filter_map(|date| self.window(zone, date)).collect()
    }
}
