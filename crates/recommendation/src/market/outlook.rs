//! What is known of a day to come at a market: the weather, the events and the holiday, each with who
//! said so. What the request tells goes first, then what the outside world says, then what was known
//! when the day was planned before.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use larder_connectors::events::{Attendance, EventQuestion, EventRung, EventSource, LocalEvent};
use larder_connectors::holidays::{HolidayDay, HolidayTable};
use larder_connectors::weather::{ClimateNormals, WeatherQuestion, WeatherRung};
use larder_connectors::{Asking, ConnectorError, Connectors, Place};
use larder_demand::{DayOutlook, Weather};

use super::normals::{Normals, Where};
use crate::days::{DAY_US, date_of};
use crate::store::market_days::MarketDayRow;
use crate::store::market_outlooks::OutlookRow;
use crate::store::markets::MarketRow;

/// A plan waits so long for the outside world, and goes on with what is known.
const PATIENCE: Duration = Duration::from_secs(3);
/// Events further away bring nobody to a market.
const EVENTS_WITHIN_KM: f64 = 5.0;
/// A forecast that is believed less than this is told, and the demand is foretold without it.
const LEAST_CONFIDENCE: f64 = 0.2;
/// What was known longer ago says nothing of the weather.
const KEPT_FOR_US: i64 = 3 * DAY_US;

/// Who said what is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Source {
    /// The request, or somebody who wrote it down for the day.
    Told,
    /// The provider that is asked first.
    Primary,
    /// Another provider.
    Secondary,
    /// The last answer that was kept.
    Kept,
    /// What is usual at the time of the year.
    Normals,
    /// Nobody.
    #[default]
    Nobody,
}

/// What a request tells of the day.
#[derive(Clone, Debug, Default)]
pub(crate) struct ToldOfDay {
    pub(crate) weather: Option<Weather>,
    pub(crate) event_attendance: Option<f64>,
}

impl ToldOfDay {
    pub(crate) fn is_nothing(&self) -> bool {
        self.weather.is_none() && self.event_attendance.is_none()
    }
}

/// The weather that is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownWeather {
    pub(crate) weather: Weather,
    pub(crate) source: Source,
    /// The rung's own name.
    pub(crate) rung: &'static str,
    pub(crate) known_at_us: Option<i64>,
    /// Whether it is believed enough to foretell demand by.
    is_believed: bool,
    /// Why somebody better did not answer.
    pub(crate) missing: Option<String>,
}

/// The events that are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownEvents {
    pub(crate) names: Vec<String>,
    pub(crate) attendance: Option<f64>,
    pub(crate) source: Source,
    pub(crate) rung: &'static str,
    pub(crate) known_at_us: Option<i64>,
    pub(crate) missing: Option<String>,
}

/// What is known of a day at a market.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownDay {
    pub(crate) weather: KnownWeather,
    pub(crate) events: KnownEvents,
    pub(crate) holiday: HolidayDay,
}

impl KnownDay {
    /// What forecasts are asked with, but for what belongs to single products.
    pub(crate) fn outlook(&self) -> DayOutlook {
        DayOutlook {
            weather: if self.weather.is_believed { self.weather.weather } else { Weather::default() },
            event_attendance: self.events.attendance,
            holiday: self.holiday.is_holiday(),
            before_holiday: self.holiday.before.is_some(),
            ..DayOutlook::default()
        }
    }

    /// What was missing of the outside world.
    pub(crate) fn missing(&self) -> Option<String> {
        let weather = self.weather.missing.as_ref().map(|why| format!("weather: {why}"));
        let events = self.events.missing.as_ref().map(|why| format!("events: {why}"));
        let said: Vec<_> = weather.into_iter().chain(events).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}

/// What is asked: a day at a market, with what is known here.
pub(crate) struct DayQuestion<'a> {
    pub(crate) market: &'a MarketRow,
    pub(crate) zone: &'a TimeZone,
    /// Counts from 1970.
    pub(crate) day: i32,
    pub(crate) now_us: i64,
    pub(crate) told: &'a ToldOfDay,
    pub(crate) said: Option<&'a MarketDayRow>,
    /// What was known of days of the market before.
    pub(crate) kept: &'a [OutlookRow],
}

