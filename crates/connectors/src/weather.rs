//! The weather of a market day: Open-Meteo, then the US National Weather Service, then the last good forecast, then
//! what is usual at that time of the year, then nothing. The question is always answered; the answer says by whom.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use larder_demand::Weather;
use serde::{Deserialize, Serialize};

use crate::answer::age;
use crate::status::LadderRecord;
use crate::{Answer, Asking, ConnectorError, ConnectorStatus, LastGood, Place};

mod climate;
mod nws;
mod open_meteo;
mod plausible;

pub use climate::ClimateNormals;
pub use nws::{Nws, NwsSettings};
pub use open_meteo::{OpenMeteo, OpenMeteoSettings};

/// A forecast of the preferred provider is not asked for again within this time.
pub const FRESH_FOR: Duration = Duration::from_secs(3_600);
/// A forecast older than this is no better than what is usual.
pub const LAST_GOOD_MAX_AGE: Duration = Duration::from_secs(3 * 86_400);

/// Last good forecasts that are kept, one a place and provider.
const FORECASTS_KEPT: usize = 2_048;

/// Who is asked, in this order.
const PROVIDERS: [WeatherRung; 2] = [WeatherRung::OpenMeteo, WeatherRung::NationalWeatherService];

/// What is foretold of one day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DayForecast {
    /// The day, in the market's calendar.
    pub date: Date,
    /// The weather.
    pub weather: Weather,
    /// Chance of any rain, 0 to 1.
    pub rain_chance: Option<f64>,
}

impl DayForecast {
    fn says_something(&self) -> bool {
        let weather = &self.weather;
        weather.high_celsius.is_some() || weather.rain_mm.is_some() || weather.wind_kmh.is_some()
    }
}

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WeatherRung {
    /// Open-Meteo.
    OpenMeteo,
    /// The US National Weather Service.
    NationalWeatherService,
    /// One of them, up to three days ago.
    LastGoodForecast,
    /// Means of past years.
    ClimateNormals,
    /// Nobody.
    None,
}

impl WeatherRung {
    /// The name in answers, health and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenMeteo => "open_meteo",
            Self::NationalWeatherService => "nws",
            Self::LastGoodForecast => "last_good_forecast",
            Self::ClimateNormals => "climate_normals",
            Self::None => "none",
        }
    }
}

/// What was foretold of a place, and by whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Who foretold it.
    pub provider: WeatherRung,
    /// The days.
    pub days: Vec<DayForecast>,
}

/// One question about the weather.
#[derive(Clone, Copy, Debug)]
pub struct WeatherQuestion<'a> {
    /// The market.
    pub place: Place,
    /// The day, in the market's calendar.
    pub date: Date,
    /// The market's time zone.
    pub zone: &'a TimeZone,
    /// What is usual there, if anybody knows.
    pub normals: Option<&'a ClimateNormals>,
}

impl WeatherQuestion<'_> {
    /// Days from today to the day asked for; negative for the past.
    fn days_ahead(&self, asking: &Asking) -> i32 {
        let today = asking.now.to_zoned(self.zone.clone()).date();
        today.until(self.date).map_or(i32::MAX, |span| span.get_days())
    }
}

/// The ladder. Providers that are not configured are passed over.
#[derive(Debug)]
pub struct WeatherLadder {
    open_meteo: Option<OpenMeteo>,
    nws: Option<Nws>,
    kept: LastGood<Forecast>,
    record: LadderRecord,
}

impl WeatherLadder {
    /// A ladder of these providers.
    pub fn new(open_meteo: Option<OpenMeteo>, nws: Option<Nws>) -> Self {
        Self { open_meteo, nws, kept: LastGood::new(FORECASTS_KEPT), record: LadderRecord::new("weather") }
    }

    /// How it does.
    pub fn status(&self) -> ConnectorStatus {
        let sources = [self.open_meteo.as_ref().map(OpenMeteo::status), self.nws.as_ref().map(Nws::status)];
        self.record.status(sources.into_iter().flatten().collect())
    }

    /// Last good forecasts by place, to be saved and loaded.
    pub fn kept(&self) -> &LastGood<Forecast> {
        &self.kept
    }

    /// The weather of a day. Never fails: the last rung is an answer without a number.
    pub async fn weather(
        &self,
        question: &WeatherQuestion<'_>,
        asking: &Asking,
    ) -> Answer<DayForecast, WeatherRung> {
        let answer = self.climb_down(question, asking).await;
        self.record.note(&answer, answer.source.name(), asking.now);
        answer
    }

    /// The weather that was, both days included, from the archive: for [`ClimateNormals`], and for past market days.
    ///
    /// # Errors
    /// [`ConnectorError::NotConfigured`] without an archive; and whatever the network does.
    pub async fn history(
        &self,
        place: Place,
        days: (Date, Date),
        zone: &TimeZone,
        asking: &Asking,
    ) -> Result<Vec<(Date, Weather)>, ConnectorError> {
        let open_meteo = self.open_meteo.as_ref().ok_or(ConnectorError::NotConfigured)?;
        open_meteo.history(place, days, zone, asking).await
    }

