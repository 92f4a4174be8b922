//! Calendars as other programs write them, and our own read back.

use super::*;
use crate::schedule::{OnCall, OnCallBy, Shift};

fn shifts(events: &str, from: &str, until: &str) -> Result<Vec<String>, CalendarProblem> {
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}\r\nEND:VCALENDAR\r\n",
        events.trim().replace('\n', "\r\n")
    );
    let zone = TimeZone::get("Europe/Paris").expect("a zone");
    let found = import(&text, &zone, from.parse().expect("an instant"), until.parse().expect("an instant"))?;
    Ok(found.iter().map(|shift| format!("{}/{} {}", shift.starts_at, shift.ends_at, shift.summary)).collect())
}

#[test]
fn a_zone_that_is_told_and_one_that_floats_are_kept_apart() {
    let events = "
BEGIN:VEVENT
UID:told
SUMMARY:Ana
DTSTART;TZID=America/Chicago:20261120T090000
DTEND;TZID=America/Chicago:20261120T170000
END:VEVENT
BEGIN:VEVENT
UID:floating
SUMMARY:Ben
DTSTART:20261120T090000
DURATION:PT8H
END:VEVENT
BEGIN:VEVENT
UID:utc
SUMMARY:Eve
DTSTART:20261120T090000Z
DTEND:20261120T100000Z
END:VEVENT
BEGIN:VEVENT
UID:day
SUMMARY:Zoe
DTSTART;VALUE=DATE:20261121
DTEND;VALUE=DATE:20261122
END:VEVENT
BEGIN:VEVENT
UID:gone
SUMMARY:Nobody
STATUS:CANCELLED
DTSTART:20261120T090000Z
DTEND:20261120T100000Z
END:VEVENT";
    assert_eq!(
        shifts(events, "2026-11-19T00:00:00Z", "2026-11-23T00:00:00Z").expect("a calendar"),
        [
            "2026-11-20T08:00:00Z/2026-11-20T16:00:00Z Ben",
            "2026-11-20T09:00:00Z/2026-11-20T10:00:00Z Eve",
            "2026-11-20T15:00:00Z/2026-11-20T23:00:00Z Ana",
            "2026-11-20T23:00:00Z/2026-11-21T23:00:00Z Zoe",
        ]
    );
}

#[test]
fn repetitions_keep_their_local_hour_over_a_change_of_the_clock() {
    let events = "
BEGIN:VEVENT
UID:night
SUMMARY:Ana
DTSTART;TZID=Europe/Paris:20261023T023000
DTEND;TZID=Europe/Paris:20261023T090000
RRULE:FREQ=DAILY;UNTIL=20261027T013000Z
EXDATE;TZID=Europe/Paris:20261024T023000
EXDATE:20261026T013000Z
END:VEVENT
BEGIN:VEVENT
UID:night
SUMMARY:Ben instead
RECURRENCE-ID;TZID=Europe/Paris:20261023T023000
DTSTART;TZID=Europe/Paris:20261023T040000
DTEND;TZID=Europe/Paris:20261023T090000
END:VEVENT";
    assert_eq!(
        shifts(events, "2026-10-20T00:00:00Z", "2026-12-01T00:00:00Z").expect("a calendar"),
        [
            "2026-10-23T02:00:00Z/2026-10-23T07:00:00Z Ben instead",
            "2026-10-25T00:30:00Z/2026-10-25T08:00:00Z Ana",
            "2026-10-27T01:30:00Z/2026-10-27T08:00:00Z Ana",
        ],
        "the fold's first half past two; the exception in UTC is one of the zone"
    );
}

#[test]
fn a_rule_without_an_end_is_worked_out_as_far_as_asked() {
    let events = "
BEGIN:VEVENT
UID:weekly
SUMMARY:Ana
DTSTART;TZID=Europe/Paris:20200106T090000
DTEND;TZID=Europe/Paris:20200113T090000
RRULE:FREQ=WEEKLY;INTERVAL=2
END:VEVENT";
    assert_eq!(
        shifts(events, "2026-03-23T00:00:00Z", "2026-04-10T00:00:00Z").expect("a calendar"),
        ["2026-03-23T08:00:00Z/2026-03-30T07:00:00Z Ana", "2026-04-06T07:00:00Z/2026-04-13T07:00:00Z Ana"],
        "a shift over the change is an hour shorter"
    );
}

#[test]
fn what_is_not_understood_is_said_and_leaves_no_hole() {
    let event = |start: &str, more: &str| {
        format!("BEGIN:VEVENT\nUID:x\nSUMMARY:Ana\n{start}\nDURATION:PT1H\n{more}\nEND:VEVENT")
    };
    let ask = |events: &str| shifts(events, "2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z");
    let unknown = ask(&event("DTSTART;TZID=Mars/Olympus:20261120T090000", "CLASS:PUBLIC"));
    assert!(matches!(unknown, Err(CalendarProblem::UnknownZone { .. })), "{unknown:?}");
    let secondly = ask(&event("DTSTART:20261120T090000Z", "RRULE:FREQ=SECONDLY"));
    assert!(matches!(secondly, Err(CalendarProblem::TooManyRepetitions { .. })), "{secondly:?}");
    let windows = ask(&event("DTSTART;TZID=W. Europe Standard Time:20261120T090000", "CLASS:PUBLIC"));
    assert_eq!(
        windows.expect("a zone by its Windows name"),
        ["2026-11-20T08:00:00Z/2026-11-20T09:00:00Z Ana"]
    );
    let zone = TimeZone::UTC;
    for text in ["", "<html></html>", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"] {
        let result = import(text, &zone, Timestamp::UNIX_EPOCH, Timestamp::MAX);
        assert_eq!(result, Err(CalendarProblem::NotACalendar));
    }
}

#[test]
fn what_is_written_is_read_back() {
    let instant = |text: &str| text.parse::<Timestamp>().expect("an instant");
    let on_call = Some(OnCall { contact: "ana".into(), by: OnCallBy::Layer("first".into()) });
    let shift = |from: &str, until: &str, on_call| Shift {
        starts_at: instant(from),
        ends_at: instant(until),
        on_call,
    };
    let told = [
        shift("2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z", on_call),
        shift("2026-10-25T08:00:00Z", "2026-10-25T09:00:00Z", None),
    ];
    let name = "Ana, \"the\" Luz; ".repeat(6);
    let names = BTreeMap::from([("ana".to_owned(), name.clone())]);
    let text = export("shop", &told, &names, instant("2026-10-01T00:00:00Z"));
    assert!(text.lines().all(|line| line.len() <= 76), "folded: {text}");
    let zone = TimeZone::get("Pacific/Apia").expect("a zone");
    let read = import(&text, &zone, instant("2026-10-01T00:00:00Z"), instant("2026-11-01T00:00:00Z"));
    let read = read.expect("our own calendar");
    assert_eq!(read.len(), 1, "a gap is no event");
    assert_eq!((read[0].starts_at, read[0].ends_at), (told[0].starts_at, told[0].ends_at));
    assert_eq!(read[0].summary, format!("{name} is on call (shop)"));
}
