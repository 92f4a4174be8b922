//! Ticketmaster's Discovery API: events with tickets around a place. How many come is not told, so it is guessed from
//! the venue and the kind.

use jiff::Timestamp;
use jiff::civil::Date;
use larder_settings::ResilienceSettings;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::attendance::guess;
use super::{EventQuestion, EventSource, LocalEvent};
use crate::remote::{Remote, Request};
use crate::{Asking, BaseUrl, ConnectorError, HttpClient, Place, SourceStatus, meters};

const BODY_LIMIT_BYTES: usize = 8 << 20;
const PAGE_SIZE: usize = 200;
/// Size times page must stay below 1,000.
const PAGES_MAX: usize = 5;

/// Where Ticketmaster is asked.
#[derive(Clone, Debug)]
pub struct TicketmasterSettings {
    /// `https://app.ticketmaster.com`, or a stand-in.
    pub base_url: BaseUrl,
    /// The application's key.
    pub api_key: SecretString,
}

/// The client.
#[derive(Debug)]
pub struct Ticketmaster {
    settings: TicketmasterSettings,
    remote: Remote,
}

#[derive(Deserialize)]
struct Page {
    /// Absent when nothing was found.
    #[serde(rename = "_embedded")]
    embedded: Option<Embedded>,
    page: PageNumber,
}

#[derive(Deserialize)]
struct Embedded {
    #[serde(default)]
    events: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageNumber {
    total_pages: usize,
}

impl Ticketmaster {
    /// A client that asks within `limits`; [`crate::outside_limits`] are usual.
    pub fn new(settings: TicketmasterSettings, client: &HttpClient, limits: &ResilienceSettings) -> Self {
        let host = settings.base_url.host();
        Self { remote: Remote::new("ticketmaster", host, client, limits, BODY_LIMIT_BYTES), settings }
    }

    /// How it does.
    pub fn status(&self) -> SourceStatus {
        self.remote.status()
    }

    /// The events of the day within the radius; cancelled and postponed ones left out.
    ///
    /// # Errors
    /// [`ConnectorError`]; a page that fails fails the whole.
    pub async fn events(
        &self,
        question: &EventQuestion<'_>,
        asking: &Asking,
    ) -> Result<Vec<LocalEvent>, ConnectorError> {
        let (from, to) = question
            .bounds()
            .ok_or_else(|| ConnectorError::NotCovered { reason: "no such day".to_owned() })?;
        let mut events = Vec::new();
        for number in 0..PAGES_MAX {
            let page: Page =
                self.remote.fetch_json(&self.request(question, (from, to), number), asking).await?;
            let rows = page.embedded.map_or_else(Vec::new, |embedded| embedded.events);
            let count = rows.len();
            let read = rows.iter().filter_map(|row| read(row, question)).collect::<Vec<Option<LocalEvent>>>();
            meters::rows_refused("ticketmaster", count - read.len());
            events.extend(read.into_iter().flatten().filter(|event| event.is_on(from, to)));
            if number + 1 >= page.page.total_pages || count == 0 {
                break;
            }
        }
        Ok(events)
    }

    fn request(
        &self,
        question: &EventQuestion<'_>,
        (from, to): (Timestamp, Timestamp),
        page: usize,
    ) -> Request {
        let mut url = self.settings.base_url.join("/discovery/v2/events.json");
        url.query_pairs_mut()
            .append_pair("apikey", self.settings.api_key.expose_secret())
            .append_pair(
                "latlong",
                &format!("{:.5},{:.5}", question.place.latitude(), question.place.longitude()),
            )
            .append_pair("radius", &format!("{:.0}", question.radius_km.clamp(1.0, 500.0).ceil()))
            .append_pair("unit", "km")
            .append_pair("locale", "*")
            // Without fractions of a second, which are refused.
            .append_pair("startDateTime", &format!("{from:.0}"))
            .append_pair("endDateTime", &format!("{to:.0}"))
            .append_pair("size", &PAGE_SIZE.to_string())
            .append_pair("page", &page.to_string());
        Request::get(url)
    }
}

/// The event; nothing inside when it does not take place, none when it cannot be read.
fn read(row: &Value, question: &EventQuestion<'_>) -> Option<Option<LocalEvent>> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let status = row.pointer("/dates/status/code").and_then(Value::as_str);
    if matches!(status, Some("cancelled" | "canceled" | "postponed")) {
        return Some(None);
    }
    let venue = row.pointer("/_embedded/venues/0").unwrap_or(&Value::Null);
    let named = |part: &str| row.pointer(&format!("/classifications/0/{part}/name")).and_then(text);
    let (category, venue_name) = (named("segment").filter(|name| name != "Undefined"), text(&venue["name"]));
    let degrees = |name: &str| venue["location"][name].as_str().and_then(|text| text.parse::<f64>().ok());
    Some(Some(LocalEvent {
        id: format!("ticketmaster:{}", text(&row["id"])?),
        sources: vec![EventSource::Ticketmaster],
        title: text(&row["name"])?,
        starts_at: starts_at(&row["dates"]["start"], question)?,
        ends_at: None,
        attendance: guess(category.as_deref(), venue_name.as_deref()),
        category,
        venue: venue_name,
        place: degrees("latitude")
            .zip(degrees("longitude"))
            .and_then(|(north, east)| Place::new(north, east).ok()),
        distance_km: None,
    }))
}

/// The instant, or the beginning of the local date while the time is still to be announced.
fn starts_at(start: &Value, question: &EventQuestion<'_>) -> Option<Timestamp> {
    if let Some(time) = start["dateTime"].as_str() {
        return time.parse().ok();
    }
    let date: Date = start["localDate"].as_str()?.parse().ok()?;
    Some(date.to_zoned(question.zone.clone()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strange;
    use serde_json::json;

    #[test]
    fn a_strange_event_is_left_out_or_read_without_strange_numbers() {
        let zone = jiff::tz::TimeZone::UTC;
        let question = EventQuestion {
            place: Place::new(47.6, -122.3).unwrap(),
            radius_km: 5.0,
            date: jiff::civil::date(2026, 11, 28),
            zone: &zone,
            calendars: &[],
            manual: &[],
        };
        let read_row = |row: &Value| read(row, &question).flatten();
        let row = json!({
            "id": "t1", "name": "Derby",
            "dates": {"start": {"localDate": "2026-11-28", "dateTime": "2026-11-28T21:00:00Z"}, "status": {"code": "onsale"}},
            "classifications": [{"segment": {"name": "Sports"}}],
            "_embedded": {"venues": [{"name": "Stadium", "location": {"longitude": "-122.3", "latitude": "47.6"}}]},
        });
        assert!(read_row(&row).is_some());
        for variant in strange::variants(&row) {
            let Some(event) = read_row(&variant) else { continue };
            let people = event.attendance.map_or(0.0, |attendance| attendance.people);
            assert!((0.0..=2e7).contains(&people), "{variant}");
            assert!(event.place.is_none_or(|place| place.latitude().abs() <= 90.0), "{variant}");
        }
    }
}
