//! Cutting and cleaning what a message shows: lengths that every channel can bear, no characters that steer a
//! terminal or turn a text around, and no links but those of the web.

use super::{Message, MessageAlert, MessageIncident, MessageKind, MessageLinks};
use crate::labels::Labels;

/// Characters of a line: a title, a summary, a value of a label.
const LINE_MAX: usize = 300;
/// Characters of a text of several lines.
const TEXT_MAX: usize = 4000;
/// Alerts that are listed.
const ALERTS_MAX: usize = 30;
/// Incidents that a digest lists.
const INCIDENTS_MAX: usize = 50;
/// Labels that are listed.
const LABELS_MAX: usize = 40;
/// Characters of a link, as Slack takes them.
const LINK_MAX: usize = 3000;

/// The message as templates see it. What is cut off is not copied first: a storm has thousands of alerts.
pub(super) fn clean(message: &Message) -> Message {
    let mut links = links(&message.links);
    if message.kind == MessageKind::Resolved {
        (links.acknowledge, links.resolve) = (None, None);
    }
    let more = |all: usize, max: usize, more: u32| more.saturating_add(count(all.saturating_sub(max)));
    Message {
        kind: message.kind,
        incident_id: line(&message.incident_id),
        number: message.number,
        title: line(&message.title),
        severity: message.severity,
        state: line(&message.state),
        by: line(&message.by),
        firing_alerts: message.firing_alerts,
        description: text(&message.description),
        opened_at: message.opened_at,
        labels: labels(&message.labels),
        alerts: message.alerts.iter().take(ALERTS_MAX).map(alert).collect(),
        more_alerts: more(message.alerts.len(), ALERTS_MAX, message.more_alerts),
        incidents: message.incidents.iter().take(INCIDENTS_MAX).map(incident).collect(),
        more_incidents: more(message.incidents.len(), INCIDENTS_MAX, message.more_incidents),
        links,
        reason: line(&message.reason),
        time_zone: message.time_zone.clone(),
    }
}

fn alert(alert: &MessageAlert) -> MessageAlert {
    MessageAlert {
        state: line(&alert.state),
        summary: line(&alert.summary),
        labels: labels(&alert.labels),
        starts_at: alert.starts_at,
    }
}

fn incident(incident: &MessageIncident) -> MessageIncident {
    MessageIncident {
        title: line(&incident.title),
        severity: incident.severity,
        state: line(&incident.state),
        alerts: incident.alerts,
        url: link(incident.url.as_deref()),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn labels(labels: &Labels) -> Labels {
    labels.iter().take(LABELS_MAX).map(|(name, value)| (line(name), line(value))).collect()
}

fn links(links: &MessageLinks) -> MessageLinks {
    MessageLinks {
        incident: link(links.incident.as_deref()),
        acknowledge: link(links.acknowledge.as_deref()),
        resolve: link(links.resolve.as_deref()),
        runbook: link(links.runbook.as_deref()),
        dashboard: link(links.dashboard.as_deref()),
        source: link(links.source.as_deref()),
    }
}

/// Only what a browser opens as a page, and nothing that could end the place where it is written.
fn link(link: Option<&str>) -> Option<String> {
    let link = link?.trim();
    let lower = link.to_ascii_lowercase();
    let leads_to_the_web = lower.starts_with("https://") || lower.starts_with("http://");
    let plain = |character: char| character.is_ascii_graphic() && !"\"'<>|\\^`{}".contains(character);
    (leads_to_the_web && link.len() <= LINK_MAX && link.chars().all(plain)).then(|| link.to_owned())
}

/// One line: every control character, line breaks included, is a space.
pub(super) fn line(text: &str) -> String {
    let spaced = text.chars().filter(|character| !turns_around(*character)).take(4 * LINE_MAX);
    let spaced: String =
        spaced.map(|character| if character.is_control() { ' ' } else { character }).collect();
    cut(spaced.trim(), LINE_MAX)
}

/// Several lines, without other control characters.
pub(super) fn text(text: &str) -> String {
    let keep =
        |character: &char| (!character.is_control() || *character == '\n') && !turns_around(*character);
    let text: String = text.chars().filter(keep).take(4 * TEXT_MAX).collect();
    cut(text.trim(), TEXT_MAX)
}

/// Marks that change the direction of writing, by which a text can look like another.
fn turns_around(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Cuts to so many characters, the last of which says that something is missing.
pub(super) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
