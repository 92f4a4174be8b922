//! The one file that says who is reached how: routes, receivers, teams, contacts, channels and what belongs to them.
//! It is read whole; a file with any problem is refused, and every problem tells its line, its field and what would
//! be accepted.

mod channels;
mod document;
mod duration;
mod people;
mod policies;
mod problem;
mod quiet;
mod receivers;
mod routes;
mod schedules;
mod watching;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use toml::de::DeTable;

use crate::escalation::EscalationPolicy;
use crate::flapping::FlapLimits;
use crate::inhibition::{InhibitRule, ServiceGraph};
use crate::notification::{TemplateSources, Templates};
use crate::routing::Route;
use crate::schedule::Schedule;
use crate::silence::Silence;
use crate::time_interval::TimeInterval;
use document::{Document, Located, Section, nearest};

pub use channels::{Channel, ChannelKind, EmailSecurity, MessageLimit, SecretSource, SlackDelivery};
pub use duration::parse_duration;
pub use people::{Contact, Reach, Team};
pub use problem::{Problem, Problems};
pub use receivers::Receiver;
pub use watching::{Heartbeat, Probe, ProbeKind};

/// The endurance of an alert that tells no end, unless the file says otherwise: Alertmanager's.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

const WITHOUT_A_FILE: &str = r#"
route = { receiver = "log", group_by = ["alertname"] }
receivers = [{ name = "log", channels = ["log"] }]
channels = [{ name = "log", kind = "log" }]
emergency_channels = ["log"]
"#;

/// A settings file, checked: every name in it exists, every value is one that can be acted on.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// When an alert that is not told again, and told no end, counts as lost.
    pub resolve_timeout: Duration,
    /// Where the service is reached from outside, for links in messages; without a slash at the end.
    pub external_url: Option<String>,
    /// Channels that are told directly while the database is away.
    pub emergency_channels: Vec<String>,
    /// The root of the routing tree.
    pub route: Route,
    /// Where routes lead, by name.
    pub receivers: BTreeMap<String, Receiver>,
    /// Ways out, by name.
    pub channels: BTreeMap<String, Channel>,
    /// People, by name.
    pub contacts: BTreeMap<String, Contact>,
    /// Groups of people, by name.
    pub teams: BTreeMap<String, Team>,
    /// Stretches of time that routes name.
    pub time_intervals: BTreeMap<String, TimeInterval>,
    /// Who is on call when, by name.
    pub schedules: BTreeMap<String, Schedule>,
    /// How incidents look for somebody, by name.
    pub policies: BTreeMap<String, EscalationPolicy>,
    /// Which alerts hide which.
    pub inhibitions: Vec<InhibitRule>,
    /// Which service stands on which.
    pub services: ServiceGraph,
    /// Silences that come again.
    pub maintenance: Vec<Silence>,
    /// When an alert is flapping.
    pub flapping: FlapLimits,
    /// Templates of messages above Larder's own, by name; each was tried.
    pub templates: TemplateSources,
    /// Signs of life that are waited for.
    pub heartbeats: BTreeMap<String, Heartbeat>,
    /// What is looked at from here.
    pub probes: BTreeMap<String, Probe>,
}

/// One route to one receiver that writes to the log: what a house without a file has.
impl Default for Settings {
    fn default() -> Self {
        Self::parse(WITHOUT_A_FILE).expect("a test reads it")
    }
}

impl Settings {
    /// Reads and checks a file (TOML 1.1).
    ///
    /// # Errors
    /// [`Problems`]: all that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let document = Document::new(text);
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                document.refuse(&error.span().unwrap_or(0..0), "", error.message());
                return Err(document.problems().unwrap_or(Problems(Vec::new())));
            }
        };
        let settings = read(&Section::root(&document, &table));
        match document.problems() {
            Some(problems) => Err(problems),
            None => settings.ok_or(Problems(Vec::new())),
        }
    }
}

