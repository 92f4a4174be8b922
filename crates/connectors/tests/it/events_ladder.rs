//! Every rung of the events' ladder, for every way in which a source can be useless.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::date;
use jiff::tz::TimeZone;
use larder_connectors::events::{
    Attendance, CalendarFeeds, EventQuestion, EventRung, EventSource, EventsLadder, EventsOfDay, LocalEvent,
    PredictHq, PredictHqSettings, Ticketmaster, TicketmasterSettings,
};
use larder_connectors::{Answer, Asking, ConnectorError, FeedClient, FeedReach, Place};
use larder_testkit::stand_in::events::{
    PREDICT_HQ_TOKEN, TICKETMASTER_KEY, calendar, predict_hq, ticketmaster,
};
use larder_testkit::stand_in::{Fault, StandIn};
use serde_json::{Value, json};

use crate::outside::{asking, at, base, client, every_fault, limits};

const NOW: &str = "2026-11-23T20:00:00Z";
const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Tree lighting\r\nDTSTART:20261129T010000Z\r\nDTEND:20261129T030000Z\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\nSUMMARY:Harbor Derby\r\nDTSTART:20261128T213000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn ticketed(id: &str, name: &str, start: Value, status: &str) -> Value {
    json!({
        "id": id, "name": name, "type": "event",
        "dates": {"start": start, "status": {"code": status}},
        "classifications": [{"primary": true, "segment": {"name": "Sports"}, "genre": {"name": "Soccer"}}],
        "_embedded": {"venues": [{"name": "Harbor Stadium", "location": {"longitude": "-122.3316", "latitude": "47.5952"}}]},
    })
}

fn tickets() -> Vec<Value> {
    vec![
        ticketed(
            "t1",
            "Harbor Derby",
            json!({"localDate": "2026-11-28", "dateTime": "2026-11-28T21:00:00Z"}),
            "onsale",
        ),
        ticketed(
            "t2",
            "Cancelled cup",
            json!({"localDate": "2026-11-28", "dateTime": "2026-11-28T21:00:00Z"}),
            "cancelled",
        ),
        ticketed("t3", "Open air", json!({"localDate": "2026-11-28", "timeTBA": true}), "onsale"),
        ticketed(
            "t4",
            "Tomorrow",
            json!({"localDate": "2026-11-29", "dateTime": "2026-11-29T21:00:00Z"}),
            "onsale",
        ),
    ]
}

fn foretold() -> Vec<Value> {
    vec![
        json!({"id": "p1", "title": "Harbor Derby", "category": "sports", "rank": 80, "phq_attendance": 31_500,
            "start": "2026-11-28T21:00:00Z", "end": "2026-11-28T23:00:00Z", "location": [-122.3316, 47.5952], "state": "active"}),
        json!({"id": "p2", "title": "Book fair", "category": "expos", "rank": 60, "phq_attendance": null,
            "start": "2026-11-28T18:00:00Z", "end": "2026-11-29T02:00:00Z", "location": [-122.33, 47.61], "state": "predicted"}),
        json!({"id": "p3", "title": "Strange", "start": "soon"}),
    ]
}

struct World {
    ticketmaster: StandIn,
    predict_hq: StandIn,
    calendar: StandIn,
    ladder: EventsLadder,
    zone: TimeZone,
    manual: Vec<LocalEvent>,
}

impl World {
    async fn new() -> Self {
        let (tickets, foretold) = (ticketmaster(tickets(), 2).await, predict_hq(foretold(), 1).await);
        let ladder =
            EventsLadder::new(Some(ticketmaster_at(&tickets)), Some(predict_hq_at(&foretold)), feeds());
        let (zone, manual) = (TimeZone::get("America/Los_Angeles").unwrap(), Vec::new());
        Self {
            ticketmaster: tickets,
            predict_hq: foretold,
            calendar: calendar(CALENDAR.to_owned()).await,
            ladder,
            zone,
            manual,
        }
    }

    async fn ask(&self, asking: &Asking, with_calendar: bool) -> Answer<EventsOfDay, EventRung> {
        let address = [format!("{}/market.ics", self.calendar.url())];
        let question = EventQuestion {
            place: Place::new(47.6, -122.33).unwrap(),
            radius_km: 5.0,
            date: date(2026, 11, 28),
            zone: &self.zone,
            calendars: if with_calendar { &address } else { &[] },
            manual: &self.manual,
        };
        self.ladder.events(&question, asking).await
    }
}

fn ticketmaster_at(stand_in: &StandIn) -> Ticketmaster {
    let settings = TicketmasterSettings { base_url: base(stand_in.url()), api_key: TICKETMASTER_KEY.into() };
    Ticketmaster::new(settings, &client(), &limits())
}

