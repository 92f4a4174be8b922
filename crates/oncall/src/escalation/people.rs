//! Whom a policy's targets mean at an instant.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Page, Target};
use crate::schedule::{Override, Schedule};
use crate::settings::{Settings, Team};

/// What a policy needs to know of people.
#[derive(Clone, Copy, Debug)]
pub struct People<'s> {
    /// Schedules by name.
    pub schedules: &'s BTreeMap<String, Schedule>,
    /// Overrides by the schedule's name.
    pub overrides: &'s BTreeMap<String, Vec<Override>>,
    /// Teams by name.
    pub teams: &'s BTreeMap<String, Team>,
}

impl<'s> People<'s> {
    /// Those of the settings, with the overrides that people made.
    pub fn new(settings: &'s Settings, overrides: &'s BTreeMap<String, Vec<Override>>) -> Self {
        Self { schedules: &settings.schedules, overrides, teams: &settings.teams }
    }

    /// Whom targets mean, each once, in their order; and why somebody is missing.
    pub fn resolve(&self, targets: &[Target], at: Timestamp) -> Page {
        let mut page = Page::default();
        for target in targets {
            match target {
                Target::Contact(name) => push(&mut page.contacts, name),
                Target::Channel(name) => push(&mut page.channels, name),
                Target::Team(name) => match self.teams.get(name) {
                    Some(team) => team.members.iter().for_each(|member| push(&mut page.contacts, member)),
                    None => page.because.push(format!("there is no team {name}")),
                },
                Target::Schedule(name) => match self.on_call(name, at) {
                    Ok(contact) => push(&mut page.contacts, &contact),
                    Err(because) => page.because.push(because),
                },
            }
        }
        page
    }

    fn on_call(&self, name: &str, at: Timestamp) -> Result<String, String> {
        let schedule = self.schedules.get(name).ok_or_else(|| format!("there is no schedule {name}"))?;
        let overrides = self.overrides.get(name).map_or(&[][..], Vec::as_slice);
        let on_call = schedule.on_call(at, overrides);
        on_call
            .map(|on_call| on_call.contact)
            .ok_or_else(|| format!("nobody is on call in the schedule {name}"))
    }
}

fn push(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}
