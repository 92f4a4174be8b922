//! Shifts from and for calendars (iCalendar, RFC 5545). The crate calcard reads, repeats and writes them; here is what
//! a local time means, which it leaves to the reader, and what of an event is a shift.

mod export;
mod local;

use std::collections::BTreeMap;

use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty, ICalendarStatus,
};
use calcard::{Entry, Parser};
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use export::export;
pub(crate) use local::occurrences;

/// Times one event may repeat within what is asked for.
pub(crate) const REPETITIONS_MAX: usize = 20_000;

/// A shift that a calendar tells.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CalendarShift {
    /// The event's id; all times it repeats share it.
    pub uid: String,
    /// The event's title, which most calendars use for who it is.
    pub summary: String,
    /// Mail addresses of the people invited, in small letters.
    pub attendees: Vec<String>,
    /// From when.
    pub starts_at: Timestamp,
    /// Until before when.
    pub ends_at: Timestamp,
}

/// Why a calendar cannot be used. A calendar that is understood in part only would leave holes nobody sees.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarProblem {
    /// It is no calendar, or ends half-way.
    #[error("this is no whole calendar; accepted: a text from BEGIN:VCALENDAR to END:VCALENDAR")]
    NotACalendar,
    /// A time zone nobody knows.
    #[error("the event {uid:?} is in the time zone {zone:?}, which is not known; accepted: IANA names")]
    UnknownZone {
        /// The event.
        uid: String,
        /// What it names.
        zone: String,
    },
    /// An event that cannot be worked out.
    #[error("the event {uid:?} is not understood: {reason}")]
    NotUnderstood {
        /// The event.
        uid: String,
        /// What is wrong.
        reason: String,
    },
    /// An event that repeats too often.
    #[error("the event {uid:?} repeats more than {REPETITIONS_MAX} times")]
    TooManyRepetitions {
        /// The event.
        uid: String,
    },
}

/// The shifts of a calendar that touch a stretch of time, in their order. Times that float are meant in `zone`; an
/// event without an end has no length and is no shift; cancelled events and repetitions are left out.
///
/// # Errors
/// [`CalendarProblem`] when any event cannot be worked out.
pub fn import(
    text: &str,
    zone: &TimeZone,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<CalendarShift>, CalendarProblem> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let is =
        |line: Option<&str>, wanted: &str| line.is_some_and(|line| line.trim().eq_ignore_ascii_case(wanted));
    if !is(text.lines().next(), "BEGIN:VCALENDAR") || !is(text.lines().next_back(), "END:VCALENDAR") {
        return Err(CalendarProblem::NotACalendar);
    }
    let mut shifts = Vec::new();
    for (uid, events) in events_by_uid(text) {
        for (found, starts_at, ends_at) in occurrences(&uid, events.clone(), zone, from, until)? {
            let Some(event) = events.get(found) else { continue };
            if starts_at < until && from < ends_at && starts_at < ends_at && !is_cancelled(event) {
                shifts.push(shift(event, &uid, starts_at, ends_at));
            }
        }
    }
    shifts.sort_by(|one: &CalendarShift, other| {
        (one.starts_at, one.ends_at, &one.uid).cmp(&(other.starts_at, other.ends_at, &other.uid))
    });
    Ok(shifts)
}

/// Events with their exceptions, which belong together by their UID alone.
fn events_by_uid(text: &str) -> BTreeMap<String, Vec<ICalendarComponent>> {
    let mut events: BTreeMap<String, Vec<ICalendarComponent>> = BTreeMap::new();
    let mut parser = Parser::new(text);
    loop {
        match parser.entry() {
            Entry::ICalendar(ICalendar { components }) => {
                for (at, component) in components.into_iter().enumerate() {
                    if component.component_type == ICalendarComponentType::VEvent {
                        let uid = component.uid().map_or_else(|| format!("event {at}"), str::to_owned);
                        events.entry(uid).or_default().push(component);
                    }
                }
            }
            Entry::Eof => return events,
            _ => {}
        }
    }
}

fn is_cancelled(event: &ICalendarComponent) -> bool {
    event.status() == Some(&ICalendarStatus::Cancelled)
}

fn shift(event: &ICalendarComponent, uid: &str, starts_at: Timestamp, ends_at: Timestamp) -> CalendarShift {
    let text = |property: ICalendarProperty| {
        event.property(&property).and_then(|entry| entry.values.first()?.as_text()).unwrap_or_default()
    };
    let attendees =
        event.properties(&ICalendarProperty::Attendee).filter_map(|entry| entry.values.first()?.as_text());
    let address = |attendee: &str| {
        let lower = attendee.to_lowercase();
        lower.strip_prefix("mailto:").map_or(lower.clone(), str::to_owned)
    };
    CalendarShift {
        uid: uid.to_owned(),
        summary: text(ICalendarProperty::Summary).trim().to_owned(),
        attendees: attendees.map(address).collect(),
        starts_at,
        ends_at,
    }
}

#[cfg(test)]
mod tests;
