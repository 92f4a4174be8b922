//! Reading the routing tree, what it inherits filled in, and the time intervals it names.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::document::{Located, Section};
use super::{Named, must_exist, named, values};
use crate::matcher::{Matcher, Matchers};
use crate::routing::{GroupBy, Grouping, Route};
use crate::time_interval::{RecurringTime, TimeInterval};

/// Names that routes may use.
pub(super) struct Known<'n> {
    pub(super) receivers: &'n BTreeSet<String>,
    pub(super) intervals: &'n BTreeSet<String>,
}

/// What a route takes over from the one above it.
#[derive(Clone)]
struct Above {
    id: String,
    key: String,
    receiver: Option<String>,
    grouping: Grouping,
}

pub(super) fn root(root: &Section<'_>, known: &Known<'_>) -> Option<Route> {
    let Some(section) = root.section("route") else {
        if !root.has("route") {
            root.refuse("route", "is missing; accepted: a table with at least a receiver");
        }
        return None;
    };
    for key in ["matchers", "continue", "mute_time_intervals", "active_time_intervals"] {
        if section.has(key) {
            section.refuse(
                key,
                "is refused at the root, which takes every alert; accepted: on the routes below",
            );
        }
    }
    let above =
        Above { id: String::new(), key: String::new(), receiver: None, grouping: Grouping::default() };
    route(&section, &above, None, known)
}

fn route(section: &Section<'_>, above: &Above, place: Option<usize>, known: &Known<'_>) -> Option<Route> {
    let matchers = matchers(section, "matchers");
    let receiver = section.text("receiver");
    if let Some(receiver) = &receiver {
        must_exist(section, receiver, "receiver", known.receivers);
    } else if above.receiver.is_none() {
        section.refuse("receiver", "is missing; accepted: the name of a receiver");
    }
    let receiver = receiver.map(|receiver| receiver.value).or_else(|| above.receiver.clone());
    let grouping = grouping(section, &above.grouping);
    let key = if place.is_some() { format!("{}/{matchers}", above.key) } else { matchers.to_string() };
    let id = place.map_or_else(|| key.clone(), |place| format!("{}/{matchers}/{place}", above.id));
    let here =
        Above { id: id.clone(), key: key.clone(), receiver: receiver.clone(), grouping: grouping.clone() };
    let below = section.sections("routes");
    let routes =
        below.iter().enumerate().filter_map(|(place, child)| route(child, &here, Some(place), known));
    let routes = routes.collect();
    let goes_on = section.flag("continue").unwrap_or(false);
    let muted_in = intervals(section, "mute_time_intervals", known);
    let active_in = intervals(section, "active_time_intervals", known);
    section.finish();
    Some(Route { id, key, receiver: receiver?, matchers, goes_on, grouping, muted_in, active_in, routes })
}

/// A list of matchers, each a text of its own or several with commas.
pub(super) fn matchers(section: &Section<'_>, key: &'static str) -> Matchers {
    let mut found: Vec<Matcher> = Vec::new();
    for text in section.texts(key).unwrap_or_default() {
        match text.value.parse::<Matchers>() {
            Ok(matchers) if matchers.is_empty() => {
                section.refuse_at(&text, "is empty; accepted: a matcher such as severity=\"critical\"");
            }
            Ok(matchers) => found.extend(matchers.iter().cloned()),
            Err(error) => section.refuse_at(&text, error.to_string()),
        }
    }
    Matchers::new(found)
}

fn grouping(section: &Section<'_>, above: &Grouping) -> Grouping {
    let by = section.texts("group_by").map(|names| group_by(section, names));
    let interval = section.duration("group_interval").unwrap_or(above.interval);
    let repeat_interval = section.duration("repeat_interval").unwrap_or(above.repeat_interval);
    for (key, duration) in [("group_interval", interval), ("repeat_interval", repeat_interval)] {
        if duration.is_zero() {
            section.refuse(key, "is zero; accepted: a duration longer than that");
        }
    }
    Grouping {
        by: by.unwrap_or_else(|| above.by.clone()),
        wait: section.duration("group_wait").unwrap_or(above.wait),
        interval,
        repeat_interval,
    }
}

fn group_by(section: &Section<'_>, names: Vec<Located<String>>) -> GroupBy {
    let everything = names.iter().any(|name| name.value == "...");
    if everything && names.len() > 1 {
        section.refuse("group_by", "holds \"...\" and names; accepted: \"...\" alone, or names of labels");
    }
    if everything { GroupBy::Everything } else { GroupBy::Labels(values(names).into_iter().collect()) }
}

fn intervals(section: &Section<'_>, key: &'static str, known: &Known<'_>) -> Vec<String> {
    let names = section.texts(key).unwrap_or_default();
    for name in &names {
        must_exist(section, name, "time interval", known.intervals);
    }
    values(names)
}

pub(super) fn time_intervals(root: &Section<'_>) -> Named<TimeInterval> {
    named(root, "time_intervals", |section, name| {
        let intervals = section.sections("intervals");
        if intervals.is_empty() {
            section.refuse(
                "intervals",
                "is missing; accepted: a list of tables with times, weekdays, days_of_month, months or years",
            );
        }
        let intervals = intervals.iter().map(recurring_time).collect();
        Some(TimeInterval { name: name.to_owned(), zone: time_zone(section, "time_zone")?, intervals })
    })
}

/// The zone a section names; UTC when it names none, `None` when it names one that does not exist.
pub(super) fn time_zone(section: &Section<'_>, key: &'static str) -> Option<TimeZone> {
    let read = |name: &str| {
        let refused = || format!("{name:?} is no time zone; accepted: an IANA name such as \"Europe/Paris\"");
        TimeZone::get(name).map_err(|_| refused())
    };
    if !section.has(key) {
        section.parsed(key, read);
        return Some(TimeZone::UTC);
    }
    Some(section.parsed(key, read)?.value)
}

fn recurring_time(section: &Section<'_>) -> RecurringTime {
    let time = RecurringTime {
        minutes: ranges(section, "times", RecurringTime::minutes),
        weekdays: ranges(section, "weekdays", RecurringTime::weekdays),
        days_of_month: ranges(section, "days_of_month", RecurringTime::days_of_month),
        months: ranges(section, "months", RecurringTime::months),
        years: ranges(section, "years", RecurringTime::years),
    };
    section.finish();
    time
}

pub(super) fn ranges<T>(
    section: &Section<'_>,
    key: &'static str,
    read: impl Fn(&[String]) -> Result<Vec<T>, String>,
) -> Vec<T> {
    let texts = section.texts(key).unwrap_or_default();
    let mut found = Vec::new();
    for text in texts {
        match read(std::slice::from_ref(&text.value)) {
            Ok(ranges) => found.extend(ranges),
            Err(reason) => section.refuse_at(&text, reason),
        }
    }
    found
}
