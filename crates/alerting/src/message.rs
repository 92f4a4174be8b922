//! What is told, before any channel makes its own shape of it. A message about an incident tells its
//! state at the moment of sending, so a message that waited is never old news.

use larder_identity::TenantId;
use larder_oncall::severity::Severity;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::timestamp;
use crate::store::incidents::{IncidentRow, State};
use crate::store::reading::AlertRow;

/// So many alerts of an incident are told; the others are counted.
const ALERTS_TOLD: usize = 10;
/// So many incidents stand in a digest; the others are counted.
const INCIDENTS_TOLD: usize = 50;

/// One message to one recipient.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// The same at every try.
    pub(crate) notification_id: Uuid,
    pub(crate) tenant: TenantId,
    /// The address on the channel; empty for the channel's own.
    pub(crate) recipient: String,
    /// What the other side called the first message about this incident.
    pub(crate) external_id: Option<String>,
    pub(crate) now_us: i64,
    pub(crate) content: Content,
}

/// What a message is about.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// One incident.
    Incident(Box<IncidentView>),
    /// Many at once: the channel would drown in single messages.
    Digest(Vec<IncidentView>),
    /// A word to the operators.
    Notice { subject: String, text: String },
}

/// An incident as messages tell it.
#[derive(Clone, Debug)]
pub(crate) struct IncidentView {
    pub(crate) incident_id: Uuid,
    pub(crate) number: i64,
    pub(crate) title: String,
    pub(crate) severity: String,
    pub(crate) state: State,
    pub(crate) route: String,
    pub(crate) opened_at: jiff::Timestamp,
    pub(crate) acknowledged_by: String,
    pub(crate) resolved_by: String,
    pub(crate) is_source_lost: bool,
    pub(crate) firing_count: i32,
    pub(crate) alert_count: i32,
    pub(crate) runbook_url: String,
    pub(crate) description: String,
    pub(crate) group_labels: Vec<(String, String)>,
    pub(crate) alerts: Vec<String>,
    pub(crate) acknowledge_url: Option<String>,
    pub(crate) resolve_url: Option<String>,
}

impl IncidentView {
    /// The view of an incident with its alerts; links are put in by whoever can sign them.
    pub(crate) fn new(row: &IncidentRow, alerts: &[AlertRow]) -> Self {
        let lines = alerts.iter().take(ALERTS_TOLD).map(alert_line);
        Self {
            incident_id: row.incident_id,
            number: row.incident_number,
            title: one_line(&row.title),
            severity: row.severity.clone(),
            state: row.state,
            route: row.route.clone(),
            opened_at: timestamp(row.opened_at_us),
            acknowledged_by: one_line(&row.acknowledged_by),
            resolved_by: one_line(&row.resolved_by),
            is_source_lost: row.is_source_lost,
            firing_count: row.firing_count,
            alert_count: row.alert_count,
            runbook_url: row.runbook_url.clone(),
            description: row.common_annotations.get("description").cloned().unwrap_or_default(),
            group_labels: row
                .group_labels
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            alerts: lines.collect(),
            acknowledge_url: None,
            resolve_url: None,
        }
    }

    /// What it is called in one line.
    pub(crate) fn headline(&self) -> String {
        let state = match self.state {
            State::Open => self.severity.to_uppercase(),
            State::Acknowledged => "ACKNOWLEDGED".to_owned(),
            State::Resolved => "RESOLVED".to_owned(),
        };
        format!("[{state}] #{} {}", self.number, self.title)
    }

    /// Where it comes from, in a word.
    pub(crate) fn origin(&self) -> String {
        let of =
            |wanted: &str| self.group_labels.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let origin = ["instance", "service", "job"].into_iter().find_map(of);
        origin.map_or_else(|| "larder".to_owned(), |origin| one_line(origin))
    }

    /// Everything about it, in lines of plain text.
    pub(crate) fn text(&self) -> String {
        let mut lines = Vec::new();
        match self.state {
            State::Open => {}
            State::Acknowledged => lines.push(format!("Acknowledged by {}.", self.acknowledged_by)),
            State::Resolved if self.resolved_by.is_empty() => {
                lines.push("Resolved: all of its alerts are over.".to_owned());
            }
            State::Resolved => lines.push(format!("Resolved by {}.", self.resolved_by)),
        }
        if self.is_source_lost && self.state != State::Resolved {
            lines.push("Its source has fallen silent: nobody knows whether this is over.".to_owned());
        }
        if !self.description.is_empty() {
            lines.push(self.description.clone());
        }
        lines.push(format!(
            "{} of {} alerts fire, since {}.",
            self.firing_count, self.alert_count, self.opened_at
        ));
        lines.extend(self.alerts.iter().map(|alert| format!("- {alert}")));
        let untold = usize::try_from(self.alert_count).unwrap_or(0).saturating_sub(self.alerts.len());
        if untold > 0 {
            lines.push(format!("- and {untold} more"));
        }
        lines.join("\n")
    }

