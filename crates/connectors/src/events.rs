//! What happens near a market that day: Ticketmaster, PredictHQ, calendars that markets publish, and what the vendor
//! typed in, merged so that one event counts once. Ladder: providers, their last word, calendars and the vendor's
//! own entries, an empty list.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::answer::age;
use crate::remote::FeedClient;
use crate::status::LadderRecord;
use crate::{Answer, Asking, ConnectorError, ConnectorStatus, LastGood, Place};

mod attendance;
mod calendar;
mod feeds;
mod local_event;
mod merge;
mod predict_hq;
mod ticketmaster;

pub use attendance::expected_attendance;
pub use calendar::events_of_day as calendar_events_of_day;
pub use feeds::CalendarFeeds;
pub use local_event::{Attendance, EventSource, LocalEvent};
pub use merge::merge;
pub use predict_hq::{PredictHq, PredictHqSettings};
pub use ticketmaster::{Ticketmaster, TicketmasterSettings};

/// Events are announced long before: an answer is not asked for again within this time.
pub const FRESH_FOR: Duration = Duration::from_secs(6 * 3_600);
/// How long a source's last word stands in for it.
pub const LAST_GOOD_MAX_AGE: Duration = Duration::from_secs(7 * 86_400);

/// Answers that are kept, one a source, place and day.
const ANSWERS_KEPT: usize = 4_096;

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventRung {
    /// At least one of the providers, and all that are configured.
    Providers,
    /// A provider, some days ago, or one of several.
    LastGood,
    /// Calendars, or the vendor, alone.
    Calendars,
    /// Nobody.
    Empty,
}

impl EventRung {
    /// The name in answers, health and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Providers => "providers",
            Self::LastGood => "last_good",
            Self::Calendars => "calendars",
            Self::Empty => "empty",
        }
    }
}

/// One question about a day near a market.
#[derive(Clone, Copy, Debug)]
pub struct EventQuestion<'a> {
    /// The market.
    pub place: Place,
    /// How far from it, km.
    pub radius_km: f64,
    /// The day, in the market's calendar.
    pub date: Date,
    /// The market's time zone.
    pub zone: &'a TimeZone,
    /// Addresses of calendars, as the tenant typed them in.
    pub calendars: &'a [String],
    /// What the vendor typed in.
    pub manual: &'a [LocalEvent],
}

impl EventQuestion<'_> {
    /// First instant of the day and of the next one.
    fn bounds(&self) -> Option<(Timestamp, Timestamp)> {
        let start = |date: Date| Some(date.to_zoned(self.zone.clone()).ok()?.timestamp());
        Some((start(self.date)?, start(self.date.tomorrow().ok()?)?))
    }
}

/// What is on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventsOfDay {
    /// Each event once, the nearest and largest first.
    pub events: Vec<LocalEvent>,
    /// People expected at events close by, the far ones counted less; none when nobody could tell.
    pub attendance: Option<f64>,
}

/// The ladder. Providers that are not configured are passed over.
#[derive(Debug)]
pub struct EventsLadder {
    ticketmaster: Option<Ticketmaster>,
    predict_hq: Option<PredictHq>,
    feeds: CalendarFeeds,
    kept: LastGood<Vec<LocalEvent>>,
    record: LadderRecord,
}

/// What one source said.
struct Heard {
    source: EventSource,
    events: Vec<LocalEvent>,
    /// None when it said nothing that can be used.
    age: Option<Duration>,
    cause: Option<ConnectorError>,
}

impl EventsLadder {
    /// A ladder of these providers and whatever calendars are asked for.
    pub fn new(
        ticketmaster: Option<Ticketmaster>,
        predict_hq: Option<PredictHq>,
        feeds: CalendarFeeds,
    ) -> Self {
        let (kept, record) = (LastGood::new(ANSWERS_KEPT), LadderRecord::new("events"));
        Self { ticketmaster, predict_hq, feeds, kept, record }
    }

    /// How it does.
    pub fn status(&self) -> ConnectorStatus {
        let providers = [
            self.ticketmaster.as_ref().map(Ticketmaster::status),
            self.predict_hq.as_ref().map(PredictHq::status),
            self.feeds.status(),
        ];
        self.record.status(providers.into_iter().flatten().collect())
    }

    /// Last good answers by source, place and day, to be saved and loaded.
    pub fn kept(&self) -> &LastGood<Vec<LocalEvent>> {
        &self.kept
    }

