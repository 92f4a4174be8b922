//! Calendars as markets publish them: repetitions, exceptions, whole days, daylight saving, and what is broken.

use super::*;
use jiff::civil::date;
use proptest::prelude::*;

fn seattle() -> TimeZone {
    TimeZone::get("America/Los_Angeles").unwrap()
}

fn calendar(events: &str) -> String {
    let zone = "BEGIN:VTIMEZONE\r\nTZID:America/Los_Angeles\r\nEND:VTIMEZONE\r\n";
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{zone}{events}END:VCALENDAR\r\n")
}

fn event(uid: &str, lines: &str) -> String {
    format!("BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n{lines}END:VEVENT\r\n")
}

fn on(text: &str, day: Date) -> Vec<(String, String)> {
    let events = events_of_day(text, "market", day, &seattle()).unwrap();
    events.into_iter().map(|event| (event.title, event.starts_at.to_string())).collect()
}

fn titles(text: &str, day: Date) -> Vec<String> {
    on(text, day).into_iter().map(|(title, _)| title).collect()
}

const WEEKLY: &str = "SUMMARY:Saturday market\r\nDTSTART;TZID=America/Los_Angeles:20260905T090000\r\nDTEND;TZID=America/Los_Angeles:20260905T150000\r\nRRULE:FREQ=WEEKLY;BYDAY=SA;UNTIL=20261220T000000Z\r\n";

#[test]
fn a_weekly_market_is_on_each_saturday_at_the_same_time_on_the_wall() {
    let text = calendar(&event("w", WEEKLY));
    let told = |day| on(&text, day);
    assert_eq!(told(date(2026, 10, 31)), [("Saturday market".to_owned(), "2026-10-31T16:00:00Z".to_owned())]);
    // Clocks went back on 1 November.
    assert_eq!(told(date(2026, 11, 7)), [("Saturday market".to_owned(), "2026-11-07T17:00:00Z".to_owned())]);
    assert_eq!(told(date(2026, 11, 8)), []);
    assert_eq!(told(date(2026, 12, 26)), [], "after the rule's end");
    assert_eq!(told(date(2026, 8, 29)), [], "before its beginning");
}

#[test]
fn exceptions_are_left_out_moved_and_cancelled() {
    let mut lines = WEEKLY.to_owned();
    lines.push_str("EXDATE;TZID=America/Los_Angeles:20261114T090000\r\n");
    let moved = "SUMMARY:Saturday market, moved\r\nRECURRENCE-ID;TZID=America/Los_Angeles:20261121T090000\r\nDTSTART;TZID=America/Los_Angeles:20261122T100000\r\nDTEND;TZID=America/Los_Angeles:20261122T150000\r\n";
    let cancelled = "SUMMARY:Saturday market\r\nSTATUS:CANCELLED\r\nRECURRENCE-ID;TZID=America/Los_Angeles:20261128T090000\r\nDTSTART;TZID=America/Los_Angeles:20261128T090000\r\n";
    // Another event with an exception at the same instant must not be mixed up with it.
    let other = WEEKLY.replace("Saturday market", "Book fair");
    let text = calendar(
        &[event("w", &lines), event("w", moved), event("w", cancelled), event("b", &other)].concat(),
    );
    assert_eq!(titles(&text, date(2026, 11, 14)), ["Book fair"]);
    assert_eq!(titles(&text, date(2026, 11, 21)), ["Book fair"]);
    assert_eq!(titles(&text, date(2026, 11, 22)), ["Saturday market, moved"]);
    assert_eq!(titles(&text, date(2026, 11, 28)), ["Book fair"]);
}