    async fn climb_down(
        &self,
        question: &WeatherQuestion<'_>,
        asking: &Asking,
    ) -> Answer<DayForecast, WeatherRung> {
        let preferred = self.preferred();
        if let Some(provider) = preferred
            && let Some((day, old)) = self.kept_day(provider, question, asking, FRESH_FOR)
        {
            return answer(day, provider, old, None, question, asking);
        }
        let mut cause = None;
        for provider in PROVIDERS {
            match self.ask(provider, question, asking).await {
                Ok(days) => {
                    let day = find(&days, question.date);
                    self.kept.keep(&key(question.place, provider), Forecast { provider, days }, asking.now);
                    if let Some(day) = day {
                        let cause = cause.filter(|_| Some(provider) != preferred);
                        return answer(day, provider, Duration::ZERO, cause, question, asking);
                    }
                    cause = cause.or_else(|| Some(not_covered(question.date)));
                }
                Err(ConnectorError::NotConfigured) => {}
                Err(error) => cause = cause.or(Some(error)),
            }
        }
        let cause = cause.unwrap_or(ConnectorError::NotConfigured);
        let kept = PROVIDERS
            .into_iter()
            .filter_map(|provider| self.kept_day(provider, question, asking, LAST_GOOD_MAX_AGE))
            .min_by_key(|(_, old)| *old);
        if let Some((day, old)) = kept {
            return answer(day, WeatherRung::LastGoodForecast, old, Some(cause), question, asking);
        }
        let usual = question.normals.and_then(|normals| normals.on(question.date));
        let (weather, source) = match usual {
            Some(weather) => (weather, WeatherRung::ClimateNormals),
            None => (Weather::default(), WeatherRung::None),
        };
        let day = DayForecast { date: question.date, weather, rain_chance: None };
        answer(day, source, Duration::ZERO, Some(cause), question, asking)
    }

    /// What a provider last said of the day, and how long ago.
    fn kept_day(
        &self,
        provider: WeatherRung,
        question: &WeatherQuestion<'_>,
        asking: &Asking,
        max_age: Duration,
    ) -> Option<(DayForecast, Duration)> {
        let kept = self.kept.get(&key(question.place, provider), asking.now, max_age)?;
        Some((find(&kept.value.days, question.date)?, age(kept.at, asking.now)))
    }

    fn preferred(&self) -> Option<WeatherRung> {
        match (&self.open_meteo, &self.nws) {
            (Some(_), _) => Some(WeatherRung::OpenMeteo),
            (None, Some(_)) => Some(WeatherRung::NationalWeatherService),
            (None, None) => None,
        }
    }

    async fn ask(
        &self,
        provider: WeatherRung,
        question: &WeatherQuestion<'_>,
        asking: &Asking,
    ) -> Result<Vec<DayForecast>, ConnectorError> {
        match (provider, &self.open_meteo, &self.nws) {
            (WeatherRung::OpenMeteo, Some(open_meteo), _) => open_meteo.forecast(question, asking).await,
            (WeatherRung::NationalWeatherService, _, Some(nws)) => nws.forecast(question, asking).await,
            _ => Err(ConnectorError::NotConfigured),
        }
    }
}

/// One provider's forecast must not displace another's, which may reach further.
fn key(place: Place, provider: WeatherRung) -> String {
    format!("{}|{}", place.neighbourhood(), provider.name())
}

/// The day, if anything is said of it.
fn find(days: &[DayForecast], date: Date) -> Option<DayForecast> {
    days.iter().find(|day| day.date == date && day.says_something()).copied()
}

fn not_covered(date: Date) -> ConnectorError {
    ConnectorError::NotCovered { reason: format!("nothing is foretold of {date}") }
}

fn answer(
    day: DayForecast,
    source: WeatherRung,
    age: Duration,
    cause: Option<ConnectorError>,
    question: &WeatherQuestion<'_>,
    asking: &Asking,
) -> Answer<DayForecast, WeatherRung> {
    let lead_days = f64::from(question.days_ahead(asking).max(0)) + age.as_secs_f64() / 86_400.0;
    Answer {
        value: day,
        source,
        age,
        degraded: cause.is_some(),
        confidence: confidence(source, lead_days),
        cause,
    }
}

/// How much of a forecast's difference from what is usual to believe, by rung and by days between the forecast's
/// making and the day. A convention of ours that falls as the skill of forecasts does: half at seven days, little
/// beyond two weeks.
fn confidence(source: WeatherRung, lead_days: f64) -> f64 {
    let skill = 1.0 / (1.0 + (lead_days / 7.0).powi(2));
    match source {
        WeatherRung::OpenMeteo => 0.95 * skill,
        WeatherRung::NationalWeatherService => 0.9 * skill,
        WeatherRung::LastGoodForecast => 0.85 * skill,
        WeatherRung::ClimateNormals => 0.1,
        WeatherRung::None => 0.0,
    }
}
