//! Values as text that reads back as the same value.

use jiff::civil::Date;
use jiff::{Span, Timestamp};

use crate::table::{Value, join_list};

/// The text of a value; empty when it is absent.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Absent => String::new(),
        Value::Text(text) => text.clone(),
        Value::List(texts) => join_list(texts),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(number) | Value::Percent(number) => number.to_string(),
        Value::Money(micros) => money(*micros),
        Value::Date(day) => date(*day),
        Value::Instant(at_us) => instant(*at_us),
        Value::Bool(yes) => if *yes { "true" } else { "false" }.to_owned(),
    }
}

/// Millionths with two places behind the dot, or as many as it takes.
pub(crate) fn money(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, part) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let places = format!("{part:06}");
    let kept = places.trim_end_matches('0').len().max(2);
    format!("{sign}{whole}.{}", &places[..kept])
}

/// A day counted from 1970, such as 2026-03-31.
pub(crate) fn date(day: i32) -> String {
    let date = Date::constant(1970, 1, 1).checked_add(Span::new().days(i64::from(day)));
    date.map(|date| date.to_string()).unwrap_or_default()
}

/// An instant in UTC, such as 2026-03-31T12:00:00Z.
pub(crate) fn instant(at_us: i64) -> String {
    Timestamp::from_microsecond(at_us).map(|at| at.to_string()).unwrap_or_default()
}

/// An instant as people read it.
pub(crate) fn instant_for_people(at_us: i64) -> String {
    let at = Timestamp::from_microsecond(at_us);
    at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_people_and_programs_write_them() {
        assert_eq!(money(3_490_000), "3.49");
        assert_eq!(money(-1), "-0.000001");
        assert_eq!(money(i64::MIN), "-9223372036854.775808");
        assert_eq!(date(20_543), "2026-03-31");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(instant(1_774_958_400_000_000), "2026-03-31T12:00:00Z");
        assert_eq!(instant_for_people(1_774_958_400_000_000), "2026-03-31 12:00:00 UTC");
        assert_eq!(plain(&Value::List(vec!["a;b".into(), "c".into()])), r"a\;b; c");
    }
}
