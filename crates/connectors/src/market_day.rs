//! What is known of one market day from outside: the weather, what is on nearby, whether it is a holiday. Everything
//! is asked at the same time; whatever is away, a day's outlook comes of it.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use larder_demand::DayOutlook;
use serde::Serialize;

use crate::events::{EventQuestion, EventRung, EventsOfDay, LocalEvent};
use crate::holidays::{HolidayDay, HolidayRung};
use crate::weather::{ClimateNormals, DayForecast, WeatherQuestion, WeatherRung};
use crate::{Answer, Asking, ConnectorError, Connectors, Place};

/// One market day to be told about.
#[derive(Clone, Copy, Debug)]
pub struct MarketDayQuestion<'a> {
    /// The market.
    pub place: Place,
    /// The day, in the market's calendar.
    pub date: Date,
    /// The market's time zone.
    pub zone: &'a TimeZone,
    /// Country (ISO 3166-1, two letters) and its part, for holidays.
    pub country: Option<(&'a str, Option<&'a str>)>,
    /// How far events count, km.
    pub radius_km: f64,
    /// Addresses of calendars, as the tenant typed them in.
    pub calendars: &'a [String],
    /// Events the vendor typed in.
    pub manual: &'a [LocalEvent],
    /// The weather that is usual there, if anybody knows.
    pub normals: Option<&'a ClimateNormals>,
}

/// What the connectors said of a day.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketDayKnowledge {
    /// The weather.
    pub weather: Answer<DayForecast, WeatherRung>,
    /// What is on.
    pub events: Answer<EventsOfDay, EventRung>,
    /// Holidays; none when the market's country is not known.
    pub holiday: Option<Answer<HolidayDay, HolidayRung>>,
}

/// Whose word a part of the outlook is, to be shown beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Origin {
    /// `weather`, `events` or `holidays`.
    pub connector: &'static str,
    /// The rung that spoke.
    pub rung: &'static str,
    /// How old its word is.
    pub age: Duration,
    /// Whether it is less than what was asked for.
    pub degraded: bool,
    /// How far to believe it, 0 to 1.
    pub confidence: f64,
    /// Why no better rung spoke, as a kind.
    pub cause: Option<&'static str>,
}

impl Connectors {
    /// Asks about a market day. Never fails.
    pub async fn market_day(&self, question: &MarketDayQuestion<'_>, asking: &Asking) -> MarketDayKnowledge {
        let MarketDayQuestion { place, date, zone, normals, .. } = *question;
        let weather = WeatherQuestion { place, date, zone, normals };
        let events = EventQuestion {
            place,
            radius_km: question.radius_km,
            date,
            zone,
            calendars: question.calendars,
            manual: question.manual,
        };
        let (weather, events) =
            tokio::join!(self.weather.weather(&weather, asking), self.events.events(&events, asking));
        let holiday = question.country.map(|(country, part)| self.holidays.on(country, part, date));
        MarketDayKnowledge { weather, events, holiday }
    }
}

impl MarketDayKnowledge {
    /// The outlook that forecasts take; promotion and price are the vendor's to add.
    pub fn outlook(&self) -> DayOutlook {
        let holiday = self.holiday.as_ref().map(|answer| &answer.value);
        DayOutlook {
            weather: self.weather.value.weather,
            event_attendance: self.events.value.attendance,
            holiday: holiday.is_some_and(HolidayDay::is_holiday),
            before_holiday: holiday.is_some_and(|day| day.before.is_some()),
            ..DayOutlook::default()
        }
    }

    /// Whether any part is less than what was asked for.
    pub fn is_degraded(&self) -> bool {
        self.origins().iter().any(|origin| origin.degraded)
    }

    /// Whose word each part is.
    pub fn origins(&self) -> Vec<Origin> {
        let mut origins = vec![
            origin("weather", self.weather.source.name(), &self.weather),
            origin("events", self.events.source.name(), &self.events),
        ];
        origins.extend(self.holiday.as_ref().map(|answer| origin("holidays", answer.source.name(), answer)));
        origins
    }
}

fn origin<T, S>(connector: &'static str, rung: &'static str, answer: &Answer<T, S>) -> Origin {
    Origin {
        connector,
        rung,
        age: answer.age,
        degraded: answer.degraded,
        confidence: answer.confidence,
        cause: answer.cause.as_ref().map(ConnectorError::kind),
    }
}
