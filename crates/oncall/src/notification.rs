//! What messages say: from what is known of an incident to an e-mail, a Slack message or plain text. Everything in it
//! may come from anybody, so each form escapes what could mean something to its reader.

mod clean;
mod slack;
mod templates;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::labels::Labels;
use crate::severity::Severity;

pub use templates::{Email, InvalidTemplate, Rendered, TemplateName, Templates};

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// An incident began.
    Fired,
    /// Alerts joined it or ended, or it was acknowledged, put off, handed over.
    Changed,
    /// Nothing changed, and it is still open.
    Reminder,
    /// It is over.
    Resolved,
    /// Whether it goes on is not known any more.
    SourceLost,
    /// It comes and goes, and is kept quiet.
    Flapping,
    /// An acknowledgement lapsed.
    Lapsed,
    /// Several incidents in one message, since a channel's limit was reached.
    Digest,
    /// Nothing is wrong: somebody tries the channel.
    Test,
}

/// What a message can say. All texts may be anything; they are cleaned and cut before a template sees them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Message {
    /// Why it is sent.
    pub kind: MessageKind,
    /// The incident's id.
    pub incident_id: String,
    /// The number by which people call it; 0 where there is none.
    pub number: i64,
    /// What it is about, in a line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// The state of the incident in a word.
    pub state: String,
    /// Who acknowledged or resolved it; empty when nobody did.
    pub by: String,
    /// What is told about it.
    pub description: String,
    /// How many of its alerts fire.
    pub firing_alerts: u32,
    /// When it began.
    pub opened_at: Timestamp,
    /// The labels that all its alerts share.
    pub labels: Labels,
    /// Its alerts; the worst first.
    pub alerts: Vec<MessageAlert>,
    /// Alerts that are not among them.
    pub more_alerts: u32,
    /// Of a digest: the incidents.
    pub incidents: Vec<MessageIncident>,
    /// Incidents that are not among them.
    pub more_incidents: u32,
    /// Where to go. Only http and https lead anywhere.
    pub links: MessageLinks,
    /// Why this person or channel is told, for instance `ana is on call in shop`.
    pub reason: String,
    /// In which zone the reader lives, as an IANA name.
    pub time_zone: String,
}

/// An alert in a message.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MessageAlert {
    /// `firing`, `source_lost` or `resolved`.
    pub state: String,
    /// What it is about, in a line.
    pub summary: String,
    /// Its labels.
    pub labels: Labels,
    /// Since when.
    pub starts_at: Timestamp,
}

/// An incident in a digest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MessageIncident {
    /// What it is about, in a line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Its state in a word.
    pub state: String,
    /// How many alerts it has.
    pub alerts: u32,
    /// Where it is shown.
    pub url: Option<String>,
}

/// Where a message leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MessageLinks {
    /// Where the incident is shown.
    pub incident: Option<String>,
    /// Where it is acknowledged.
    pub acknowledge: Option<String>,
    /// Where it is resolved.
    pub resolve: Option<String>,
    /// What to do.
    pub runbook: Option<String>,
    /// Where to look.
    pub dashboard: Option<String>,
    /// What raised it.
    pub source: Option<String>,
}

impl Message {
    /// One to try templates and channels with; it says so.
    pub fn sample(now: Timestamp) -> Self {
        let labels = [("alertname", "TestNotification"), ("service", "example"), ("severity", "info")];
        let labels: Labels = labels.into_iter().collect();
        let link = |path: &str| Some(format!("https://alerting.example.org/{path}"));
        Self {
            kind: MessageKind::Test,
            incident_id: "00000000-0000-7000-8000-000000000000".to_owned(),
            number: 0,
            title: "Test notification".to_owned(),
            severity: Severity::Info,
            state: "open".to_owned(),
            by: String::new(),
            firing_alerts: 1,
            description: "Nothing is wrong. Somebody tries whether this channel works.".to_owned(),
            opened_at: now,
            alerts: vec![MessageAlert {
                state: "firing".to_owned(),
                summary: "An example of an alert".to_owned(),
                labels: labels.clone(),
                starts_at: now,
            }],
            labels,
            more_alerts: 0,
            incidents: Vec::new(),
            more_incidents: 0,
            links: MessageLinks {
                incident: link("incidents/0"),
                acknowledge: link("a/0"),
                resolve: link("r/0"),
                runbook: link("runbook"),
                dashboard: link("dashboard"),
                source: link("graph"),
            },
            reason: "somebody asked for a test".to_owned(),
            time_zone: "UTC".to_owned(),
        }
    }
}

impl Message {
    /// One about nothing yet: no alerts, no links.
    pub fn bare(now: Timestamp) -> Self {
        Self {
            kind: MessageKind::Test,
            incident_id: String::new(),
            number: 0,
            title: String::new(),
            severity: Severity::Info,
            state: "open".to_owned(),
            by: String::new(),
            description: String::new(),
            firing_alerts: 0,
            opened_at: now,
            labels: Labels::default(),
            alerts: Vec::new(),
            more_alerts: 0,
            incidents: Vec::new(),
            more_incidents: 0,
            links: MessageLinks::default(),
            reason: String::new(),
            time_zone: "UTC".to_owned(),
        }
    }

    /// The colour of it, as `#RRGGBB`: green once it is over.
    pub fn colour(&self) -> &'static str {
        if self.kind == MessageKind::Resolved { "#2EB67D" } else { self.severity.colour() }
    }
}

/// Overrides of templates by name, as a settings file has them.
pub type TemplateSources = BTreeMap<String, String>;

#[cfg(test)]
mod tests;