    /// What can be opened from a message: the word for it and where it leads.
    pub(crate) fn links(&self) -> Vec<(&'static str, &str)> {
        let mut links = Vec::new();
        if self.state == State::Open {
            links.extend(self.acknowledge_url.as_deref().map(|url| ("Acknowledge", url)));
        }
        if self.state != State::Resolved {
            links.extend(self.resolve_url.as_deref().map(|url| ("Resolve", url)));
        }
        let is_web = self.runbook_url.starts_with("https://") || self.runbook_url.starts_with("http://");
        if is_web {
            links.push(("Runbook", &self.runbook_url));
        }
        links
    }

    fn severity(&self) -> Severity {
        Severity::from_word(&self.severity).unwrap_or(Severity::Warning)
    }

    /// The colour of a message about it, as `#RRGGBB`.
    pub(crate) fn colour(&self) -> &'static str {
        if self.state == State::Resolved { "#2EB67D" } else { self.severity().colour() }
    }

    /// Opsgenie's priority.
    pub(crate) fn opsgenie_priority(&self) -> &'static str {
        self.severity().opsgenie()
    }

    fn json(&self) -> Value {
        json!({
            "incidentId": self.incident_id,
            "number": self.number,
            "title": self.title,
            "severity": self.severity,
            "state": self.state.name(),
            "route": self.route,
            "openedAt": self.opened_at.to_string(),
            "acknowledgedBy": self.acknowledged_by,
            "resolvedBy": self.resolved_by,
            "sourceLost": self.is_source_lost,
            "firingCount": self.firing_count,
            "alertCount": self.alert_count,
            "runbookUrl": self.runbook_url,
            "description": self.description,
            "groupLabels": self.group_labels.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "alerts": self.alerts,
        })
    }
}

impl Message {
    /// One line: a mail's subject, the head of a message.
    pub(crate) fn subject(&self) -> String {
        match &self.content {
            Content::Incident(incident) => cut(&incident.headline(), 250),
            Content::Digest(incidents) => {
                let open = incidents.iter().filter(|incident| incident.state != State::Resolved).count();
                format!("[DIGEST] {} incidents, {open} of them open", incidents.len())
            }
            Content::Notice { subject, .. } => one_line(subject),
        }
    }

    /// The text below it.
    pub(crate) fn text(&self) -> String {
        match &self.content {
            Content::Incident(incident) => incident.text(),
            Content::Digest(incidents) => {
                let mut lines: Vec<String> =
                    incidents.iter().take(INCIDENTS_TOLD).map(IncidentView::headline).collect();
                let untold = incidents.len().saturating_sub(INCIDENTS_TOLD);
                if untold > 0 {
                    lines.push(format!("and {untold} more; list them with `larder incident list`"));
                }
                lines.join("\n")
            }
            Content::Notice { text, .. } => text.clone(),
        }
    }

    /// The message for programs.
    pub(crate) fn json(&self) -> Value {
        let kind = match self.content {
            Content::Incident(_) => "incident",
            Content::Digest(_) => "digest",
            Content::Notice { .. } => "notice",
        };
        let incidents: Vec<Value> = match &self.content {
            Content::Incident(incident) => vec![incident.json()],
            Content::Digest(incidents) => incidents.iter().map(IncidentView::json).collect(),
            Content::Notice { .. } => Vec::new(),
        };
        json!({
            "type": format!("larder.{kind}"),
            "tenantId": self.tenant.as_str(),
            "subject": self.subject(),
            "text": self.text(),
            "incidents": incidents,
        })
    }
}

fn alert_line(alert: &AlertRow) -> String {
    let state = match (alert.resolved_at_us, alert.lost_at_us) {
        (Some(_), _) => "resolved",
        (None, Some(_)) => "lost",
        (None, None) => "firing",
    };
    let summary = alert.annotations.get("summary").map(String::as_str).unwrap_or_default();
    let text =
        if summary.is_empty() { alert.labels.to_string() } else { format!("{summary} {}", alert.labels.0) };
    cut(&one_line(&format!("{state}: {text}")), 400)
}

/// The text without line breaks and other control characters: nothing of it may become a header.
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect::<String>()
        .trim()
        .to_owned()
}

/// The text, ended by an ellipsis where it is longer than `most` characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("Bäckerei", 3), "Bä…");
        assert_eq!(cut("Bäcker", 6), "Bäcker");
    }

    #[test]
    fn no_line_break_survives_in_a_line() {
        assert_eq!(one_line("cold\r\nBcc: all@example.org\u{0}"), "cold  Bcc: all@example.org");
    }
}