    /// What is on that day. Never fails: the last rung is an empty list.
    pub async fn events(
        &self,
        question: &EventQuestion<'_>,
        asking: &Asking,
    ) -> Answer<EventsOfDay, EventRung> {
        let calendars =
            join_all(question.calendars.iter().map(|address| self.hear_calendar(address, question, asking)));
        let (ticketmaster, predict_hq, calendars) = tokio::join!(
            self.hear(EventSource::Ticketmaster, question, asking),
            self.hear(EventSource::PredictHq, question, asking),
            calendars,
        );
        let mut heard: Vec<Heard> =
            [ticketmaster, predict_hq].into_iter().flatten().chain(calendars).collect();
        if !question.manual.is_empty() {
            let events = question.manual.to_vec();
            heard.push(Heard { source: EventSource::Manual, events, age: Some(Duration::ZERO), cause: None });
        }
        let answer = weigh(heard, question);
        self.record.note(&answer, answer.source.name(), asking.now);
        answer
    }

    /// Asks a provider, or takes its last word; none when it is not configured.
    async fn hear(
        &self,
        source: EventSource,
        question: &EventQuestion<'_>,
        asking: &Asking,
    ) -> Option<Heard> {
        let near = question.place.neighbourhood();
        let key = format!("{}|{near}|{:.1}|{}", source.name(), question.radius_km, question.date);
        if let Some(heard) = self.kept_answer(source, &key, asking, FRESH_FOR, None) {
            return Some(heard);
        }
        let asked = match (source, &self.ticketmaster, &self.predict_hq) {
            (EventSource::Ticketmaster, Some(ticketmaster), _) => ticketmaster.events(question, asking).await,
            (EventSource::PredictHq, _, Some(predict_hq)) => predict_hq.events(question, asking).await,
            _ => return None,
        };
        Some(self.or_kept(source, &key, asked, asking))
    }

    async fn hear_calendar(&self, address: &str, question: &EventQuestion<'_>, asking: &Asking) -> Heard {
        let source = EventSource::Calendar;
        let key = format!("{}|{address}|{}", source.name(), question.date);
        if let Some(heard) = self.kept_answer(source, &key, asking, FRESH_FOR, None) {
            return heard;
        }
        let asked = self.feeds.events(address, question, asking).await;
        self.or_kept(source, &key, asked, asking)
    }

    fn or_kept(
        &self,
        source: EventSource,
        key: &str,
        asked: Result<Vec<LocalEvent>, ConnectorError>,
        asking: &Asking,
    ) -> Heard {
        match asked {
            Ok(events) => {
                self.kept.keep(key, events.clone(), asking.now);
                Heard { source, events, age: Some(Duration::ZERO), cause: None }
            }
            Err(cause) => self
                .kept_answer(source, key, asking, LAST_GOOD_MAX_AGE, Some(cause.clone()))
                .unwrap_or(Heard { source, events: Vec::new(), age: None, cause: Some(cause) }),
        }
    }

    fn kept_answer(
        &self,
        source: EventSource,
        key: &str,
        asking: &Asking,
        max_age: Duration,
        cause: Option<ConnectorError>,
    ) -> Option<Heard> {
        let kept = self.kept.get(key, asking.now, max_age)?;
        Some(Heard { source, events: kept.value, age: Some(age(kept.at, asking.now)), cause })
    }
}

/// One answer out of what all sources said.
fn weigh(heard: Vec<Heard>, question: &EventQuestion<'_>) -> Answer<EventsOfDay, EventRung> {
    let is_provider =
        |heard: &&Heard| matches!(heard.source, EventSource::Ticketmaster | EventSource::PredictHq);
    let providers: Vec<&Heard> = heard.iter().filter(is_provider).collect();
    let spoke = heard.iter().any(|one| one.age.is_some());
    let source = match () {
        () if !providers.is_empty() && providers.iter().all(|one| one.cause.is_none()) => {
            EventRung::Providers
        }
        () if providers.iter().any(|one| one.age.is_some()) => EventRung::LastGood,
        () if spoke => EventRung::Calendars,
        () => EventRung::Empty,
    };
    let cause = heard.iter().find_map(|one| one.cause.clone());
    let age = heard.iter().filter_map(|one| one.age).max().unwrap_or_default();
    let degraded = cause.is_some();
    let events = merge(heard.into_iter().flat_map(|one| one.events).collect(), question.place);
    let attendance = spoke.then(|| expected_attendance(&events));
    let confidence = match source {
        EventRung::Providers => 0.9,
        EventRung::LastGood => 0.6,
        EventRung::Calendars => 0.5,
        EventRung::Empty => 0.0,
    };
    Answer { value: EventsOfDay { events, attendance }, source, age, degraded, confidence, cause }
}
