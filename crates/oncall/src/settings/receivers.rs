//! Reading receivers: what a route leads to.

use std::collections::BTreeSet;

use super::document::Section;
use super::{Named, must_exist, named, values};

/// Where a route leads. One without policy and channels only keeps incidents for whoever looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// What routes call it by.
    pub name: String,
    /// The escalation policy that finds a person.
    pub policy: Option<String>,
    /// Channels that are told as well, and page nobody.
    pub channels: Vec<String>,
    /// Whether the end of an incident is told, too.
    pub send_resolved: bool,
}

pub(super) fn read(
    root: &Section<'_>,
    channels: &BTreeSet<String>,
    policies: &BTreeSet<String>,
) -> Named<Receiver> {
    named(root, "receivers", |section, name| {
        let told = section.texts("channels").unwrap_or_default();
        for channel in &told {
            must_exist(section, channel, "channel", channels);
        }
        let policy = section.text("policy");
        if let Some(policy) = &policy {
            must_exist(section, policy, "policy", policies);
        }
        let policy = policy.map(|policy| policy.value);
        let send_resolved = section.flag("send_resolved").unwrap_or(true);
        Some(Receiver { name: name.to_owned(), policy, channels: values(told), send_resolved })
    })
}
