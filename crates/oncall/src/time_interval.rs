//! Named stretches of recurring time, such as working hours, in which a route is muted or speaks. They mean what
//! Alertmanager's time intervals mean: every field that is given must hold, and an end is not part of its range.

mod parse;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

pub(crate) use parse::minute_of_day;

/// A named set of intervals in one time zone; it holds when any of them does.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeInterval {
    /// What routes call it by.
    pub name: String,
    /// The zone whose calendar and clock are meant.
    pub zone: TimeZone,
    /// The alternatives; none never hold.
    pub intervals: Vec<RecurringTime>,
}

/// Conditions on the local date and time. An empty list asks nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecurringTime {
    /// Minutes of the day, from the first until before the second; 1440 is midnight at the end.
    pub minutes: Vec<(u16, u16)>,
    /// Weekdays, Monday as 1 to Sunday as 7, both included.
    pub weekdays: Vec<(i8, i8)>,
    /// Days of the month, both included; -1 is the last one.
    pub days_of_month: Vec<(i8, i8)>,
    /// Months, both included.
    pub months: Vec<(i8, i8)>,
    /// Years, both included.
    pub years: Vec<(i16, i16)>,
}

impl TimeInterval {
    /// Whether the instant lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        let local = at.to_zoned(self.zone.clone()).datetime();
        let minute = local.hour() as u16 * 60 + local.minute() as u16;
        self.intervals.iter().any(|interval| interval.contains(local.date(), minute))
    }
}

impl RecurringTime {
    fn contains(&self, date: Date, minute: u16) -> bool {
        let weekday = weekday_number(date.weekday());
        holds(&self.minutes, |&(from, until)| from <= minute && minute < until)
            && holds(&self.weekdays, |&(first, last)| first <= weekday && weekday <= last)
            && holds(&self.days_of_month, |&range| day_in(range, date))
            && holds(&self.months, |&(first, last)| first <= date.month() && date.month() <= last)
            && holds(&self.years, |&(first, last)| first <= date.year() && date.year() <= last)
    }
}

pub(crate) fn weekday_number(weekday: Weekday) -> i8 {
    weekday.to_monday_one_offset()
}

fn holds<T>(ranges: &[T], contains: impl Fn(&T) -> bool) -> bool {
    ranges.is_empty() || ranges.iter().any(contains)
}

/// Days counted from the end are resolved for the month at hand; what lies outside of it is cut off.
fn day_in((first, last): (i8, i8), date: Date) -> bool {
    let length = date.days_in_month();
    let resolve = |day: i8| if day < 0 { length + day + 1 } else { day };
    let (first, last) = (resolve(first).max(1), resolve(last).min(length));
    first <= date.day() && date.day() <= last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(zone: &str, interval: &RecurringTime, at: &str) -> bool {
        let zone = TimeZone::get(zone).expect("a zone");
        let interval = TimeInterval { name: "x".into(), zone, intervals: vec![interval.clone()] };
        interval.contains(at.parse().expect("an instant"))
    }

    #[test]
    fn the_zone_decides_the_day_and_the_hour() {
        let mut office = RecurringTime { minutes: vec![(540, 1020)], ..RecurringTime::default() };
        office.weekdays = RecurringTime::weekdays(&["monday:friday"]).expect("weekdays");
        let rows = [
            ("2026-11-20T08:00:00Z", true, "Friday 9:00 in Paris"),
            ("2026-11-20T07:59:59Z", false, "a second before"),
            ("2026-11-20T16:00:00Z", false, "the end is not part of it"),
            ("2026-11-21T10:00:00Z", false, "Saturday"),
            ("2026-07-20T07:00:00Z", true, "summer time"),
        ];
        for (at, expected, why) in rows {
            assert_eq!(contains("Europe/Paris", &office, at), expected, "{why}");
        }
    }

    #[test]
    fn days_from_the_end_follow_the_month() {
        let mut last = RecurringTime { days_of_month: vec![(-3, -1)], ..RecurringTime::default() };
        assert!(contains("UTC", &last, "2028-02-29T00:00:00Z"));
        assert!(contains("UTC", &last, "2028-02-27T00:00:00Z"));
        assert!(!contains("UTC", &last, "2028-02-26T00:00:00Z"));
        last.months = RecurringTime::months(&["january", "3:4"]).expect("months");
        assert!(!contains("UTC", &last, "2028-02-29T00:00:00Z"));
        assert!(contains("UTC", &last, "2028-04-30T00:00:00Z"));
    }
}
