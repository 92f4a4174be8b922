//! Reading escalation policies.

use std::collections::BTreeSet;
use std::time::Duration;

use super::document::Section;
use super::{Named, must_exist, named};
use crate::escalation::{EscalationPolicy, EscalationStep, Target};

/// Names that policies may use.
pub(super) struct Known<'n> {
    pub(super) contacts: &'n BTreeSet<String>,
    pub(super) teams: &'n BTreeSet<String>,
    pub(super) schedules: &'n BTreeSet<String>,
    pub(super) channels: &'n BTreeSet<String>,
}

pub(super) fn read(root: &Section<'_>, known: &Known<'_>) -> Named<EscalationPolicy> {
    named(root, "policies", |section, name| {
        let steps: Vec<EscalationStep> =
            section.sections("steps").iter().map(|step| read_step(step, known)).collect();
        if steps.is_empty() {
            section.refuse("steps", "is missing; accepted: a list of tables with notify and wait");
        }
        let repeat = section.number("repeat", 0..101).unwrap_or(2);
        let acknowledge_timeout = section.duration("acknowledge_timeout");
        if acknowledge_timeout.is_some_and(|timeout| timeout < Duration::from_secs(60)) {
            section.refuse(
                "acknowledge_timeout",
                "is too short to do anything in; accepted: a duration from 1m",
            );
        }
        let fallback = targets(section, "fallback", known);
        Some(EscalationPolicy { name: name.to_owned(), steps, repeat, acknowledge_timeout, fallback })
    })
}

fn read_step(section: &Section<'_>, known: &Known<'_>) -> EscalationStep {
    let targets = targets(section, "notify", known);
    if targets.is_empty() {
        section.refuse(
            "notify",
            "is missing; accepted: a list such as [{ schedule = \"shop\" }, { contact = \"ana\" }]",
        );
    }
    let wait = section.duration("wait").unwrap_or(Duration::from_secs(5 * 60));
    if wait < Duration::from_secs(10) {
        section.refuse("wait", "is too short for anybody to answer; accepted: a duration from 10s");
    }
    let round_robin = section.flag("round_robin").unwrap_or(false);
    section.finish();
    EscalationStep { targets, wait, round_robin }
}

fn targets(section: &Section<'_>, key: &'static str, known: &Known<'_>) -> Vec<Target> {
    section.sections(key).iter().filter_map(|target| read_target(target, known)).collect()
}

/// A word, the names it may stand before, and what it becomes.
type Kind<'n> = (&'static str, &'n BTreeSet<String>, fn(String) -> Target);

fn read_target(section: &Section<'_>, known: &Known<'_>) -> Option<Target> {
    let kinds: [Kind<'_>; 4] = [
        ("contact", known.contacts, Target::Contact),
        ("team", known.teams, Target::Team),
        ("schedule", known.schedules, Target::Schedule),
        ("channel", known.channels, Target::Channel),
    ];
    let told = kinds.into_iter().filter_map(|(kind, names, target)| {
        let name = section.text(kind)?;
        must_exist(section, &name, kind, names);
        Some((kind, target(name.value)))
    });
    let mut told: Vec<_> = told.collect();
    section.finish();
    if let Some((second, _)) = told.get(1) {
        section.refuse(
            second,
            "is a second one; accepted: one of contact, team, schedule, channel in each table",
        );
    }
    (!told.is_empty()).then(|| told.swap_remove(0).1)
}
