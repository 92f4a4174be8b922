//! Times as data sets write them: dates, dates with a time, seconds since 1970, plain day numbers.

use jiff::{
    Timestamp, ToSpan,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

use crate::Outcome;

pub(crate) const DAY_US: i64 = 86_400_000_000;

/// Numbers below this are days, from it on seconds: the thousandth year after 1970 in days, the
/// twelfth day of 1970 in seconds.
const SECONDS_FROM: f64 = 1e6;

/// Reads a time, without a zone as UTC, as microseconds since 1970; a day number counts from 1970.
pub(crate) fn microseconds(text: &str) -> Outcome<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let days = if number < SECONDS_FROM { number } else { number / 86_400.0 };
        return Ok((days * DAY_US as f64).round() as i64);
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_microsecond());
    }
    let time: DateTime = text.parse().map_err(|_| {
        format!("`{text}` is no time: write a date, a date and a time, seconds since 1970 or a day number")
    })?;
    Ok(Offset::UTC.to_timestamp(time)?.as_microsecond())
}

/// As many calendar months later; earlier when negative.
pub(crate) fn months_after(at_us: i64, months: i64) -> Outcome<i64> {
    let at = Timestamp::from_microsecond(at_us)?.to_zoned(TimeZone::UTC);
    Ok(at.checked_add(months.months())?.timestamp().as_microsecond())
}

/// The midnight at or after.
pub(crate) fn next_midnight(at_us: i64) -> i64 {
    (at_us - 1).div_euclid(DAY_US) * DAY_US + DAY_US
}

/// For people.
pub(crate) fn shown(at_us: i64) -> String {
    Timestamp::from_microsecond(at_us).map_or_else(|_| at_us.to_string(), |at| at.to_string())
}
