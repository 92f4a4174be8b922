//! Reading what keeps alerts from speaking: inhibitions, what services stand on, maintenance, damping.

use std::collections::BTreeMap;

use super::document::Section;
use super::routes::matchers;
use super::{Named, must_exist, named, values};
use crate::flapping::FlapLimits;
use crate::inhibition::{InhibitRule, ServiceGraph};
use crate::recurrence::Recurrence;
use crate::silence::{Silence, SilenceTime};

pub(super) fn inhibitions(root: &Section<'_>) -> Named<InhibitRule> {
    named(root, "inhibitions", |section, name| {
        let source = matchers(section, "source_matchers");
        let target = matchers(section, "target_matchers");
        for (key, matchers) in [("source_matchers", &source), ("target_matchers", &target)] {
            if matchers.is_empty() && section.texts(key).is_none_or(|texts| texts.is_empty()) {
                section.refuse(
                    key,
                    "is missing; accepted: a list of matchers such as ['severity=\"critical\"']",
                );
            }
        }
        let equal = values(section.texts("equal").unwrap_or_default()).into_iter().collect();
        Some(InhibitRule { name: name.to_owned(), source, target, equal })
    })
}

pub(super) fn services(root: &Section<'_>) -> ServiceGraph {
    let sections = root.sections("services");
    let services =
        named(root, "services", |section, _| Some(section.texts("depends_on").unwrap_or_default()));
    for (section, below) in sections.iter().zip(services.parts.values()) {
        for name in below {
            must_exist(section, name, "service", &services.names);
        }
    }
    let depends_on: BTreeMap<_, _> =
        services.parts.into_iter().map(|(name, below)| (name, values(below).into_iter().collect())).collect();
    ServiceGraph::new(depends_on).unwrap_or_else(|ring| {
        root.refuse(
            "services",
            format!("{ring}; accepted: services that stand on each other in one direction"),
        );
        ServiceGraph::default()
    })
}

pub(super) fn maintenance(root: &Section<'_>) -> Named<Silence> {
    named(root, "maintenance", |section, name| {
        let matchers = matchers(section, "matchers");
        if matchers.is_empty() && !section.has("matchers") {
            section
                .refuse("matchers", "is missing; accepted: a list of matchers such as ['service=\"shop\"']");
        }
        let (starts_at, rule) = (section.local_time("starts_at"), section.required_text("rule"));
        let (zone, length) = (section.text("time_zone"), section.duration("duration"));
        for key in ["starts_at", "duration"].into_iter().filter(|key| !section.has(key)) {
            section.refuse(key, "is missing; accepted: when it first begins, and how long it lasts");
        }
        let comment =
            section.text("comment").map_or_else(|| format!("maintenance {name}"), |text| text.value);
        let minutes = u32::try_from(length?.as_secs() / 60).unwrap_or(u32::MAX);
        let zone = zone.map_or_else(|| "UTC".to_owned(), |zone| zone.value);
        let recurrence = Recurrence::new(starts_at?, &zone, &rule?.value, minutes);
        let recurrence = recurrence.map_err(|invalid| section.refuse("rule", invalid.to_string())).ok()?;
        let silence = Silence {
            id: format!("maintenance:{name}"),
            matchers: vec![matchers],
            when: SilenceTime::Recurring { recurrence, until: None },
            created_by: "settings".to_owned(),
            comment,
        };
        if let Err(invalid) = silence.check() {
            section.refuse("matchers", invalid.to_string());
        }
        Some(silence)
    })
}

pub(super) fn flapping(root: &Section<'_>) -> FlapLimits {
    let usual = FlapLimits::default();
    let Some(section) = root.section("flapping") else { return usual };
    let turns = |key, usual: f64| section.number(key, 1..1001).map_or(usual, |turns| f64::from(turns) - 0.5);
    let limits = FlapLimits {
        half_life: section.duration("half_life").unwrap_or(usual.half_life),
        begin: turns("turns", usual.begin),
        end: usual.end,
        remind_after: section.duration("remind_after").unwrap_or(usual.remind_after),
    };
    for (key, duration) in [("half_life", limits.half_life), ("remind_after", limits.remind_after)] {
        if duration.as_secs() < 60 {
            section.refuse(key, "is too short; accepted: a duration from 1m");
        }
    }
    if limits.begin <= limits.end {
        section.refuse("turns", "is too few to be flapping; accepted: a whole number from 2 to 1000");
    }
    section.finish();
    limits
}
