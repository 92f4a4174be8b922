//! Durations as Prometheus writes them: `1h30m`, the units from the largest to the smallest, each at most once.

use std::time::Duration;

const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("ms", 1),
    ("m", 60_000),
    ("s", 1000),
];

/// Reads a duration; `None` when the text is none. A day has 24 hours, a year 365 days. `0` needs no unit.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut total, mut smallest) = (text, 0_u64, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let (name, length) = UNITS.into_iter().find(|(name, _)| rest[digits..].starts_with(name))?;
        if length >= smallest {
            return None;
        }
        total = total.checked_add(number.checked_mul(length)?)?;
        (rest, smallest) = (&rest[digits + name.len()..], length);
    }
    (smallest != u64::MAX).then(|| Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_prometheus() {
        let rows = [
            ("30s", Some(30_000)),
            ("1h30m", Some(5_400_000)),
            ("2d", Some(172_800_000)),
            ("1w", Some(604_800_000)),
            ("150ms", Some(150)),
            ("1m5ms", Some(60_005)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("", None),
            ("5", None),
            ("30m1h", None),
            ("5m5m", None),
            ("-5m", None),
            ("1.5h", None),
            ("5 m", None),
            ("99999999999999999999y", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_duration(text), expected.map(Duration::from_millis), "{text}");
        }
    }
}
