//! What is told, before any channel makes its own shape of it. A message about an incident tells its
//! state at the moment of sending, so a message that waited is never old news. How it reads is
//! `larder_oncall::notification`'s; here is what of an incident it is made of.

use larder_identity::TenantId;
use larder_oncall::incident::IncidentEvent;
use larder_oncall::labels::Labels;
use larder_oncall::notification::{
    self, MessageAlert, MessageIncident, MessageKind, MessageLinks, Templates,
};
use larder_oncall::severity::Severity;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::timestamp;
use crate::course;
use crate::store::incidents::{IncidentRow, State};
use crate::store::notifications::Kind;
use crate::store::reading::AlertRow;

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
    /// A word that is about no incident.
    Notice(Box<notification::Message>),
}

/// Who reads a message, as far as it changes what it says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reader {
    /// Why they are told; may be empty.
    pub(crate) reason: String,
    /// Their zone, as an IANA name.
    pub(crate) time_zone: String,
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
    pub(crate) firing_count: i32,
    pub(crate) alert_count: i32,
    pub(crate) group_labels: Vec<(String, String)>,
    pub(crate) reader: Reader,
    pub(crate) acknowledge_url: Option<String>,
    pub(crate) resolve_url: Option<String>,
    kind: MessageKind,
    acknowledged_by: String,
    resolved_by: String,
    is_source_lost: bool,
    is_flapping: bool,
    runbook_url: String,
    dashboard_url: String,
    source_url: String,
    description: String,
    labels: Labels,
    alerts: Vec<MessageAlert>,
}

impl IncidentView {
    /// The view of an incident with its alerts; links are put in by whoever can sign them.
    pub(crate) fn new(row: &IncidentRow, alerts: &[AlertRow], told: Kind) -> Self {
        let annotation = |name: &str| row.common_annotations.get(name).cloned().unwrap_or_default();
        let group_labels = row.group_labels.iter();
        Self {
            incident_id: row.incident_id,
            number: row.incident_number,
            title: one_line(&row.title),
            severity: row.severity.clone(),
            state: row.state,
            route: row.route.clone(),
            opened_at: timestamp(row.opened_at_us),
            firing_count: row.firing_count,
            alert_count: row.alert_count,
            group_labels: group_labels.map(|(name, value)| (name.clone(), value.clone())).collect(),
            reader: Reader::default(),
            acknowledge_url: None,
            resolve_url: None,
            kind: kind(row, told),
            acknowledged_by: one_line(&row.acknowledged_by),
            resolved_by: one_line(&row.resolved_by),
            is_source_lost: row.is_source_lost,
            is_flapping: row.is_flapping,
            runbook_url: row.runbook_url.clone(),
            dashboard_url: annotation("dashboard_url"),
            source_url: alerts.first().map(|alert| alert.generator_url.clone()).unwrap_or_default(),
            description: annotation("description"),
            labels: row.common_labels.0.clone().into(),
            alerts: alerts.iter().map(alert).collect(),
        }
    }

    /// What people call it by.
    pub(crate) fn name(&self) -> String {
        format!("#{} {}", self.number, self.title)
    }

    /// Where it comes from, in a word.
    pub(crate) fn origin(&self) -> String {
        let of =
            |wanted: &str| self.group_labels.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let origin = ["instance", "service", "job"].into_iter().find_map(of);
        origin.map_or_else(|| "larder".to_owned(), |origin| one_line(origin))
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

    /// Opsgenie's priority.
    pub(crate) fn opsgenie_priority(&self) -> &'static str {
        self.severity().opsgenie()
    }

    /// What templates see.
    pub(crate) fn told(&self) -> notification::Message {
        let some = |url: &String| Some(url.clone()).filter(|url| !url.is_empty());
        let is_open = self.state == State::Open;
        let by = match self.state {
            State::Open => String::new(),
            State::Acknowledged => self.acknowledged_by.clone(),
            State::Resolved => self.resolved_by.clone(),
        };
        let untold = usize::try_from(self.alert_count).unwrap_or(0).saturating_sub(self.alerts.len());
        notification::Message {
            kind: self.kind,
            incident_id: self.incident_id.to_string(),
            number: self.number,
            title: self.title.clone(),
            severity: self.severity(),
            state: self.state.name().to_owned(),
            by,
            description: self.description.clone(),
            firing_alerts: u32::try_from(self.firing_count).unwrap_or(0),
            opened_at: self.opened_at,
            labels: self.labels.clone(),
            alerts: self.alerts.clone(),
            more_alerts: u32::try_from(untold).unwrap_or(u32::MAX),
            incidents: Vec::new(),
            more_incidents: 0,
            links: MessageLinks {
                incident: None,
                acknowledge: self.acknowledge_url.clone().filter(|_| is_open),
                resolve: self.resolve_url.clone().filter(|_| self.state != State::Resolved),
                runbook: some(&self.runbook_url),
                dashboard: some(&self.dashboard_url),
                source: some(&self.source_url),
            },
            reason: self.reader.reason.clone(),
            time_zone: self.reader.time_zone.clone(),
        }
    }

