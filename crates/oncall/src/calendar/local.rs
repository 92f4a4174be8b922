//! Working out when an event takes place. Every time of the event is first made a local time of its own zone, the
//! repetitions are counted there, and only then is each made an instant, by the one rule of `local_time`. So an event
//! at half past two is at half past two all year, and on the days the clock changes it is where schedules put it.

use std::str::FromStr;

use calcard::common::PartialDateTime;
use calcard::common::timezone::Tz;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarEntry, ICalendarParameterName, ICalendarProperty, ICalendarValue,
};
use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use jiff::tz::{Offset, TimeZone};

use super::{CalendarProblem, REPETITIONS_MAX};
use crate::local_time::first_instant;

/// When the events of one UID take place: the number of the event and its instants. What ends before `from` may be
/// there; what begins after `until` is not.
pub(crate) fn occurrences(
    uid: &str,
    mut events: Vec<ICalendarComponent>,
    zone: &TimeZone,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<(usize, Timestamp, Timestamp)>, CalendarProblem> {
    let zone = match events.first() {
        Some(event) => zone_of(uid, event, zone)?,
        None => return Ok(Vec::new()),
    };
    let last_local = local(until, &zone);
    for event in &mut events {
        for entry in &mut event.entries {
            make_local(uid, entry, &zone)?;
            end_repetitions(entry, last_local);
        }
    }
    let expanded = ICalendar { components: events }.expand_dates(Tz::Floating, REPETITIONS_MAX);
    if let Some(problem) = expanded.errors.first() {
        let (uid, reason) = (uid.to_owned(), problem.error.to_string());
        return Err(CalendarProblem::NotUnderstood { uid, reason });
    }
    if expanded.events.len() >= REPETITIONS_MAX {
        return Err(CalendarProblem::TooManyRepetitions { uid: uid.to_owned() });
    }
    let instant = |seconds: i64| {
        let local = Timestamp::from_second(seconds).map(|at| Offset::UTC.to_datetime(at));
        local.map_or(Timestamp::MAX, |local| first_instant(&zone, local))
    };
    let found = expanded.events.iter().map(|event| {
        let (start, end) = event.timestamps();
        (event.comp_id as usize, instant(start), instant(end))
    });
    Ok(found.filter(|&(_, starts_at, ends_at)| starts_at <= until && from <= ends_at).collect())
}

/// The zone an event's start is told in; the zone of the calendar's reader when it floats.
fn zone_of(uid: &str, event: &ICalendarComponent, reader: &TimeZone) -> Result<TimeZone, CalendarProblem> {
    let start = event.property(&ICalendarProperty::Dtstart);
    let told = start.and_then(|entry| entry.tz_id());
    let is_utc = start
        .and_then(|entry| entry.values.first()?.as_partial_date_time())
        .is_some_and(PartialDateTime::has_zone);
    match told {
        Some(name) => named_zone(uid, name),
        None if is_utc => Ok(TimeZone::UTC),
        None => Ok(reader.clone()),
    }
}

/// An IANA name, alone or at the end of a registry's path, or the name Windows has for a zone.
fn named_zone(uid: &str, name: &str) -> Result<TimeZone, CalendarProblem> {
    let other_name = || Tz::from_str(name).ok()?.name().map(|name| name.into_owned());
    TimeZone::get(name)
        .ok()
        .or_else(|| TimeZone::get(&other_name()?).ok())
        .ok_or_else(|| CalendarProblem::UnknownZone { uid: uid.to_owned(), zone: name.to_owned() })
}

/// Makes the times of a property local ones of the event's zone.
fn make_local(uid: &str, entry: &mut ICalendarEntry, zone: &TimeZone) -> Result<(), CalendarProblem> {
    let told = entry.tz_id().map(|name| named_zone(uid, name)).transpose()?;
    entry.params.retain(|parameter| parameter.name != ICalendarParameterName::Tzid);
    for value in &mut entry.values {
        let time = match value {
            ICalendarValue::PartialDateTime(time) => time.as_mut(),
            ICalendarValue::RecurrenceRule(rule) => match rule.until.as_mut() {
                Some(until) => until,
                None => continue,
            },
            _ => continue,
        };
        let instant = match (time.has_time().then(|| civil(time)).flatten(), time.has_zone(), &told) {
            (Some(local), true, _) => offset(time).to_timestamp(local).ok(),
            (Some(local), false, Some(told)) => Some(first_instant(told, local)),
            _ => None,
        };
        if let Some(instant) = instant {
            *time = floating(local(instant, zone));
        }
    }
    Ok(())
}

/// No repetition behind the last local time that is asked for is worked out.
fn end_repetitions(entry: &mut ICalendarEntry, last: DateTime) {
    for value in &mut entry.values {
        if let ICalendarValue::RecurrenceRule(rule) = value {
            let ends_before = rule.until.as_ref().and_then(civil).is_some_and(|until| until < last);
            if !ends_before {
                rule.until = Some(floating(last));
            }
        }
    }
}

fn local(at: Timestamp, zone: &TimeZone) -> DateTime {
    zone.to_datetime(at)
}

fn offset(time: &PartialDateTime) -> Offset {
    let hours = time.tz_hour.map_or(0, i32::from);
    let minutes = time.tz_minute.map_or(0, i32::from);
    let seconds = (hours * 60 + minutes) * 60 * if time.tz_minus { -1 } else { 1 };
    Offset::from_seconds(seconds).unwrap_or(Offset::UTC)
}

fn civil(time: &PartialDateTime) -> Option<DateTime> {
    let part = |value: Option<u8>| i8::try_from(value.unwrap_or(0)).ok();
    let (year, month, day) = (i16::try_from(time.year?).ok()?, part(time.month)?, part(time.day)?);
    let (hour, minute, second) = (part(time.hour)?, part(time.minute)?, part(time.second)?);
    DateTime::new(year, month, day, hour, minute, second.min(59), 0).ok()
}

fn floating(local: DateTime) -> PartialDateTime {
    let local = local.max(date(1, 1, 1).at(0, 0, 0, 0));
    let part = |value: i8| u8::try_from(value).ok();
    PartialDateTime {
        year: u16::try_from(local.year()).ok(),
        month: part(local.month()),
        day: part(local.day()),
        hour: part(local.hour()),
        minute: part(local.minute()),
        second: part(local.second()),
        ..PartialDateTime::default()
    }
}