/// `None` only where a problem was noted.
fn read(root: &Section<'_>) -> Option<Settings> {
    let channels = channels::read(root);
    let contacts = people::contacts(root, &channels.names);
    let teams = people::teams(root, &contacts.names);
    let schedules = schedules::read(root, &contacts.names);
    let known = policies::Known {
        contacts: &contacts.names,
        teams: &teams.names,
        schedules: &schedules.names,
        channels: &channels.names,
    };
    let policies = policies::read(root, &known);
    let receivers = receivers::read(root, &channels.names, &policies.names);
    let time_intervals = routes::time_intervals(root);
    let known = routes::Known { receivers: &receivers.names, intervals: &time_intervals.names };
    let route = routes::root(root, &known);
    let heartbeats = watching::heartbeats(root);
    let probes = watching::probes(root);
    let inhibitions = quiet::inhibitions(root);
    let maintenance = quiet::maintenance(root);
    let (services, flapping) = (quiet::services(root), quiet::flapping(root));
    let templates = root.text_map("templates");
    for problem in Templates::new(&templates).err().into_iter().flatten() {
        root.refuse("templates", problem.to_string());
    }
    let emergency_channels = root.texts("emergency_channels").unwrap_or_default();
    for channel in &emergency_channels {
        must_exist(root, channel, "channel", &channels.names);
    }
    let resolve_timeout = root.duration("resolve_timeout").unwrap_or(RESOLVE_TIMEOUT);
    let external_url = root.text("external_url").map(|url| url.value.trim_end_matches('/').to_owned());
    root.finish();
    Some(Settings {
        resolve_timeout,
        external_url,
        emergency_channels: values(emergency_channels),
        route: route?,
        receivers: receivers.parts,
        channels: channels.parts,
        contacts: contacts.parts,
        teams: teams.parts,
        time_intervals: time_intervals.parts,
        schedules: schedules.parts,
        policies: policies.parts,
        inhibitions: inhibitions.parts.into_values().collect(),
        services,
        maintenance: maintenance.parts.into_values().collect(),
        flapping,
        templates,
        heartbeats: heartbeats.parts,
        probes: probes.parts,
    })
}

/// The parts of one kind, and all names that were given, those of broken parts included: a reference to one of
/// these is no second problem.
struct Named<T> {
    parts: BTreeMap<String, T>,
    names: BTreeSet<String>,
}

/// Reads the parts of one kind, each with a name of its own.
fn named<T>(
    root: &Section<'_>,
    key: &'static str,
    read: impl Fn(&Section<'_>, &str) -> Option<T>,
) -> Named<T> {
    let (mut parts, mut names) = (BTreeMap::new(), BTreeSet::new());
    for section in root.sections(key) {
        let name = section.required_text("name");
        let part = read(&section, name.as_ref().map_or("", |name| name.value.as_str()));
        section.finish();
        let Some(name) = name else { continue };
        if !name.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            section.refuse_at(
                &name,
                format!("{:?} is refused; accepted: letters, digits, - _ and .", name.value),
            );
        }
        if !names.insert(name.value.clone()) {
            section.refuse_at(&name, format!("{:?} is there twice; accepted: a name of its own", name.value));
        }
        if let Some(part) = part {
            parts.insert(name.value, part);
        }
    }
    Named { parts, names }
}

/// Refuses a name that nothing has.
fn must_exist(section: &Section<'_>, name: &Located<String>, kind: &str, known: &BTreeSet<String>) {
    if known.contains(&name.value) {
        return;
    }
    let meant = nearest(&name.value, known.iter().map(String::as_str));
    let hint = match meant {
        Some(meant) => format!("did you mean {meant:?}?"),
        None if known.is_empty() => format!("there is no {kind} in the file"),
        None => format!("accepted: {}", known.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
    };
    section.refuse_at(name, format!("{:?} is no {kind}; {hint}", name.value));
}

fn values(texts: Vec<Located<String>>) -> Vec<String> {
    texts.into_iter().map(|text| text.value).collect()
}

#[cfg(test)]
mod tests;
