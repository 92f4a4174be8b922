//! The US National Weather Service: a point becomes a grid cell, which is kept, and the cell has forecasts. Highs and
//! winds come in words and Fahrenheit, rain in the cell's raw numbers. It wants to know who asks, and knows the
//! United States alone.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use larder_demand::Weather;
use larder_settings::ResilienceSettings;
use serde::{Deserialize, Serialize};

use super::{DayForecast, WeatherQuestion, plausible};
use crate::remote::{Remote, Request};
use crate::{Asking, BaseUrl, ConnectorError, HttpClient, LastGood, Place, SourceStatus};

mod measures;

const BODY_LIMIT_BYTES: usize = 8 << 20;
/// Grid cells seldom move.
const CELL_MAX_AGE: Duration = Duration::from_secs(30 * 86_400);
const CELLS_KEPT: usize = 1_024;
/// Seven days and nights from now.
const DAYS_AHEAD: i32 = 7;

/// Where the service is asked.
#[derive(Clone, Debug)]
pub struct NwsSettings {
    /// `https://api.weather.gov`, or a stand-in.
    pub base_url: BaseUrl,
}

/// The client. Who asks is said by [`HttpClient`].
#[derive(Debug)]
pub struct Nws {
    settings: NwsSettings,
    remote: Remote,
    cells: LastGood<Cell>,
}

#[derive(Deserialize)]
struct Properties<T> {
    properties: T,
}

/// A cell of the grid.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Cell {
    #[serde(rename = "gridId")]
    office: String,
    #[serde(rename = "gridX")]
    x: u32,
    #[serde(rename = "gridY")]
    y: u32,
}

