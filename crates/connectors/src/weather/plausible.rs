//! Numbers that no weather has are no answer: a provider that changed its unit or lost its mind falls to the next
//! rung instead of emptying a van.

use super::DayForecast;
use crate::ConnectorError;

/// Beyond the records of the World Meteorological Organization, in °C, mm a day and km/h.
const HIGH_CELSIUS: std::ops::RangeInclusive<f64> = -70.0..=60.0;
const RAIN_MM: std::ops::RangeInclusive<f64> = 0.0..=1_900.0;
const WIND_KMH: std::ops::RangeInclusive<f64> = 0.0..=410.0;
const CHANCE: std::ops::RangeInclusive<f64> = 0.0..=1.0;

/// The days as they are, if they can be.
pub(super) fn check(days: Vec<DayForecast>) -> Result<Vec<DayForecast>, ConnectorError> {
    match days.iter().find_map(fault) {
        Some(what) => Err(ConnectorError::not_understood(format!("a {what} that no weather has"))),
        None => Ok(days),
    }
}

fn fault(day: &DayForecast) -> Option<&'static str> {
    let weather = &day.weather;
    let within = |value: Option<f64>, range: std::ops::RangeInclusive<f64>| {
        value.is_none_or(|value| range.contains(&value))
    };
    match () {
        () if !within(weather.high_celsius, HIGH_CELSIUS) => Some("temperature"),
        () if !within(weather.rain_mm, RAIN_MM) => Some("rainfall"),
        () if !within(weather.wind_kmh, WIND_KMH) => Some("wind"),
        () if !within(day.rain_chance, CHANCE) => Some("chance of rain"),
        () => None,
    }
}