fn predict_hq_at(stand_in: &StandIn) -> PredictHq {
    let settings =
        PredictHqSettings { base_url: base(stand_in.url()), access_token: PREDICT_HQ_TOKEN.into() };
    PredictHq::new(settings, &client(), &limits())
}

fn feeds() -> CalendarFeeds {
    CalendarFeeds::new(&FeedClient::new("Larder/0.1", FeedReach::Anywhere).unwrap(), &limits())
}

fn later(hours: i64) -> Asking {
    Asking::at(at(NOW) + SignedDuration::from_hours(hours), Duration::from_secs(5))
}

fn titles(answer: &Answer<EventsOfDay, EventRung>) -> Vec<&str> {
    answer.value.events.iter().map(|event| event.title.as_str()).collect()
}

#[tokio::test]
async fn all_sources_make_one_list() {
    let world = World::new().await;
    let answer = world.ask(&asking(NOW), true).await;
    assert_eq!((answer.source, answer.degraded, answer.cause.as_ref()), (EventRung::Providers, false, None));
    let mut told = titles(&answer);
    told.sort_unstable();
    assert_eq!(told, ["Book fair", "Harbor Derby", "Open air", "Tree lighting"]);
    let derby = answer.value.events.iter().find(|event| event.title == "Harbor Derby").unwrap();
    assert_eq!(derby.sources, [EventSource::PredictHq, EventSource::Ticketmaster, EventSource::Calendar]);
    assert_eq!(derby.attendance, Some(Attendance { people: 31_500.0, is_guess: false }));
    assert_eq!(derby.venue.as_deref(), Some("Harbor Stadium"));
    assert!((derby.distance_km.unwrap() - 0.55).abs() < 0.05, "{:?}", derby.distance_km);
    assert_eq!(answer.value.events[0].title, "Harbor Derby", "the nearest and largest first");
    assert!(answer.value.attendance.unwrap() > 31_500.0 * 0.7);
    assert_eq!((world.ticketmaster.seen().len(), world.predict_hq.seen().len()), (2, 3), "every page");
    let query = &world.ticketmaster.seen()[0].query;
    assert_eq!(
        (query["startDateTime"].as_str(), query["endDateTime"].as_str()),
        ("2026-11-28T08:00:00Z", "2026-11-29T08:00:00Z")
    );
    assert_eq!(world.predict_hq.seen()[0].query["within"], "5.0km@47.60000,-122.33000");
}

#[tokio::test]
async fn providers_then_their_last_word_then_calendars_then_an_empty_list() {
    for (fault, kind) in every_fault() {
        // A redirect is a refusal to the providers; a calendar may follow one.
        let for_calendar =
            if matches!(fault, Fault::Redirect(_)) { Fault::Status(500) } else { fault.clone() };
        let world = World::new().await;
        let fresh = world.ask(&asking(NOW), true).await;
        world.ticketmaster.fail(fault.clone());
        world.predict_hq.fail(fault.clone());
        let kept = world.ask(&later(24), true).await;
        assert_eq!((kept.source, kept.degraded), (EventRung::LastGood, true), "{fault:?}");
        assert_eq!((titles(&kept), kept.age), (titles(&fresh), Duration::from_secs(24 * 3_600)), "{fault:?}");
        assert_eq!(kept.cause.as_ref().map(ConnectorError::kind), Some(kind), "{fault:?}");

        let calendars = world.ask(&later(24 * 8), true).await;
        assert_eq!((calendars.source, calendars.degraded), (EventRung::Calendars, true), "{fault:?}");
        let mut told = titles(&calendars);
        told.sort_unstable();
        assert_eq!(told, ["Harbor Derby", "Tree lighting"], "{fault:?}");

        world.calendar.fail(for_calendar);
        let empty = world.ask(&later(24 * 16), true).await;
        assert_eq!(
            (empty.source, empty.degraded, titles(&empty).len()),
            (EventRung::Empty, true, 0),
            "{fault:?}"
        );
        assert_eq!(empty.value.attendance, None, "nobody could tell, which is not the same as nobody comes");
        let confidences = [fresh.confidence, kept.confidence, calendars.confidence, empty.confidence];
        assert!(confidences.windows(2).all(|pair| pair[0] > pair[1]), "{confidences:?}");
        assert!(world.ladder.status().is_degraded());
        assert_eq!(world.ladder.status().sources.len(), 3);
    }
}