impl DayQuestion<'_> {
    /// Puts together what is known. Never fails: what nobody says is not known, and said to be.
    pub(crate) async fn ask(&self, connectors: &Arc<Connectors>, normals: &Arc<Normals>) -> KnownDay {
        let (weather, events) = tokio::join!(self.weather(connectors, normals), self.events(connectors));
        KnownDay { weather, events, holiday: holiday(&connectors.holidays, self.market, self.day) }
    }

    fn place(&self) -> Option<Place> {
        Place::new(self.market.latitude?, self.market.longitude?).ok()
    }

    fn asking(&self) -> Asking {
        Asking::at(Timestamp::from_microsecond(self.now_us).unwrap_or_default(), PATIENCE)
    }

    fn kept_of_day(&self) -> Option<&OutlookRow> {
        self.kept.iter().find(|kept| kept.held_on_day == self.day)
    }

    async fn weather(&self, connectors: &Arc<Connectors>, normals: &Arc<Normals>) -> KnownWeather {
        if let Some(weather) = self.told.weather {
            let known_at_us = Some(self.now_us);
            return KnownWeather {
                weather,
                source: Source::Told,
                rung: "told",
                known_at_us,
                is_believed: true,
                missing: None,
            };
        }
        let mut known = KnownWeather { rung: WeatherRung::None.name(), ..KnownWeather::default() };
        if let Some(place) = self.place() {
            let at = Where { place, zone: self.zone, now_us: self.now_us };
            let normals = normals.of(connectors, &at).unwrap_or_else(|| {
                // Until an archive has answered, the days that were planned tell what is usual.
                Arc::new(ClimateNormals::from_history(&self.weather_of_days()))
            });
            let question =
                WeatherQuestion { place, date: date_of(self.day), zone: self.zone, normals: Some(&normals) };
            let answer = connectors.weather.weather(&question, &self.asking()).await;
            let age_us = i64::try_from(answer.age.as_micros()).unwrap_or(i64::MAX);
            known = KnownWeather {
                weather: answer.value.weather,
                source: weather_source(answer.source),
                rung: answer.source.name(),
                known_at_us: Some(self.now_us.saturating_sub(age_us)),
                is_believed: answer.confidence >= LEAST_CONFIDENCE,
                missing: why(answer.cause.as_ref()),
            };
        }
        if !matches!(known.source, Source::Normals | Source::Nobody) {
            return known;
        }
        self.weather_kept(known)
    }

    /// What was known of the weather when the day was planned before, where that is not too long ago.
    fn weather_kept(&self, known: KnownWeather) -> KnownWeather {
        let kept = self.kept_of_day().filter(|kept| !kept.weather_source.is_empty());
        let recent = kept.filter(|kept| {
            kept.weather_known_at_us.is_some_and(|at| self.now_us.saturating_sub(at) <= KEPT_FOR_US)
        });
        let Some(kept) = recent else { return known };
        KnownWeather {
            weather: weather_of(kept),
            source: Source::Kept,
            rung: WeatherRung::LastGoodForecast.name(),
            known_at_us: kept.weather_known_at_us,
            is_believed: true,
            missing: known.missing,
        }
    }

    /// The weather of the days there were, as it was known.
    fn weather_of_days(&self) -> Vec<(jiff::civil::Date, Weather)> {
        let past = self.kept.iter().filter(|kept| kept.held_on_day < self.day);
        past.filter(|kept| !kept.weather_source.is_empty())
            .map(|kept| (date_of(kept.held_on_day), weather_of(kept)))
            .collect()
    }

    async fn events(&self, connectors: &Connectors) -> KnownEvents {
        let written = self.written_down();
        if let Some(attendance) = self.told.event_attendance {
            return KnownEvents {
                names: written.iter().map(|event| event.title.clone()).collect(),
                attendance: Some(attendance),
                source: Source::Told,
                rung: "told",
                known_at_us: Some(self.now_us),
                missing: None,
            };
        }
        let Some(place) = self.place() else { return self.events_written(&written) };
        let question = EventQuestion {
            place,
            radius_km: EVENTS_WITHIN_KM,
            date: date_of(self.day),
            zone: self.zone,
            calendars: &self.market.event_calendar_urls,
            manual: &written,
        };
        let answer = connectors.events.events(&question, &self.asking()).await;
        if answer.source == EventRung::Empty
            && let Some(kept) = self.kept_of_day().filter(|kept| !kept.events_source.is_empty())
        {
            return KnownEvents {
                names: kept.event_names.clone(),
                attendance: kept.event_attendance,
                source: Source::Kept,
                rung: EventRung::LastGood.name(),
                known_at_us: kept.events_known_at_us,
                missing: why(answer.cause.as_ref()),
            };
        }
        let age_us = i64::try_from(answer.age.as_micros()).unwrap_or(i64::MAX);
        KnownEvents {
            names: answer.value.events.iter().map(|event| event.title.clone()).collect(),
            attendance: answer.value.attendance,
            source: match answer.source {
                EventRung::Providers => Source::Primary,
                EventRung::LastGood => Source::Kept,
                EventRung::Calendars if written.is_empty() => Source::Secondary,
                EventRung::Calendars => Source::Told,
                EventRung::Empty => Source::Nobody,
            },
            rung: answer.source.name(),
            known_at_us: Some(self.now_us.saturating_sub(age_us)),
            missing: why(answer.cause.as_ref()),
        }
    }

    /// A market without a place has the events that somebody wrote down.
    fn events_written(&self, written: &[LocalEvent]) -> KnownEvents {
        if written.is_empty() {
            return KnownEvents { rung: EventRung::Empty.name(), ..KnownEvents::default() };
        }
        let people = written.iter().filter_map(|event| event.attendance).map(|attendance| attendance.people);
        KnownEvents {
            names: written.iter().map(|event| event.title.clone()).collect(),
            attendance: Some(people.sum()),
            source: Source::Told,
            rung: EventRung::Calendars.name(),
            known_at_us: Some(self.now_us),
            missing: None,
        }
    }

    fn written_down(&self) -> Vec<LocalEvent> {
        let events = self.said.map(|said| said.events.0.as_slice()).unwrap_or_default();
        let noon = date_of(self.day).at(12, 0, 0, 0).to_zoned(self.zone.clone());
        let starts_at = noon.map_or_else(|_| Timestamp::default(), |noon| noon.timestamp());
        let event = |(number, event): (usize, &crate::store::market_days::KeptEvent)| LocalEvent {
            id: format!("manual:{number}"),
            sources: vec![EventSource::Manual],
            title: event.name.clone(),
            category: None,
            starts_at,
            ends_at: None,
            venue: None,
            place: None,
            distance_km: None,
            attendance: event
                .attendance
                .map(|people| Attendance { people: f64::from(people), is_guess: false }),
        };
        events.iter().enumerate().map(event).collect()
    }
}

fn weather_of(kept: &OutlookRow) -> Weather {
    Weather { high_celsius: kept.high_celsius, rain_mm: kept.rain_mm, wind_kmh: kept.wind_kmh }
}

fn weather_source(rung: WeatherRung) -> Source {
    match rung {
        WeatherRung::OpenMeteo => Source::Primary,
        WeatherRung::NationalWeatherService => Source::Secondary,
        WeatherRung::LastGoodForecast => Source::Kept,
        WeatherRung::ClimateNormals => Source::Normals,
        WeatherRung::None => Source::Nobody,
    }
}

/// Why somebody did not answer; that nobody is set up is how it is meant to be.
fn why(cause: Option<&ConnectorError>) -> Option<String> {
    match cause {
        None | Some(ConnectorError::NotConfigured) => None,
        Some(cause) => Some(cause.to_string()),
    }
}

/// The public holiday a day is at a market.
pub(crate) fn holiday(table: &HolidayTable, market: &MarketRow, day: i32) -> HolidayDay {
    if market.country.is_empty() {
        return HolidayDay::default();
    }
    let subdivision = Some(market.subdivision.as_str()).filter(|part| !part.is_empty());
    table.on(&market.country, subdivision, date_of(day)).value
}
