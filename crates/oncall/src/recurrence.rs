//! Stretches of time that come again by a rule (RFC 5545's RRULE) in a time zone: every night, the first Sunday of
//! the month. They last by the local clock, so a window from two to six is that on every day of the year.

use calcard::icalendar::{ICalendarComponent, ICalendarComponentType, ICalendarProperty, ICalendarValue};
use calcard::{Entry, Parser};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::occurrences;

/// Parts of a rule that are understood. Rules by the hour or finer are refused: what comes that often is no window.
const PARTS: [&str; 12] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "BYDAY",
    "BYMONTHDAY",
    "BYMONTH",
    "BYSETPOS",
    "BYHOUR",
    "BYMINUTE",
    "WKST",
    "BYYEARDAY",
];
const FREQUENCIES: [&str; 4] = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"];

/// How far ahead the next time is looked for.
const LOOK_AHEAD: SignedDuration = SignedDuration::from_hours(24 * 366 * 2);

/// A stretch of time that comes again.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(into = "WireRecurrence", try_from = "WireRecurrence")]
pub struct Recurrence {
    starts_at: DateTime,
    zone: TimeZone,
    rule: String,
    minutes: u32,
    event: ICalendarComponent,
}

/// Why a recurrence is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecurrence {
    /// The rule has a part that is not understood.
    #[error("{part:?} in the rule is not understood; accepted: {accepted}")]
    Part {
        /// The part.
        part: String,
        /// What would be accepted.
        accepted: String,
    },
    /// The rule cannot be worked out.
    #[error("the rule {rule:?} cannot be worked out: {reason}")]
    Rule {
        /// The rule.
        rule: String,
        /// Why.
        reason: String,
    },
    /// No such zone.
    #[error("{0:?} is no time zone; accepted: an IANA name such as \"Europe/Paris\"")]
    Zone(String),
    /// No length, or one of more than 31 days.
    #[error("a length of {0} minutes is refused; accepted: 1 to 44640")]
    Length(u32),
}

impl Recurrence {
    /// A stretch of so many minutes that first begins at a local time of a zone and comes again by a rule such as
    /// `FREQ=WEEKLY;BYDAY=SU`.
    ///
    /// # Errors
    /// [`InvalidRecurrence`].
    pub fn new(starts_at: DateTime, zone: &str, rule: &str, minutes: u32) -> Result<Self, InvalidRecurrence> {
        let rule = rule.trim().trim_start_matches("RRULE:").to_ascii_uppercase();
        check(&rule)?;
        if !(1..=31 * 1440).contains(&minutes) {
            return Err(InvalidRecurrence::Length(minutes));
        }
        let zone = TimeZone::get(zone).map_err(|_| InvalidRecurrence::Zone(zone.to_owned()))?;
        let event = event(starts_at, &rule, minutes)?;
        let recurrence = Self { starts_at, zone, rule, minutes, event };
        let first =
            recurrence.starts_at.to_zoned(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |at| at.timestamp());
        recurrence.find(first, first)?;
        Ok(recurrence)
    }

    /// The stretches that touch a stretch of time, in their order.
    pub fn between(&self, from: Timestamp, until: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let mut found = self.find(from, until).unwrap_or_default();
        found.retain(|&(starts_at, ends_at)| starts_at < ends_at && from < ends_at);
        found
    }

    /// The stretch that an instant lies in.
    pub fn at(&self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        self.between(at, at).into_iter().find(|&(starts_at, ends_at)| starts_at <= at && at < ends_at)
    }

    /// The next stretch that begins after an instant, within two years.
    pub fn next_after(&self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let until = at.checked_add(LOOK_AHEAD).unwrap_or(Timestamp::MAX);
        self.between(at, until).into_iter().find(|&(starts_at, _)| starts_at > at)
    }

    fn find(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, Timestamp)>, InvalidRecurrence> {
        let refused = |reason: String| InvalidRecurrence::Rule { rule: self.rule.clone(), reason };
        let found = occurrences("rule", vec![self.event.clone()], &self.zone, from, until);
        let mut found: Vec<(Timestamp, Timestamp)> = found
            .map_err(|problem| refused(problem.to_string()))?
            .into_iter()
            .map(|(_, starts_at, ends_at)| (starts_at, ends_at))
            .collect();
        found.sort_unstable();
        Ok(found)
    }
}

fn check(rule: &str) -> Result<(), InvalidRecurrence> {
    let refuse = |part: &str, accepted: &[&str]| {
        let (part, accepted) = (part.to_owned(), accepted.join(", "));
        Err(InvalidRecurrence::Part { part, accepted })
    };
    let mut names = Vec::new();
    for part in rule.split(';') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b",+-".contains(&byte));
        if !PARTS.contains(&name) || names.contains(&name) || value.is_empty() || !plain {
            return refuse(part, &PARTS);
        }
        if name == "FREQ" && !FREQUENCIES.contains(&value) {
            return refuse(part, &FREQUENCIES);
        }
        let counts = ["INTERVAL", "COUNT"].contains(&name);
        if counts && !value.parse().is_ok_and(|number: u16| number > 0) {
            return refuse(part, &["a whole number from 1 to 65535"]);
        }
        names.push(name);
    }
    if names.contains(&"FREQ") {
        Ok(())
    } else {
        refuse(rule, &["FREQ=DAILY, WEEKLY, MONTHLY or YEARLY and what belongs to it"])
    }
}

