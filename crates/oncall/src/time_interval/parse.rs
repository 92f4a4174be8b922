//! Reading the ranges of a time interval: `09:00-17:00`, `monday:friday`, `1:5`, `-3:-1`, `january:march`, `2026:2030`.

use super::RecurringTime;

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

impl RecurringTime {
    /// Ranges of the local time of day, `HH:MM-HH:MM`; `24:00` ends the day. A range whose end lies before its start
    /// is refused: over midnight it takes two.
    ///
    /// # Errors
    /// What is wrong and what would be accepted.
    pub fn minutes(texts: &[impl AsRef<str>]) -> Result<Vec<(u16, u16)>, String> {
        let read = |text: &str| {
            let (from, until) = text.split_once('-')?;
            let (from, until) = (minute_of_day(from)?, minute_of_day(until)?);
            (from < until).then_some((from, until))
        };
        each(texts, read, "HH:MM-HH:MM with the end behind the start, up to 24:00")
    }

    /// Ranges of weekdays by their English names, `monday:friday` or `sunday`.
    ///
    /// # Errors
    /// What is wrong and what would be accepted.
    pub fn weekdays(texts: &[impl AsRef<str>]) -> Result<Vec<(i8, i8)>, String> {
        let number = |text: &str| number_of(&WEEKDAYS, text);
        each(
            texts,
            |text| range(text, number).filter(|(first, last)| first <= last),
            "monday to sunday, or a range such as monday:friday",
        )
    }

    /// Ranges of days of the month, 1 to 31, or -31 to -1 from its end.
    ///
    /// # Errors
    /// What is wrong and what would be accepted.
    pub fn days_of_month(texts: &[impl AsRef<str>]) -> Result<Vec<(i8, i8)>, String> {
        let day = |text: &str| text.parse().ok().filter(|day: &i8| *day != 0 && (-31..=31).contains(day));
        let ordered = |&(first, last): &(i8, i8)| (first < 0) != (last < 0) || first <= last;
        each(texts, |text| range(text, day).filter(ordered), "1 to 31, -31 to -1, or a range such as 1:7")
    }

    /// Ranges of months by English name or number.
    ///
    /// # Errors
    /// What is wrong and what would be accepted.
    pub fn months(texts: &[impl AsRef<str>]) -> Result<Vec<(i8, i8)>, String> {
        let plain = |text: &str| text.parse().ok().filter(|month| (1..=12).contains(month));
        let month = |text: &str| number_of(&MONTHS, text).or_else(|| plain(text));
        each(
            texts,
            |text| range(text, month).filter(|(first, last)| first <= last),
            "january to december, 1 to 12, or a range such as june:august",
        )
    }

    /// Ranges of years.
    ///
    /// # Errors
    /// What is wrong and what would be accepted.
    pub fn years(texts: &[impl AsRef<str>]) -> Result<Vec<(i16, i16)>, String> {
        let year = |text: &str| text.parse().ok().filter(|year| (1..=9999).contains(year));
        each(
            texts,
            |text| range(text, year).filter(|(first, last)| first <= last),
            "a year, or a range such as 2026:2030",
        )
    }
}

/// `HH:MM`, `24:00` included.
pub(crate) fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= 1440).then_some(hour * 60 + minute)
}

fn number_of(names: &[&str], text: &str) -> Option<i8> {
    let at = names.iter().position(|name| name.eq_ignore_ascii_case(text))?;
    i8::try_from(at + 1).ok()
}

fn range<T: Copy>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<(T, T)> {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    Some((read(first.trim())?, read(last.trim())?))
}

fn each<T>(
    texts: &[impl AsRef<str>],
    read: impl Fn(&str) -> Option<T>,
    accepted: &str,
) -> Result<Vec<T>, String> {
    let one =
        |text: &str| read(text).ok_or_else(|| format!("{text:?} is not understood; accepted: {accepted}"));
    texts.iter().map(|text| one(text.as_ref().trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_nonsense_is_refused() {
        assert_eq!(RecurringTime::minutes(&["00:00-24:00"]), Ok(vec![(0, 1440)]));
        assert_eq!(RecurringTime::months(&["may:8"]), Ok(vec![(5, 8)]));
        assert_eq!(RecurringTime::days_of_month(&["1:-1"]), Ok(vec![(1, -1)]));
        for text in ["9:00-17:00", "09:00-24:01", "17:00-09:00", "09:00", "09:60-10:00", "+9:00-10:00"] {
            assert!(RecurringTime::minutes(&[text]).is_err(), "{text}");
        }
        for text in ["0", "32", "-32", "5:2", "-1:-3", ""] {
            assert!(RecurringTime::days_of_month(&[text]).is_err(), "{text}");
        }
        assert!(RecurringTime::weekdays(&["friday:monday"]).is_err());
        assert!(RecurringTime::months(&["13"]).is_err());
        assert!(RecurringTime::years(&["0"]).is_err());
    }
}