#[test]
fn whole_days_long_festivals_and_times_without_a_zone_belong_to_the_market() {
    let text = calendar(
        &[
            event("d", "SUMMARY:Thanksgiving parade\r\nDTSTART;VALUE=DATE:20261126\r\n"),
            event(
                "f",
                "SUMMARY:Winter festival\r\nDTSTART;VALUE=DATE:20261127\r\nDTEND;VALUE=DATE:20261130\r\n",
            ),
            event("n", "SUMMARY:Night run\r\nDTSTART:20261128T233000\r\nDTEND:20261129T003000\r\n"),
            event("u", "SUMMARY:Evening in UTC\r\nDTSTART:20261129T050000Z\r\n"),
        ]
        .concat(),
    );
    assert_eq!(titles(&text, date(2026, 11, 26)), ["Thanksgiving parade"]);
    assert_eq!(titles(&text, date(2026, 11, 27)), ["Winter festival"]);
    assert_eq!(titles(&text, date(2026, 11, 28)), ["Winter festival", "Evening in UTC", "Night run"]);
    assert_eq!(titles(&text, date(2026, 11, 29)), ["Winter festival", "Night run"]);
    assert_eq!(titles(&text, date(2026, 11, 30)), Vec::<String>::new(), "the end is not included");
}

#[test]
fn place_venue_and_a_guess_of_the_size_are_read() {
    let lines = "SUMMARY:Derby\\, second leg\r\nDTSTART:20261128T200000Z\r\nLOCATION:Harbour Stadium\r\nGEO:47.5952;-122.3316\r\nCATEGORIES:Sports\r\n";
    let found =
        events_of_day(&calendar(&event("g", lines)), "market", date(2026, 11, 28), &seattle()).unwrap();
    let event = &found[0];
    assert_eq!(
        (event.title.as_str(), event.venue.as_deref()),
        ("Derby, second leg", Some("Harbour Stadium"))
    );
    assert_eq!(event.place, Some(Place::new(47.5952, -122.3316).unwrap()));
    assert_eq!(
        event.attendance.map(|attendance| (attendance.people, attendance.is_guess)),
        Some((25_000.0, true))
    );
    assert!(event.id.starts_with("calendar:market:g:"));
}

#[test]
fn what_is_no_calendar_is_refused() {
    let whole = calendar(&event("w", WEEKLY));
    let told = |text: &str| match events_of_day(text, "market", date(2026, 11, 28), &seattle()) {
        Err(ConnectorError::NotUnderstood { reason }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(told("<html>Sign in</html>"), "no calendar where one was expected");
    assert_eq!(told(""), "no calendar where one was expected");
    assert_eq!(told(&whole[..whole.len() / 2]), "a calendar that ends half-way");
}

#[test]
fn broken_events_spoil_no_others() {
    let text = calendar(&[
        event("1", "SUMMARY:No start\r\n"),
        event("2", "SUMMARY:Strange start\r\nDTSTART:yesterday\r\n"),
        event("3", "SUMMARY:Impossible\r\nDTSTART:20260101T000000Z\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\r\n"),
        event("4", "SUMMARY:Every second\r\nDTSTART:20260101T000000Z\r\nRRULE:FREQ=SECONDLY\r\n"),
        event("5", "SUMMARY:Since the war\r\nDTSTART:19450508T120000Z\r\nRRULE:FREQ=YEARLY\r\n"),
        event("6", "DTSTART:20261128T120000Z\r\n"),
        event("7", WEEKLY),
    ].concat());
    assert_eq!(titles(&text, date(2026, 11, 28)), ["Saturday market"]);
    assert_eq!(titles(&text, date(2026, 5, 8)), ["Since the war"]);
}

#[test]
fn a_calendar_that_repeats_without_end_is_refused() {
    let daily = "SUMMARY:Daily\r\nDTSTART:19000101T120000Z\r\nRRULE:FREQ=DAILY\r\n";
    let many: String = (0..25).map(|number| event(&number.to_string(), daily)).collect();
    let refused = events_of_day(&calendar(&many), "market", date(2026, 11, 28), &seattle());
    assert_eq!(refused, Err(ConnectorError::not_understood("a calendar that repeats without end")));
}

proptest! {
    #[test]
    fn no_calendar_makes_it_panic(lines in prop::collection::vec("[A-Z=;:0-9TZ,-]{0,40}", 0..12)) {
        let body = lines.join("\r\n") + "\r\n";
        let _ = events_of_day(&calendar(&event("x", &body)), "market", date(2026, 11, 28), &seattle());
    }
}
