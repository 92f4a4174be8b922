//! Reading an iCalendar (RFC 5545): the events of one day, repetitions and their exceptions worked out. The parsing
//! and the rules are the crate calcard's; here is what counts as an event of the day, and when to stop.

use std::collections::BTreeMap;
use std::str::FromStr;

use calcard::Entry;
use calcard::Parser;
use calcard::common::timezone::Tz;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty, ICalendarStatus, ICalendarValue,
};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::attendance::guess;
use super::{EventSource, LocalEvent};
use crate::{ConnectorError, Place};

/// Repetitions of one event that are worked out: daily for more than fifty years.
const REPETITIONS_MAX: usize = 20_000;
/// Repetitions of a whole calendar.
const ALL_REPETITIONS_MAX: usize = 400_000;

/// The events of a calendar that take place on a day in a time zone, cancelled ones left out. `name` tells calendars
/// apart in the events' ids.
///
/// # Errors
/// [`ConnectorError::NotUnderstood`] when the text is no calendar, ends half-way, or repeats without end.
pub fn events_of_day(
    text: &str,
    name: &str,
    date: Date,
    zone: &TimeZone,
) -> Result<Vec<LocalEvent>, ConnectorError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let has = |line: &str, at: Option<&str>| at.is_some_and(|at| at.trim().eq_ignore_ascii_case(line));
    if !has("BEGIN:VCALENDAR", text.lines().next()) {
        return Err(ConnectorError::not_understood("no calendar where one was expected"));
    }
    if !has("END:VCALENDAR", text.lines().next_back()) {
        return Err(ConnectorError::not_understood("a calendar that ends half-way"));
    }
    let (from, to) =
        bounds(date, zone).ok_or_else(|| ConnectorError::not_understood("a day that does not exist"))?;
    let zone_name = zone.iana_name().and_then(|name| Tz::from_str(name).ok()).unwrap_or(Tz::Floating);
    let mut events = Vec::new();
    let mut repetitions = 0;
    for group in groups(text) {
        let expanded = group.expand_dates(zone_name, REPETITIONS_MAX);
        repetitions += expanded.events.len();
        if repetitions > ALL_REPETITIONS_MAX {
            return Err(ConnectorError::not_understood("a calendar that repeats without end"));
        }
        for found in &expanded.events {
            let (start, end) = found.timestamps();
            let component = group.components.get(found.comp_id as usize);
            let event = component.and_then(|component| read(component, name, start, end));
            events.extend(event.filter(|event| event.is_on(from, to)));
        }
    }
    events.sort_by(|one: &LocalEvent, other| (one.starts_at, &one.id).cmp(&(other.starts_at, &other.id)));
    events.dedup_by(|one, other| one.id == other.id);
    Ok(events)
}

fn bounds(date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let start = |date: Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp());
    Some((start(date)?, start(date.tomorrow().ok()?)?))
}

/// One small calendar for each event with its exceptions, which belong together by their UID alone.
fn groups(text: &str) -> Vec<ICalendar> {
    let mut zones = Vec::new();
    let mut by_uid: BTreeMap<String, Vec<ICalendarComponent>> = BTreeMap::new();
    let mut parser = Parser::new(text);
    loop {
        match parser.entry() {
            Entry::ICalendar(calendar) => {
                for (at, component) in calendar.components.into_iter().enumerate() {
                    match component.component_type {
                        ICalendarComponentType::VTimezone => zones.push(component),
                        ICalendarComponentType::VEvent => {
                            let uid =
                                component.uid().map_or_else(|| format!("without-uid-{at}"), str::to_owned);
                            by_uid.entry(uid).or_default().push(component);
                        }
                        _ => {}
                    }
                }
            }
            Entry::Eof => break,
            _ => {}
        }
    }
    let with_zones = |events: Vec<ICalendarComponent>| {
        let components =
            zones.iter().cloned().chain(events.into_iter().filter(|event| !repeats_by_the_hour(event)));
        ICalendar { components: components.collect() }
    };
    by_uid.into_values().map(with_zones).collect()
}

/// Nothing that draws people happens every second.
fn repeats_by_the_hour(event: &ICalendarComponent) -> bool {
    use calcard::icalendar::ICalendarFrequency::{Hourly, Minutely, Secondly};
    event.properties(&ICalendarProperty::Rrule).any(|entry| {
        entry.values.iter().any(|value| {
            matches!(value, ICalendarValue::RecurrenceRule(rule) if matches!(rule.freq, Hourly | Minutely | Secondly))
        })
    })
}

fn read(component: &ICalendarComponent, name: &str, start: i64, end: i64) -> Option<LocalEvent> {
    if component.component_type != ICalendarComponentType::VEvent
        || component.status() == Some(&ICalendarStatus::Cancelled)
    {
        return None;
    }
    let text = |property: ICalendarProperty| {
        let value = component.property(&property)?.values.first()?.as_text()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let title = text(ICalendarProperty::Summary)?;
    let (category, venue) = (text(ICalendarProperty::Categories), text(ICalendarProperty::Location));
    Some(LocalEvent {
        id: format!("calendar:{name}:{}:{start}", component.uid().unwrap_or(&title)),
        sources: vec![EventSource::Calendar],
        attendance: guess(category.as_deref().or(Some(&title)), venue.as_deref()),
        title,
        category,
        starts_at: Timestamp::from_second(start).ok()?,
        ends_at: Timestamp::from_second(end).ok().filter(|_| end > start && has_end(component)),
        venue,
        place: place(component),
        distance_km: None,
    })
}

/// A time without an end or a duration ends when it begins (RFC 5545, 3.6.1); a date without one lasts its day.
fn has_end(component: &ICalendarComponent) -> bool {
    let has = |property: ICalendarProperty| component.property(&property).is_some();
    let start = component.property(&ICalendarProperty::Dtstart).and_then(|entry| entry.values.first());
    let is_date = matches!(start, Some(ICalendarValue::PartialDateTime(start)) if !start.has_time());
    is_date || has(ICalendarProperty::Dtend) || has(ICalendarProperty::Duration)
}

/// `GEO:47.6;-122.3`.
fn place(component: &ICalendarComponent) -> Option<Place> {
    let values = &component.property(&ICalendarProperty::Geo)?.values;
    let degrees: Vec<f64> = values.iter().filter_map(ICalendarValue::as_float).collect();
    Place::new(*degrees.first()?, *degrees.get(1)?).ok()
}

#[cfg(test)]
mod tests;
