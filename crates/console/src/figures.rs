//! Numbers, money, days and instants as a language writes them. What is absent is a dash.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use crate::words::Language;

/// What stands for nothing.
pub(crate) const NOTHING: &str = "–";

/// A number with so many digits after the point.
pub(crate) fn number(language: Language, value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    let (point, thousands) = language.separators();
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(thousands);
        }
        text.push(digit);
    }
    if !part.is_empty() {
        text.push(point);
        text.push_str(part);
    }
    let is_zero = text.chars().all(|character| !character.is_ascii_digit() || character == '0');
    if value < 0.0 && !is_zero { format!("−{text}") } else { text }
}

/// A JSON number, also one that is written as a text, as 64-bit ones are.
pub(crate) fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// `google.type.Money` in units of its currency.
pub(crate) fn amount(money: &Value) -> Option<f64> {
    let units = as_number(&money["units"])?;
    Some(units + as_number(&money["nanos"]).unwrap_or(0.0) / 1e9)
}

/// `google.type.Money` with its currency.
pub(crate) fn money(language: Language, money: &Value) -> String {
    let Some(amount) = amount(money) else { return NOTHING.to_owned() };
    let currency = money["currencyCode"].as_str().unwrap_or_default();
    let text = number(language, amount, 2);
    if currency.is_empty() { text } else { format!("{text}\u{a0}{currency}") }
}

/// Units and their parts as `google.type.Money` says them.
pub(crate) fn to_money(typed: f64, currency: &str) -> Value {
    let nanos_in_all = (typed * 1e6).round() as i64 * 1_000;
    let (units, nanos) = (nanos_in_all / 1_000_000_000, nanos_in_all % 1_000_000_000);
    serde_json::json!({"currencyCode": currency, "units": units.to_string(), "nanos": nanos})
}

/// A share as a percentage.
pub(crate) fn percent(language: Language, share: f64, decimals: usize) -> String {
    if !share.is_finite() {
        return NOTHING.to_owned();
    }
    format!("{}\u{a0}%", number(language, share * 100.0, decimals))
}

/// A day, given as `google.type.Date` or as YYYY-MM-DD.
pub(crate) fn as_day(value: &Value) -> Option<Date> {
    if let Some(text) = value.as_str() {
        return text.get(..10).unwrap_or(text).parse().ok();
    }
    let part = |name: &str| value[name].as_i64();
    let (year, month, day) = (part("year")?, part("month")?, part("day")?);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// A day as `google.type.Date`.
pub(crate) fn to_day(date: Date) -> Value {
    serde_json::json!({"year": date.year(), "month": date.month(), "day": date.day()})
}

/// A day as people write it.
pub(crate) fn day(language: Language, value: &Value) -> String {
    let Some(date) = as_day(value) else { return NOTHING.to_owned() };
    match language {
        Language::English => date.strftime("%-d %b %Y").to_string(),
        Language::German => date.strftime("%d.%m.%Y").to_string(),
    }
}

/// A day without its year, for the foot of a chart.
pub(crate) fn short_day(language: Language, value: &Value) -> String {
    let Some(date) = as_day(value) else { return NOTHING.to_owned() };
    match language {
        Language::English => date.strftime("%-d %b").to_string(),
        Language::German => date.strftime("%d.%m.").to_string(),
    }
}

/// An instant as people write it, in UTC.
pub(crate) fn instant(language: Language, value: &Value) -> String {
    let Some(at) = value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) else {
        return NOTHING.to_owned();
    };
    let at = at.to_zoned(jiff::tz::TimeZone::UTC);
    match language {
        Language::English => at.strftime("%-d %b %Y, %H:%M UTC").to_string(),
        Language::German => at.strftime("%d.%m.%Y, %H:%M UTC").to_string(),
    }
}

/// Bytes in the unit that suits them.
pub(crate) fn bytes(language: Language, count: f64) -> String {
    let mut count = count;
    for unit in ["B", "kB", "MB", "GB"] {
        if count.abs() < 1_000.0 {
            let decimals = usize::from(unit != "B" && count < 10.0);
            return format!("{}\u{a0}{unit}", number(language, count, decimals));
        }
        count /= 1_000.0;
    }
    format!("{}\u{a0}TB", number(language, count, 1))
}

/// Milliseconds in the unit that suits them.
pub(crate) fn duration_ms(language: Language, ms: f64) -> String {
    let (value, unit) = match ms {
        ms if ms < 1_000.0 => (ms, "ms"),
        ms if ms < 120_000.0 => (ms / 1_000.0, "s"),
        ms if ms < 7_200_000.0 => (ms / 60_000.0, "min"),
        ms if ms < 172_800_000.0 => (ms / 3_600_000.0, "h"),
        ms => (ms / 86_400_000.0, "d"),
    };
    format!("{}\u{a0}{unit}", number(language, value, usize::from(value < 10.0 && unit != "ms")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const EN: Language = Language::English;
    const DE: Language = Language::German;

    #[test]
    fn numbers_are_written_as_the_language_has_them() {
        assert_eq!(number(EN, 1_234_567.891, 2), "1,234,567.89");
        assert_eq!(number(DE, 1_234_567.891, 2), "1.234.567,89");
        assert_eq!(number(EN, -0.001, 2), "0.00");
        assert_eq!(number(EN, -12.0, 0), "−12");
        assert_eq!(number(EN, f64::NAN, 0), NOTHING);
        assert_eq!(percent(DE, 0.1234, 1), "12,3\u{a0}%");
        assert_eq!((bytes(EN, 999.0), bytes(EN, 1_500_000.0)), ("999\u{a0}B".into(), "1.5\u{a0}MB".into()));
        assert_eq!(duration_ms(EN, 90_000.0), "90\u{a0}s");
    }

    #[test]
    fn money_goes_both_ways() {
        assert_eq!(
            money(EN, &json!({"currencyCode": "ZAR", "units": "1234", "nanos": 500_000_000})),
            "1,234.50\u{a0}ZAR"
        );
        assert_eq!(
            money(EN, &json!({"currencyCode": "EUR", "units": "0", "nanos": -250_000_000})),
            "−0.25\u{a0}EUR"
        );
        assert_eq!(money(EN, &Value::Null), NOTHING);
        for typed in [0.0, 12.34, -0.5, 1e9] {
            assert!((amount(&to_money(typed, "EUR")).unwrap() - typed).abs() < 1e-6, "{typed}");
        }
    }

    #[test]
    fn days_and_instants_are_read_in_both_forms() {
        let date = json!({"year": 2026, "month": 3, "day": 7});
        assert_eq!(
            (day(EN, &date), day(DE, &json!("2026-03-07"))),
            ("7 Mar 2026".into(), "07.03.2026".into())
        );
        assert_eq!(day(EN, &json!({"year": 2026, "month": 2, "day": 30})), NOTHING);
        assert_eq!(instant(DE, &json!("2026-03-07T08:09:10Z")), "07.03.2026, 08:09 UTC");
        assert_eq!(to_day(as_day(&date).unwrap()), date);
    }
}