    fn json(&self) -> Value {
        let line = |alert: &MessageAlert| format!("{}: {} {}", alert.state, alert.summary, alert.labels);
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
            "flapping": self.is_flapping,
            "firingCount": self.firing_count,
            "alertCount": self.alert_count,
            "runbookUrl": self.runbook_url,
            "description": self.description,
            "groupLabels": self.group_labels.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "alerts": self.alerts.iter().map(|alert| cut(&one_line(&line(alert)), 400)).collect::<Vec<_>>(),
        })
    }
}

impl Message {
    /// What templates see.
    pub(crate) fn told(&self) -> notification::Message {
        match &self.content {
            Content::Incident(incident) => incident.told(),
            Content::Digest(incidents) => digest(incidents, timestamp(self.now_us)),
            Content::Notice(notice) => notice.as_ref().clone(),
        }
    }

    /// What a receiver that keeps track knows it by: several messages may be about one thing.
    pub(crate) fn thing(&self) -> String {
        match &self.content {
            Content::Incident(incident) => incident.incident_id.to_string(),
            Content::Notice(notice) if !notice.incident_id.is_empty() => notice.incident_id.clone(),
            Content::Digest(_) | Content::Notice(_) => self.notification_id.to_string(),
        }
    }

    /// One line, and the text below it.
    pub(crate) fn texts(&self, templates: &Templates) -> (String, String) {
        let rendered = templates.plain(&self.told());
        note_problems(&rendered.problems);
        rendered.content
    }

    /// The message for programs.
    pub(crate) fn json(&self, templates: &Templates) -> Value {
        let kind = match self.content {
            Content::Incident(_) => "incident",
            Content::Digest(_) => "digest",
            Content::Notice(_) => "notice",
        };
        let incidents: Vec<Value> = match &self.content {
            Content::Incident(incident) => vec![incident.json()],
            Content::Digest(incidents) => incidents.iter().map(IncidentView::json).collect(),
            Content::Notice(_) => Vec::new(),
        };
        let (subject, text) = self.texts(templates);
        json!({
            "type": format!("larder.{kind}"),
            "tenantId": self.tenant.as_str(),
            "subject": subject,
            "text": text,
            "incidents": incidents,
        })
    }
}

/// Templates of the file that failed; Larder's own have taken their place.
pub(crate) fn note_problems(problems: &[notification::InvalidTemplate]) {
    for problem in problems {
        tracing::warn!(error.cause = %problem, "a template of the on-call file failed; Larder's own took its place");
    }
}

fn digest(incidents: &[IncidentView], now: jiff::Timestamp) -> notification::Message {
    let open = incidents.iter().filter(|incident| incident.state != State::Resolved).count();
    let worst = incidents.iter().filter(|incident| incident.state != State::Resolved);
    let shown = incidents.iter().map(|incident| MessageIncident {
        title: incident.name(),
        severity: incident.severity(),
        state: incident.state.name().to_owned(),
        alerts: u32::try_from(incident.alert_count).unwrap_or(0),
        url: None,
    });
    notification::Message {
        kind: MessageKind::Digest,
        title: format!("{} incidents, {open} of them open", incidents.len()),
        severity: worst.map(IncidentView::severity).min().unwrap_or(Severity::Info),
        incidents: shown.collect(),
        ..notification::Message::bare(now)
    }
}

/// Why it is told now.
fn kind(row: &IncidentRow, told: Kind) -> MessageKind {
    match (row.state, told) {
        (State::Resolved, _) => MessageKind::Resolved,
        _ if row.is_source_lost => MessageKind::SourceLost,
        _ if row.is_flapping => MessageKind::Flapping,
        (_, Kind::Update | Kind::Warning) => MessageKind::Changed,
        (_, Kind::Page) => {
            let course = course::of(row);
            let is = |wanted: &IncidentEvent| course.iter().filter(|(_, event)| event == wanted).count();
            if is(&IncidentEvent::AcknowledgementLapsed) > 0 {
                MessageKind::Lapsed
            } else if is(&IncidentEvent::Opened) > 1 {
                MessageKind::Reminder
            } else {
                MessageKind::Fired
            }
        }
    }
}

fn alert(alert: &AlertRow) -> MessageAlert {
    let state = match (alert.resolved_at_us, alert.lost_at_us) {
        _ if alert.is_flapping => "flapping",
        (Some(_), _) => "resolved",
        (None, Some(_)) => "source_lost",
        (None, None) => "firing",
    };
    let summary = alert.annotations.get("summary").map(String::as_str).unwrap_or_default();
    let name = alert.labels.alert_name();
    MessageAlert {
        state: state.to_owned(),
        summary: if summary.is_empty() { name.to_owned() } else { summary.to_owned() },
        labels: alert.labels.0.clone(),
        starts_at: timestamp(alert.starts_at_us),
    }
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
