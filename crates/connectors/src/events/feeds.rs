//! Calendars at addresses that tenants type in. Each host has a client of its own, so that one dead host opens its
//! own breaker and nobody else's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use larder_resilience::BreakerState;
use larder_settings::ResilienceSettings;

use super::{EventQuestion, FeedClient, LocalEvent, calendar};
use crate::remote::{Remote, Request};
use crate::{Asking, ConnectorError, SourceStatus};

const BODY_LIMIT_BYTES: usize = 4 << 20;
/// Hosts whose breakers are remembered.
const HOSTS_MAX: usize = 256;

/// The client.
#[derive(Debug)]
pub struct CalendarFeeds {
    client: FeedClient,
    limits: ResilienceSettings,
    hosts: Mutex<HashMap<String, Arc<Remote>>>,
}

impl CalendarFeeds {
    /// A client that asks within `limits`; [`crate::outside_limits`] are usual.
    pub fn new(client: &FeedClient, limits: &ResilienceSettings) -> Self {
        Self { client: client.clone(), limits: limits.clone(), hosts: Mutex::default() }
    }

    /// How the host does that does worst; none before the first question.
    pub fn status(&self) -> Option<SourceStatus> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let statuses = hosts.values().map(|remote| remote.status());
        statuses.max_by_key(|status| {
            let openness = match status.breaker {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open => 2,
            };
            (openness, status.last_error.as_ref().map(|error| error.at))
        })
    }

    /// The events of the question's day in the calendar at `address`.
    ///
    /// # Errors
    /// [`ConnectorError`]; [`ConnectorError::Refused`] with status 0 when the address is not asked at all.
    pub async fn events(
        &self,
        address: &str,
        question: &EventQuestion<'_>,
        asking: &Asking,
    ) -> Result<Vec<LocalEvent>, ConnectorError> {
        let url = self.client.address(address)?;
        let name = url.host_str().unwrap_or_default().to_owned();
        let remote = self.host(&name);
        let request = Request::get(url).header(http::header::ACCEPT, "text/calendar, */*;q=0.1")?;
        let text = remote.fetch(&request, asking, text).await?;
        let (date, zone) = (question.date, question.zone.clone());
        // Working out repetitions may take a while and must not hold up other tasks.
        let read = tokio::task::spawn_blocking(move || calendar::events_of_day(&text, &name, date, &zone));
        read.await.map_err(|_| ConnectorError::not_understood("a calendar that cannot be read"))?
    }

    fn host(&self, name: &str) -> Arc<Remote> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= HOSTS_MAX && !hosts.contains_key(name) {
            hosts.clear();
        }
        let new = || {
            // Hosts are the tenants' choice: as a label they would be without bound.
            let label = "_OTHER".to_owned();
            Arc::new(Remote::new("calendar_feed", label, self.client.http(), &self.limits, BODY_LIMIT_BYTES))
        };
        hosts.entry(name.to_owned()).or_insert_with(new).clone()
    }
}

/// The text of a calendar, if it begins and ends like one: half of it may be whole the next time.
fn text(body: &[u8]) -> Result<String, ConnectorError> {
    let text = String::from_utf8_lossy(body);
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    let starts = trimmed.get(..15).is_some_and(|head| head.eq_ignore_ascii_case("BEGIN:VCALENDAR"));
    if !starts {
        return Err(ConnectorError::not_understood("no calendar where one was expected"));
    }
    if !trimmed.to_ascii_uppercase().ends_with("END:VCALENDAR") {
        return Err(ConnectorError::not_understood("a calendar that ends half-way"));
    }
    Ok(trimmed.to_owned())
}
