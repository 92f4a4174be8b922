//! Reading contacts and teams: who can be reached, and over which channels in which order.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::document::Section;
use super::routes::time_zone;
use super::{Named, must_exist, named, values};

/// Somebody who can be reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// What schedules and policies call them by.
    pub name: String,
    /// What messages call them by.
    pub full_name: String,
    /// In which zone times are written to them.
    pub zone: TimeZone,
    /// Ways to reach them; the next is taken when one fails for good. Never empty.
    pub reach: Vec<Reach>,
}

/// One way to reach somebody.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reach {
    /// The channel's name.
    pub channel: String,
    /// Their address there: a mailbox, a Slack user's id; empty where the channel itself is the address.
    pub address: String,
}

/// People who answer for something together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// What policies call it by.
    pub name: String,
    /// Its members' names, in their order. Never empty.
    pub members: Vec<String>,
}

pub(super) fn contacts(root: &Section<'_>, channels: &BTreeSet<String>) -> Named<Contact> {
    named(root, "contacts", |section, name| {
        let full_name = section.text("full_name").map_or_else(|| name.to_owned(), |text| text.value);
        let ways = section.sections("reach");
        if ways.is_empty() {
            let accepted = "a list such as [{ channel = \"mail\", address = \"ana@example.org\" }]";
            section.refuse("reach", format!("is missing, so nobody would be reached; accepted: {accepted}"));
        }
        let reach = ways.iter().filter_map(|way| {
            let channel = way.required_text("channel");
            if let Some(channel) = &channel {
                must_exist(way, channel, "channel", channels);
            }
            let address = way.text("address").map(|text| text.value).unwrap_or_default();
            if address.chars().any(char::is_control) {
                way.refuse("address", "holds a control character; accepted: one line of text");
            }
            way.finish();
            Some(Reach { channel: channel?.value, address })
        });
        let reach = reach.collect();
        Some(Contact { name: name.to_owned(), full_name, zone: time_zone(section, "time_zone")?, reach })
    })
}

pub(super) fn teams(root: &Section<'_>, contacts: &BTreeSet<String>) -> Named<Team> {
    named(root, "teams", |section, name| {
        let members = section.texts("members").unwrap_or_default();
        if members.is_empty() {
            section.refuse("members", "is missing; accepted: a list of contacts' names");
        }
        for member in &members {
            must_exist(section, member, "contact", contacts);
        }
        Some(Team { name: name.to_owned(), members: values(members) })
    })
}
