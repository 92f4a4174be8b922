//! Reading schedules: layers, rotations, the hours in which they count.

use std::collections::BTreeSet;

use jiff::civil::DateTime;

use super::document::Section;
use super::routes::{ranges, time_zone};
use super::{Named, must_exist, named, values};
use crate::schedule::{FixedShift, Layer, Restriction, Rotation, Schedule, Turn};
use crate::time_interval::{RecurringTime, minute_of_day};

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Fixed,
}

const KINDS: [(&str, Kind); 5] = [
    ("hourly", Kind::Hourly),
    ("daily", Kind::Daily),
    ("weekly", Kind::Weekly),
    ("monthly", Kind::Monthly),
    ("fixed", Kind::Fixed),
];

pub(super) fn read(root: &Section<'_>, contacts: &BTreeSet<String>) -> Named<Schedule> {
    named(root, "schedules", |section, name| {
        if !section.has("time_zone") {
            section.refuse("time_zone", "is missing; accepted: an IANA name such as \"Europe/Paris\"");
        }
        let zone = time_zone(section, "time_zone");
        let layers = section.sections("layers");
        if layers.is_empty() {
            section.refuse(
                "layers",
                "is missing; accepted: a list of tables, from the lowest to the highest layer",
            );
        }
        let layers =
            layers.iter().enumerate().filter_map(|(at, section)| layer(section, at, contacts)).collect();
        Some(Schedule { name: name.to_owned(), zone: zone?, layers })
    })
}

fn layer(section: &Section<'_>, at: usize, contacts: &BTreeSet<String>) -> Option<Layer> {
    let name = section.text("name").map_or_else(|| format!("layer {}", at + 1), |name| name.value);
    if !section.has("rotation") {
        section.refuse("rotation", "is missing; accepted: hourly, daily, weekly, monthly, fixed");
    }
    let rotation = match section.one_of("rotation", &KINDS) {
        Some(Kind::Fixed) => Some(fixed(section, contacts)),
        Some(kind) => turns(section, kind, contacts),
        None => None,
    };
    let windows = section.sections("restrictions");
    let restrictions = windows.iter().flat_map(restriction).collect();
    let ends_at = section.local_time("ends_at");
    section.finish();
    Some(Layer { name, rotation: rotation?, restrictions, ends_at })
}

fn turns(section: &Section<'_>, kind: Kind, contacts: &BTreeSet<String>) -> Option<Rotation> {
    let every = section.number("every", 1..1001).unwrap_or(1);
    let every = match kind {
        Kind::Hourly => Turn::Hours(every),
        Kind::Daily | Kind::Fixed => Turn::Days(every),
        Kind::Weekly => Turn::Weeks(every),
        Kind::Monthly => Turn::Months(every),
    };
    let starts_at = required_time(section, "starts_at");
    let members = section.texts("members").unwrap_or_default();
    if members.is_empty() {
        section.refuse("members", "is missing; accepted: contacts' names, in the order of their turns");
    }
    for member in &members {
        must_exist(section, member, "contact", contacts);
    }
    Some(Rotation::Turns { every, starts_at: starts_at?, members: values(members) })
}

fn fixed(section: &Section<'_>, contacts: &BTreeSet<String>) -> Rotation {
    let shifts = section.sections("shifts").into_iter().filter_map(|shift| {
        let contact = shift.required_text("contact");
        if let Some(contact) = &contact {
            must_exist(&shift, contact, "contact", contacts);
        }
        let (starts_at, ends_at) = (required_time(&shift, "starts_at"), required_time(&shift, "ends_at"));
        shift.finish();
        let (contact, starts_at, ends_at) = (contact?.value, starts_at?, ends_at?);
        if ends_at <= starts_at {
            shift.refuse("ends_at", "is not behind starts_at; accepted: a later local time");
        }
        Some(FixedShift { contact, starts_at, ends_at })
    });
    Rotation::Fixed(shifts.collect())
}

fn required_time(section: &Section<'_>, key: &'static str) -> Option<DateTime> {
    if !section.has(key) {
        section.refuse(key, "is missing; accepted: a local time such as 2026-01-05T09:00:00");
    }
    section.local_time(key)
}

/// Windows such as `18:00-09:00`, which may run over midnight; without any, whole days.
fn restriction(section: &Section<'_>) -> Vec<Restriction> {
    let weekdays = ranges(section, "weekdays", RecurringTime::weekdays);
    let mut windows =
        ranges(section, "times", |texts: &[String]| texts.iter().map(|text| window(text)).collect());
    if windows.is_empty() && !section.has("times") {
        windows.push((0, 1440));
    }
    section.finish();
    let restriction =
        |(from_minute, until_minute)| Restriction { weekdays: weekdays.clone(), from_minute, until_minute };
    windows.into_iter().map(restriction).collect()
}

fn window(text: &str) -> Result<(u16, u16), String> {
    let read = || {
        let (from, until) = text.split_once('-')?;
        minute_of_day(from).filter(|from| *from < 1440).zip(minute_of_day(until))
    };
    read().ok_or_else(|| format!("{text:?} is not understood; accepted: HH:MM-HH:MM, over midnight too"))
}
