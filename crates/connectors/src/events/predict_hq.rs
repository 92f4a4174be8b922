//! PredictHQ: events of every kind around a place, many with the number of people expected.

use jiff::Timestamp;
use larder_settings::ResilienceSettings;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::attendance::guess_by_rank;
use super::{Attendance, EventQuestion, EventSource, LocalEvent};
use crate::remote::{Remote, Request};
use crate::{Asking, BaseUrl, ConnectorError, HttpClient, Place, SourceStatus, meters};

const BODY_LIMIT_BYTES: usize = 8 << 20;
const PAGE_SIZE: usize = 200;
const PAGES_MAX: usize = 5;
/// More than were ever counted in one place.
const PEOPLE_MAX: f64 = 2e7;
/// Kinds of events that people go to; storms and strikes are none.
const CATEGORIES: &str = "community,concerts,conferences,expos,festivals,performing-arts,sports";

/// Where PredictHQ is asked.
#[derive(Clone, Debug)]
pub struct PredictHqSettings {
    /// `https://api.predicthq.com`, or a stand-in.
    pub base_url: BaseUrl,
    /// The access token.
    pub access_token: SecretString,
}

/// The client.
#[derive(Debug)]
pub struct PredictHq {
    settings: PredictHqSettings,
    remote: Remote,
}

#[derive(Deserialize)]
struct Page {
    results: Vec<Value>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    title: String,
    category: Option<String>,
    rank: Option<f64>,
    phq_attendance: Option<f64>,
    start: Timestamp,
    end: Option<Timestamp>,
    /// Longitude first.
    location: Option<[f64; 2]>,
    state: Option<String>,
}

impl PredictHq {
    /// A client that asks within `limits`; [`crate::outside_limits`] are usual.
    pub fn new(settings: PredictHqSettings, client: &HttpClient, limits: &ResilienceSettings) -> Self {
        let host = settings.base_url.host();
        Self { remote: Remote::new("predict_hq", host, client, limits, BODY_LIMIT_BYTES), settings }
    }

    /// How it does.
    pub fn status(&self) -> SourceStatus {
        self.remote.status()
    }

    /// The events of the day within the radius; deleted ones left out.
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
            let page: Page = self.remote.fetch_json(&self.request(question, number)?, asking).await?;
            let count = page.results.len();
            let rows: Vec<Row> =
                page.results.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect();
            meters::rows_refused("predict_hq", count - rows.len());
            events.extend(rows.into_iter().filter_map(read).filter(|event| event.is_on(from, to)));
            // Where the next page is we work out ourselves: an address in an answer is not for us to follow.
            if page.next.is_none() || count == 0 {
                break;
            }
        }
        Ok(events)
    }

    fn request(&self, question: &EventQuestion<'_>, page: usize) -> Result<Request, ConnectorError> {
        let place = question.place;
        let radius = question.radius_km.clamp(0.1, 500.0);
        let mut url = self.settings.base_url.join("/v1/events/");
        url.query_pairs_mut()
            .append_pair("within", &format!("{radius:.1}km@{:.5},{:.5}", place.latitude(), place.longitude()))
            .append_pair("active.gte", &question.date.to_string())
            .append_pair("active.lte", &question.date.to_string())
            .append_pair("active.tz", question.zone.iana_name().unwrap_or("UTC"))
            .append_pair("category", CATEGORIES)
            .append_pair("state", "active,predicted")
            .append_pair("limit", &PAGE_SIZE.to_string())
            .append_pair("offset", &(page * PAGE_SIZE).to_string());
        Request::get(url).bearer(self.settings.access_token.expose_secret())
    }
}

fn read(row: Row) -> Option<LocalEvent> {
    if matches!(row.state.as_deref(), Some("deleted" | "cancelled" | "postponed")) {
        return None;
    }
    let told = row.phq_attendance.filter(|people| (0.0..=PEOPLE_MAX).contains(people));
    let attendance = told.map(|people| Attendance { people, is_guess: false });
    Some(LocalEvent {
        id: format!("predict_hq:{}", row.id),
        sources: vec![EventSource::PredictHq],
        title: row.title,
        category: row.category,
        starts_at: row.start,
        ends_at: row.end,
        venue: None,
        place: row.location.and_then(|[east, north]| Place::new(north, east).ok()),
        distance_km: None,
        attendance: attendance.or_else(|| row.rank.and_then(guess_by_rank)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strange;
    use serde_json::json;

    #[test]
    fn a_strange_event_is_left_out_or_read_without_strange_numbers() {
        let read_row = |row: &Value| serde_json::from_value::<Row>(row.clone()).ok().and_then(read);
        let row = json!({
            "id": "p1", "title": "Derby", "category": "sports", "rank": 80, "phq_attendance": 31_500,
            "start": "2026-11-28T21:00:00Z", "end": "2026-11-28T23:00:00Z", "location": [-122.3, 47.6], "state": "active",
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
