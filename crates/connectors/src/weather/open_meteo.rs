//! Open-Meteo: forecasts of 16 days, the past of three months, and an archive for what is usual. Units are demanded
//! in the question and verified in the answer. Its free service is not for trade: address and key are settings.

use jiff::civil::Date;
use larder_demand::Weather;
use larder_settings::ResilienceSettings;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{DayForecast, WeatherQuestion, plausible};
use crate::remote::{Remote, Request};
use crate::{Asking, BaseUrl, ConnectorError, HttpClient, Place, SourceStatus};

const BODY_LIMIT_BYTES: usize = 4 << 20;
/// Today and fifteen days more.
const DAYS_AHEAD: i32 = 15;
/// What `past_days` may be.
const DAYS_BACK: i32 = 92;

/// The columns, and the unit each is demanded in.
const COLUMNS: [(&str, &str); 4] = [
    ("temperature_2m_max", "°C"),
    ("precipitation_sum", "mm"),
    ("wind_speed_10m_max", "km/h"),
    ("precipitation_probability_max", "%"),
];
/// The archive knows what was, so it has no chances.
const ARCHIVE_COLUMNS: usize = 3;

/// Where Open-Meteo is asked.
#[derive(Clone, Debug)]
pub struct OpenMeteoSettings {
    /// `https://api.open-meteo.com`, the customers' host, or a server of one's own.
    pub forecast_url: BaseUrl,
    /// `https://archive-api.open-meteo.com`, or the customers' host; only for what is usual.
    pub archive_url: Option<BaseUrl>,
    /// The customer's key.
    pub api_key: Option<SecretString>,
}

/// The client.
#[derive(Debug)]
pub struct OpenMeteo {
    settings: OpenMeteoSettings,
    remote: Remote,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    error: bool,
    reason: Option<String>,
    #[serde(default)]
    daily_units: serde_json::Map<String, serde_json::Value>,
    daily: Option<Columns>,
}

#[derive(Deserialize)]
struct Columns {
    time: Vec<Date>,
    #[serde(default)]
    temperature_2m_max: Vec<Option<f64>>,
    #[serde(default)]
    precipitation_sum: Vec<Option<f64>>,
    #[serde(default)]
    wind_speed_10m_max: Vec<Option<f64>>,
    #[serde(default)]
    precipitation_probability_max: Vec<Option<f64>>,
}

impl OpenMeteo {
    /// A client that asks within `limits`; [`crate::outside_limits`] are usual.
    pub fn new(settings: OpenMeteoSettings, client: &HttpClient, limits: &ResilienceSettings) -> Self {
        let host = settings.forecast_url.host();
        Self { remote: Remote::new("open_meteo", host, client, limits, BODY_LIMIT_BYTES), settings }
    }

    /// How it does.
    pub fn status(&self) -> SourceStatus {
        self.remote.status()
    }

    /// The days around the one asked for. A day further away than it foretells is not asked for.
    ///
    /// # Errors
    /// [`ConnectorError`].
    pub async fn forecast(
        &self,
        question: &WeatherQuestion<'_>,
        asking: &Asking,
    ) -> Result<Vec<DayForecast>, ConnectorError> {
        let ahead = question.days_ahead(asking);
        if !(-DAYS_BACK..=DAYS_AHEAD).contains(&ahead) {
            return Err(super::not_covered(question.date));
        }
        let mut url = self.settings.forecast_url.join("/v1/forecast");
        self.put_place(&mut url, question.place, question.zone.iana_name());
        put_columns(&mut url, &COLUMNS);
        url.query_pairs_mut()
            .append_pair("forecast_days", &(DAYS_AHEAD + 1).to_string())
            .append_pair("past_days", &(-ahead).max(0).to_string());
        let page: Page = self.remote.fetch_json(&Request::get(url), asking).await?;
        read(page, &COLUMNS)
    }