#[tokio::test]
async fn one_provider_of_two_is_less_than_was_asked_for() {
    let world = World::new().await;
    world.ticketmaster.fail(Fault::Status(500));
    let answer = world.ask(&asking(NOW), false).await;
    assert_eq!((answer.source, answer.degraded), (EventRung::LastGood, true));
    assert_eq!(titles(&answer).len(), 2);
    world.ticketmaster.heal();
    let healed = world.ask(&later(7), false).await;
    assert_eq!((healed.source, healed.degraded), (EventRung::Providers, false));
}

#[tokio::test]
async fn a_vendors_own_entry_needs_nobody() {
    let mut world = World::new().await;
    world.ticketmaster.fail(Fault::Status(500));
    world.predict_hq.fail(Fault::Html);
    world.manual = vec![LocalEvent {
        id: "manual:1".to_owned(),
        sources: vec![EventSource::Manual],
        title: "Street fair".to_owned(),
        category: None,
        starts_at: at("2026-11-28T18:00:00Z"),
        ends_at: None,
        venue: None,
        place: None,
        distance_km: None,
        attendance: Some(Attendance { people: 800.0, is_guess: false }),
    }];
    let answer = world.ask(&asking(NOW), false).await;
    assert_eq!((answer.source, answer.degraded), (EventRung::Calendars, true));
    assert_eq!(answer.value.attendance, Some(800.0));
}

#[tokio::test]
async fn nothing_configured_is_an_empty_list_and_no_failure() {
    let world = World::new().await;
    let ladder = EventsLadder::new(None, None, feeds());
    let place = Place::new(47.6, -122.33).unwrap();
    let question = EventQuestion {
        place,
        radius_km: 5.0,
        date: date(2026, 11, 28),
        zone: &world.zone,
        calendars: &[],
        manual: &[],
    };
    let answer = ladder.events(&question, &asking(NOW)).await;
    assert_eq!(
        (answer.source, answer.degraded, answer.value),
        (EventRung::Empty, false, EventsOfDay::default())
    );
}

#[tokio::test]
async fn a_wrong_key_is_told_and_not_tried_again() {
    let tickets = ticketmaster(tickets(), 200).await;
    let settings = TicketmasterSettings { base_url: base(tickets.url()), api_key: "wrong".into() };
    let ladder = EventsLadder::new(Some(Ticketmaster::new(settings, &client(), &limits())), None, feeds());
    let zone = TimeZone::UTC;
    let place = Place::new(47.6, -122.33).unwrap();
    let question = EventQuestion {
        place,
        radius_km: 5.0,
        date: date(2026, 11, 28),
        zone: &zone,
        calendars: &[],
        manual: &[],
    };
    let answer = ladder.events(&question, &asking(NOW)).await;
    let cause = ConnectorError::Unauthorised { status: 401, reason: "Invalid ApiKey".to_owned() };
    assert_eq!((answer.source, answer.cause), (EventRung::Empty, Some(cause)));
    assert_eq!(tickets.seen().len(), 1);
}

#[tokio::test]
async fn a_fresh_answer_is_not_asked_for_again() {
    let world = World::new().await;
    world.ask(&asking(NOW), true).await;
    let counts =
        || (world.ticketmaster.seen().len(), world.predict_hq.seen().len(), world.calendar.seen().len());
    let before = counts();
    let again = world.ask(&later(6), true).await;
    assert_eq!(
        (again.source, again.degraded, again.age),
        (EventRung::Providers, false, Duration::from_secs(6 * 3_600))
    );
    assert_eq!(counts(), before);
}

#[tokio::test]
async fn a_calendar_may_move_and_a_private_address_is_never_asked() {
    let world = World::new().await;
    let target = calendar(CALENDAR.to_owned()).await;
    world.calendar.fail(Fault::Redirect(format!("{}/market.ics", target.url())));
    world.ticketmaster.fail(Fault::Status(500));
    world.predict_hq.fail(Fault::Status(500));
    let moved = world.ask(&asking(NOW), true).await;
    assert_eq!((moved.source, titles(&moved).len()), (EventRung::Calendars, 2));

    let guarded = FeedClient::new("Larder/0.1", FeedReach::PublicInternet).unwrap();
    let ladder = EventsLadder::new(None, None, CalendarFeeds::new(&guarded, &limits()));
    let inside = [format!("{}/market.ics", target.url()), target.url().replace("http:", "https:")];
    let question = EventQuestion {
        place: Place::new(47.6, -122.33).unwrap(),
        radius_km: 5.0,
        date: date(2026, 11, 28),
        zone: &world.zone,
        calendars: &inside,
        manual: &[],
    };
    let before = target.seen().len();
    let answer = ladder.events(&question, &asking(NOW)).await;
    assert_eq!(answer.cause.as_ref().map(ConnectorError::kind), Some("refused"));
    assert_eq!((answer.source, target.seen().len()), (EventRung::Empty, before));
}
