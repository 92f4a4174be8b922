//! What the service writes in words: Fahrenheit, "5 to 10 mph", local times, stretches of time.

use jiff::civil::Date;
use jiff::{Span, SpanRelativeTo, Timestamp};

use crate::ConnectorError;

/// Kilometres in an international mile.
const KM_PER_MILE: f64 = 1.609_344;
/// Kilometres in a nautical mile.
const KM_PER_NAUTICAL_MILE: f64 = 1.852;

/// A temperature in °C.
pub(super) fn celsius(value: f64, unit: &str) -> Result<f64, ConnectorError> {
    match unit {
        "F" => Ok((value - 32.0) / 1.8),
        "C" => Ok(value),
        _ => Err(ConnectorError::not_understood("a temperature in neither °F nor °C")),
    }
}

/// The strongest wind that words such as "15 mph" or "10 to 15 mph" speak of, km/h.
pub(super) fn strongest_wind_kmh(words: &str) -> Result<f64, ConnectorError> {
    let other = || ConnectorError::not_understood("a wind in words nobody agreed on");
    let (numbers, unit) = words.trim().rsplit_once(' ').ok_or_else(other)?;
    let factor = match unit {
        "mph" => KM_PER_MILE,
        "kt" | "kts" | "knots" => KM_PER_NAUTICAL_MILE,
        "km/h" => 1.0,
        _ => return Err(other()),
    };
    let strongest = numbers
        .split(" to ")
        .map(|number| number.trim().parse::<f64>().ok())
        .try_fold(0.0, |most, number| {
            Some(f64::max(most, number.filter(|number| number.is_finite() && *number >= 0.0)?))
        });
    strongest.map(|most| most * factor).ok_or_else(other)
}

/// The date on the wall where the forecast is for.
pub(super) fn local_date(time: &str) -> Result<Date, ConnectorError> {
    let other = || ConnectorError::not_understood("a period without a time");
    time.parse::<Timestamp>().map_err(|_| other())?;
    time.get(..10).and_then(|day| day.parse().ok()).ok_or_else(other)
}

/// Start and end of "2026-11-23T06:00:00+00:00/PT6H".
pub(super) fn stretch(text: &str) -> Result<(Timestamp, Timestamp), ConnectorError> {
    let other = || ConnectorError::not_understood("a stretch of time of another shape");
    let (start, long) = text.split_once('/').ok_or_else(other)?;
    let start: Timestamp = start.parse().map_err(|_| other())?;
    let long: Span = long.parse().map_err(|_| other())?;
    let long = long.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| other())?;
    let end = start.checked_add(long).map_err(|_| other())?;
    if end <= start { Err(other()) } else { Ok((start, end)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperatures_become_celsius() {
        assert_eq!(celsius(212.0, "F"), Ok(100.0));
        assert_eq!(celsius(-40.0, "F"), Ok(-40.0));
        assert_eq!(celsius(21.5, "C"), Ok(21.5));
        assert!(celsius(300.0, "K").is_err());
    }

    #[test]
    fn winds_in_words_become_kmh() {
        let near = |words: &str, kmh: f64| {
            let told = strongest_wind_kmh(words).unwrap();
            assert!((told - kmh).abs() < 1e-9, "{words} became {told}");
        };
        near("10 mph", 16.09344);
        near("5 to 10 mph", 16.09344);
        near("10 to 5 mph", 16.09344);
        near("0 mph", 0.0);
        near("20 km/h", 20.0);
        near("10 knots", 18.52);
        for words in ["", "mph", "calm", "5 to mph", "-5 mph", "ten mph", "5 to 10 furlongs", "NaN mph"] {
            assert!(strongest_wind_kmh(words).is_err(), "{words}");
        }
    }

    #[test]
    fn a_day_is_that_of_the_place() {
        let date = local_date("2026-11-23T22:00:00-08:00").unwrap();
        assert_eq!(date.to_string(), "2026-11-23");
        assert!(local_date("2026-11-23").is_err());
        assert!(local_date("today").is_err());
    }

    #[test]
    fn stretches_have_a_start_and_an_end() {
        let (start, end) = stretch("2026-11-23T06:00:00+00:00/P1DT6H").unwrap();
        assert_eq!(end.duration_since(start).as_hours(), 30);
        for text in [
            "2026-11-23T06:00:00+00:00",
            "x/PT1H",
            "2026-11-23T06:00:00+00:00/PT0S",
            "2026-11-23T06:00:00+00:00/-PT1H",
            "2026-11-23T06:00:00+00:00/P1M",
        ] {
            assert!(stretch(text).is_err(), "{text}");
        }
    }
}