fn event(starts_at: DateTime, rule: &str, minutes: u32) -> Result<ICalendarComponent, InvalidRecurrence> {
    let start = starts_at.strftime("%Y%m%dT%H%M%S");
    let text = format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:rule\r\nDTSTART:{start}\r\nDURATION:PT{minutes}M\r\nRRULE:{rule}\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let not_read = || InvalidRecurrence::Rule { rule: rule.to_owned(), reason: "it is not read".to_owned() };
    let Entry::ICalendar(calendar) = Parser::new(&text).entry() else { return Err(not_read()) };
    let mut events = calendar.components.into_iter();
    let event = events.find(|component| component.component_type == ICalendarComponentType::VEvent);
    let has_rule = |event: &ICalendarComponent| {
        let rule = event.property(&ICalendarProperty::Rrule);
        rule.is_some_and(|rule| matches!(rule.values.first(), Some(ICalendarValue::RecurrenceRule(_))))
    };
    event.filter(has_rule).ok_or_else(not_read)
}

#[derive(serde::Serialize, serde::Deserialize)]
struct WireRecurrence {
    starts_at: DateTime,
    time_zone: String,
    rule: String,
    minutes: u32,
}

impl From<Recurrence> for WireRecurrence {
    fn from(recurrence: Recurrence) -> Self {
        let time_zone = recurrence.zone.iana_name().unwrap_or("UTC").to_owned();
        let (starts_at, rule, minutes) = (recurrence.starts_at, recurrence.rule, recurrence.minutes);
        Self { starts_at, time_zone, rule, minutes }
    }
}

impl TryFrom<WireRecurrence> for Recurrence {
    type Error = InvalidRecurrence;

    fn try_from(wire: WireRecurrence) -> Result<Self, InvalidRecurrence> {
        Self::new(wire.starts_at, &wire.time_zone, &wire.rule, wire.minutes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recurrence(rule: &str, starts_at: &str, minutes: u32) -> Result<Recurrence, InvalidRecurrence> {
        Recurrence::new(starts_at.parse().expect("a local time"), "Europe/Paris", rule, minutes)
    }

    fn instant(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_nightly_window_is_there_on_the_nights_the_clock_changes() {
        let nightly = recurrence("FREQ=DAILY", "2026-01-01T02:00:00", 240).expect("a rule");
        let at = |text: &str| nightly.at(instant(text)).map(|(from, until)| format!("{from}/{until}"));
        assert_eq!(at("2026-03-28T02:00:00Z").as_deref(), Some("2026-03-28T01:00:00Z/2026-03-28T05:00:00Z"));
        assert_eq!(at("2026-03-29T02:00:00Z").as_deref(), Some("2026-03-29T01:00:00Z/2026-03-29T04:00:00Z"));
        assert_eq!(at("2026-10-25T02:00:00Z").as_deref(), Some("2026-10-25T00:00:00Z/2026-10-25T05:00:00Z"));
        assert_eq!(at("2026-10-25T05:00:00Z"), None, "the end is not part of it");
        assert_eq!(at("2025-10-25T02:00:00Z"), None, "not before it began");
    }

    #[test]
    fn the_next_time_is_found_and_the_last_one_has_none() {
        let sundays = recurrence("RRULE:FREQ=MONTHLY;BYDAY=1SU", "2026-01-04T06:00:00", 60).expect("a rule");
        let next = sundays.next_after(instant("2026-11-20T00:00:00Z")).expect("a next time");
        assert_eq!(next.0, instant("2026-12-06T05:00:00Z"));
        let thrice = recurrence("FREQ=DAILY;COUNT=3", "2026-01-01T06:00:00", 60).expect("a rule");
        assert_eq!(thrice.between(instant("2025-01-01T00:00:00Z"), instant("2027-01-01T00:00:00Z")).len(), 3);
        assert_eq!(thrice.next_after(instant("2026-01-03T05:00:00Z")), None);
    }

    #[test]
    fn what_is_no_rule_says_why() {
        let rules = [
            "",
            "FREQ=HOURLY",
            "FREQ=DAILY;FREQ=DAILY",
            "BYDAY=MO",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;X=1",
            "FREQ=DAILY\r\nDTSTART:20200101T000000",
            "FREQ=DAILY;BYHOUR=25",
        ];
        for rule in rules {
            let result = recurrence(rule, "2026-01-01T06:00:00", 60);
            assert!(result.is_err(), "{rule}: {result:?}");
        }
        assert_eq!(recurrence("FREQ=DAILY", "2026-01-01T06:00:00", 0), Err(InvalidRecurrence::Length(0)));
    }

    #[test]
    fn it_is_stored_and_read_back() {
        let weekly = recurrence("FREQ=WEEKLY;BYDAY=MO,TU", "2026-01-01T06:00:00", 60).expect("a rule");
        let text = serde_json::to_string(&weekly).expect("serialisable");
        assert_eq!(serde_json::from_str::<Recurrence>(&text).expect("readable"), weekly);
        assert!(serde_json::from_str::<Recurrence>(&text.replace("WEEKLY", "SECONDLY")).is_err());
    }
}