    /// The weather that was, from `from` to `to`, for [`super::ClimateNormals`].
    ///
    /// # Errors
    /// [`ConnectorError`].
    pub async fn history(
        &self,
        place: Place,
        (from, to): (Date, Date),
        zone: &jiff::tz::TimeZone,
        asking: &Asking,
    ) -> Result<Vec<(Date, Weather)>, ConnectorError> {
        let columns = &COLUMNS[..ARCHIVE_COLUMNS];
        let archive = self.settings.archive_url.as_ref().ok_or(ConnectorError::NotConfigured)?;
        let mut url = archive.join("/v1/archive");
        self.put_place(&mut url, place, zone.iana_name());
        put_columns(&mut url, columns);
        url.query_pairs_mut()
            .append_pair("start_date", &from.to_string())
            .append_pair("end_date", &to.to_string());
        let page: Page = self.remote.fetch_json(&Request::get(url), asking).await?;
        let days = read(page, columns)?;
        Ok(days.into_iter().map(|day| (day.date, day.weather)).collect())
    }

    fn put_place(&self, url: &mut Url, place: Place, zone: Option<&str>) {
        url.query_pairs_mut()
            .append_pair("latitude", &format!("{:.4}", place.latitude()))
            .append_pair("longitude", &format!("{:.4}", place.longitude()))
            .append_pair("timezone", zone.unwrap_or("auto"));
        if let Some(key) = &self.settings.api_key {
            url.query_pairs_mut().append_pair("apikey", key.expose_secret());
        }
    }
}

fn put_columns(url: &mut Url, columns: &[(&str, &str)]) {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    url.query_pairs_mut()
        .append_pair("daily", &names.join(","))
        .append_pair("temperature_unit", "celsius")
        .append_pair("wind_speed_unit", "kmh")
        .append_pair("precipitation_unit", "mm");
}

/// The columns as days, if every one is in its unit and as long as the days.
fn read(page: Page, columns: &[(&str, &str)]) -> Result<Vec<DayForecast>, ConnectorError> {
    if page.error {
        let reason = page.reason.unwrap_or_else(|| "no reason given".to_owned());
        return Err(ConnectorError::Refused { status: 200, reason });
    }
    for (name, unit) in columns {
        let told = page.daily_units.get(*name).and_then(serde_json::Value::as_str).unwrap_or("no unit");
        if told != *unit {
            let told: String = told.chars().take(20).collect();
            return Err(ConnectorError::not_understood(format!(
                "{name} in {told} where {unit} was asked for"
            )));
        }
    }
    let daily = page.daily.ok_or_else(|| ConnectorError::not_understood("no days"))?;
    let long = daily.time.len();
    let lengths = [
        daily.temperature_2m_max.len(),
        daily.precipitation_sum.len(),
        daily.wind_speed_10m_max.len(),
        daily.precipitation_probability_max.len(),
    ];
    if lengths[..columns.len()].iter().any(|length| *length != long) {
        return Err(ConnectorError::not_understood("columns of different lengths"));
    }
    let days = daily.time.iter().enumerate().map(|(row, date)| DayForecast {
        date: *date,
        weather: Weather {
            high_celsius: daily.temperature_2m_max[row],
            rain_mm: daily.precipitation_sum[row],
            wind_kmh: daily.wind_speed_10m_max[row],
        },
        rain_chance: daily
            .precipitation_probability_max
            .get(row)
            .copied()
            .flatten()
            .map(|percent| percent / 100.0),
    });
    plausible::check(days.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strange;
    use serde_json::json;

    #[test]
    fn a_strange_page_is_refused_or_read_without_strange_numbers() {
        let page = json!({
            "daily_units": {"temperature_2m_max": "°C", "precipitation_sum": "mm", "wind_speed_10m_max": "km/h",
                "precipitation_probability_max": "%"},
            "daily": {"time": ["2026-11-28", "2026-11-29"], "temperature_2m_max": [15.0, 16.0],
                "precipitation_sum": [0.0, 1.0], "wind_speed_10m_max": [3.0, 4.0],
                "precipitation_probability_max": [5, 80]},
        });
        let read_value = |value| serde_json::from_value::<Page>(value).ok().map(|page| read(page, &COLUMNS));
        assert_eq!(read_value(page.clone()).unwrap().unwrap().len(), 2);
        let mut read_well = 0;
        for variant in strange::variants(&page) {
            let Some(Ok(days)) = read_value(variant) else { continue };
            read_well += 1;
            for day in days {
                assert!(day.weather.rain_mm.is_none_or(|mm| (0.0..=1_900.0).contains(&mm)), "{day:?}");
                assert!(day.rain_chance.is_none_or(|chance| (0.0..=1.0).contains(&chance)), "{day:?}");
            }
        }
        assert!(read_well > 0, "a missing value is no strange one");
    }
}