#[derive(Deserialize)]
struct Periods {
    periods: Vec<PeriodRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PeriodRow {
    start_time: String,
    is_daytime: bool,
    temperature: f64,
    temperature_unit: String,
    probability_of_precipitation: Option<Quantity>,
    wind_speed: Option<String>,
}

#[derive(Deserialize)]
struct Quantity {
    value: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawCell {
    quantitative_precipitation: Option<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    uom: Option<String>,
    #[serde(default)]
    values: Vec<LayerValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayerValue {
    valid_time: String,
    value: Option<f64>,
}

impl Nws {
    /// A client that asks within `limits`; [`crate::outside_limits`] are usual.
    pub fn new(settings: NwsSettings, client: &HttpClient, limits: &ResilienceSettings) -> Self {
        let host = settings.base_url.host();
        Self {
            remote: Remote::new("nws", host, client, limits, BODY_LIMIT_BYTES),
            settings,
            cells: LastGood::new(CELLS_KEPT),
        }
    }

    /// How it does.
    pub fn status(&self) -> SourceStatus {
        self.remote.status()
    }

    /// The days it foretells. Without the raw numbers of the cell the days have no amount of rain.
    ///
    /// # Errors
    /// [`ConnectorError`]; [`ConnectorError::Refused`] with status 404 outside the United States.
    pub async fn forecast(
        &self,
        question: &WeatherQuestion<'_>,
        asking: &Asking,
    ) -> Result<Vec<DayForecast>, ConnectorError> {
        if !(0..=DAYS_AHEAD).contains(&question.days_ahead(asking)) {
            return Err(super::not_covered(question.date));
        }
        let cell = self.cell(question.place, asking).await?;
        let path = format!("/gridpoints/{}/{},{}", cell.office, cell.x, cell.y);
        let forecast: Properties<Periods> =
            self.get(&format!("{path}/forecast"), asking).await.inspect_err(|error| {
                if matches!(error, ConnectorError::Refused { status: 404, .. }) {
                    self.cells.forget(&question.place.neighbourhood());
                }
            })?;
        let mut days = read_periods(&forecast.properties.periods)?;
        if let Ok(raw) = self.get::<Properties<RawCell>>(&path, asking).await {
            put_rain(&mut days, raw.properties, question.zone)?;
        }
        plausible::check(days)
    }

    async fn cell(&self, place: Place, asking: &Asking) -> Result<Cell, ConnectorError> {
        let key = place.neighbourhood();
        if let Some(kept) = self.cells.get(&key, asking.now, CELL_MAX_AGE) {
            return Ok(kept.value);
        }
        // Four decimals at most; more are answered by a redirect.
        let path = format!("/points/{},{}", decimals(place.latitude()), decimals(place.longitude()));
        let cell = self.get::<Properties<Cell>>(&path, asking).await?.properties;
        if !cell.office.bytes().all(|letter| letter.is_ascii_alphanumeric()) || cell.office.is_empty() {
            return Err(ConnectorError::not_understood("a grid without a name"));
        }
        self.cells.keep(&key, cell.clone(), asking.now);
        Ok(cell)
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        asking: &Asking,
    ) -> Result<T, ConnectorError> {
        let request = Request::get(self.settings.base_url.join(path))
            .header(http::header::ACCEPT, "application/geo+json")?;
        self.remote.fetch_json(&request, asking).await
    }
}

/// Four decimals, without trailing zeros, as the service writes them itself.
fn decimals(degrees: f64) -> String {
    let text = format!("{degrees:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// One row a day that has a daytime; nights tell no highs.
fn read_periods(periods: &[PeriodRow]) -> Result<Vec<DayForecast>, ConnectorError> {
    let mut days: BTreeMap<Date, DayForecast> = BTreeMap::new();
    for row in periods.iter().filter(|row| row.is_daytime) {
        let high_celsius = measures::celsius(row.temperature, &row.temperature_unit)?;
        let wind_kmh = row.wind_speed.as_deref().map(measures::strongest_wind_kmh).transpose()?;
        let chance = row.probability_of_precipitation.as_ref().and_then(|quantity| quantity.value);
        let date = measures::local_date(&row.start_time)?;
        let weather = Weather { high_celsius: Some(high_celsius), rain_mm: None, wind_kmh };
        days.entry(date).or_insert(DayForecast {
            date,
            weather,
            rain_chance: chance.map(|percent| percent / 100.0),
        });
    }
    Ok(days.into_values().collect())
}

/// Adds up the rain of each local day, each stretch of the layer by the share of it that lies in the day.
fn put_rain(days: &mut [DayForecast], raw: RawCell, zone: &TimeZone) -> Result<(), ConnectorError> {
    let Some(layer) = raw.quantitative_precipitation else { return Ok(()) };
    if layer.uom.as_deref() != Some("wmoUnit:mm") {
        return Err(ConnectorError::not_understood("rain in another unit than mm"));
    }
    let mut stretches = Vec::new();
    for row in &layer.values {
        let (from, to) = measures::stretch(&row.valid_time)?;
        if row.value.is_some_and(|mm| mm < 0.0) {
            return Err(ConnectorError::not_understood("less than no rain"));
        }
        stretches.extend(row.value.map(|mm| (from, to, mm)));
    }
    for day in days {
        let (Some(from), Some(to)) =
            (midnight(day.date, zone), day.date.tomorrow().ok().and_then(|next| midnight(next, zone)))
        else {
            continue;
        };
        let shares: Vec<f64> = stretches
            .iter()
            .filter_map(|(start, end, mm)| Some(mm * overlap((*start, *end), (from, to))?))
            .collect();
        if !shares.is_empty() {
            day.weather.rain_mm = Some(shares.iter().sum());
        }
    }
    Ok(())
}

fn midnight(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    Some(date.to_zoned(zone.clone()).ok()?.timestamp())
}

/// The share of the first stretch that lies in the second; none when they do not meet.
fn overlap((start, end): (Timestamp, Timestamp), (from, to): (Timestamp, Timestamp)) -> Option<f64> {
    let whole = end.duration_since(start).as_secs_f64();
    let shared = end.min(to).duration_since(start.max(from)).as_secs_f64();
    (shared > 0.0 && whole > 0.0).then(|| shared / whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strange;
    use serde_json::{Value, json};

    fn read(document: &Value) -> Result<Vec<DayForecast>, ConnectorError> {
        let shape = |_| ConnectorError::not_understood("another shape");
        let forecast: Periods = serde_json::from_value(document["forecast"].clone()).map_err(shape)?;
        let raw: RawCell = serde_json::from_value(document["raw"].clone()).map_err(shape)?;
        let mut days = read_periods(&forecast.periods)?;
        put_rain(&mut days, raw, &TimeZone::UTC)?;
        plausible::check(days)
    }

    fn document() -> Value {
        json!({
            "forecast": {"periods": [
                {"startTime": "2026-11-28T06:00:00+00:00", "isDaytime": true, "temperature": 59, "temperatureUnit": "F",
                    "probabilityOfPrecipitation": {"value": 70}, "windSpeed": "5 to 10 mph"},
                {"startTime": "2026-11-28T18:00:00+00:00", "isDaytime": false, "temperature": 30, "temperatureUnit": "F",
                    "probabilityOfPrecipitation": {"value": null}, "windSpeed": "5 mph"},
            ]},
            "raw": {"quantitativePrecipitation": {"uom": "wmoUnit:mm", "values": [
                {"validTime": "2026-11-27T18:00:00+00:00/PT12H", "value": 4.0},
                {"validTime": "2026-11-28T06:00:00+00:00/PT6H", "value": 3.0},
                {"validTime": "2026-11-29T00:00:00+00:00/PT6H", "value": 9.0},
            ]}},
        })
    }

    #[test]
    fn stretches_count_by_the_share_that_lies_in_the_day() {
        let days = read(&document()).unwrap();
        assert_eq!(days.len(), 1, "nights tell no highs");
        assert_eq!(days[0].weather.rain_mm, Some(4.0 / 2.0 + 3.0));
    }

    #[test]
    fn units_nobody_agreed_on_are_refused() {
        let refused = |pointer: &str, value: Value| {
            let mut document = document();
            *document.pointer_mut(pointer).unwrap() = value;
            read(&document).unwrap_err()
        };
        for (pointer, value) in [
            ("/forecast/periods/0/temperatureUnit", json!("K")),
            ("/forecast/periods/0/windSpeed", json!("a breeze")),
            ("/raw/quantitativePrecipitation/uom", json!("wmoUnit:in")),
            ("/raw/quantitativePrecipitation/values/0/value", json!(-4.0)),
            ("/forecast/periods/0/temperature", json!(590)),
        ] {
            assert_eq!(refused(pointer, value).kind(), "not_understood", "{pointer}");
        }
    }

    #[test]
    fn a_strange_forecast_is_refused_or_read_without_strange_numbers() {
        for variant in strange::variants(&document()) {
            for day in read(&variant).unwrap_or_default() {
                assert!(
                    day.weather.high_celsius.is_none_or(|high| (-70.0..=60.0).contains(&high)),
                    "{day:?}"
                );
                assert!(day.weather.rain_mm.is_none_or(|mm| (0.0..=1_900.0).contains(&mm)), "{day:?}");
                assert!(day.weather.wind_kmh.is_none_or(|kmh| (0.0..=410.0).contains(&kmh)), "{day:?}");
            }
        }
    }
}
