//! Everything about an incident for whoever writes the post-mortem: as Markdown to go on writing in, and as
//! JSON for programs.

use serde_json::{Value, json};

use crate::clock::timestamp;
use crate::message::one_line;
use crate::store::incidents::IncidentRow;
use crate::store::reading::AlertRow;
use crate::store::timeline::EntryRow;

/// An incident with all that belongs to it.
pub(crate) struct Whole {
    pub(crate) incident: IncidentRow,
    pub(crate) alerts: Vec<AlertRow>,
    pub(crate) timeline: Vec<EntryRow>,
    pub(crate) is_intact: bool,
}

impl Whole {
    /// A document with the facts filled in and the questions left open.
    pub(crate) fn markdown(&self) -> String {
        let incident = &self.incident;
        let mut text = format!("# Incident #{}: {}\n\n", incident.incident_number, plain(&incident.title));
        text.push_str(&self.facts());
        text.push_str("\n## Timeline\n\n");
        for entry in &self.timeline {
            let actor =
                if entry.actor.is_empty() { String::new() } else { format!(" by {}", plain(&entry.actor)) };
            let words =
                if entry.text.is_empty() { String::new() } else { format!(": {}", plain(&entry.text)) };
            text.push_str(&format!(
                "- {} **{}**{actor}{words}\n",
                timestamp(entry.at_us),
                plain(&entry.kind)
            ));
        }
        if !self.is_intact {
            text.push_str(
                "\n**The hashes of this timeline do not fit: it was changed after it was written.**\n",
            );
        }
        text.push_str("\n## Alerts\n\n");
        for alert in &self.alerts {
            text.push_str(&format!(
                "- `{}` since {}",
                alert.labels.0.to_string().replace('`', "'"),
                timestamp(alert.starts_at_us)
            ));
            if let Some(at_us) = alert.resolved_at_us {
                text.push_str(&format!(" until {}", timestamp(at_us)));
            }
            text.push('\n');
        }
        text.push_str(
            "\n## What happened\n\n\n## Why it happened\n\n\n## What went well, and what did not\n\n\n\
             ## What we change\n\n- [ ] \n",
        );
        text
    }

    fn facts(&self) -> String {
        let incident = &self.incident;
        let mut rows = vec![
            ("severity", incident.severity.clone()),
            ("state", incident.state.name().to_owned()),
            ("opened", timestamp(incident.opened_at_us).to_string()),
        ];
        let after = |at_us: i64| {
            format!("{} (after {} s)", timestamp(at_us), (at_us - incident.opened_at_us) / 1_000_000)
        };
        if let Some(at_us) = incident.acknowledged_at_us {
            rows.push(("acknowledged", after(at_us)));
        }
        if let Some(at_us) = incident.resolved_at_us {
            rows.push(("resolved", after(at_us)));
        }
        rows.push(("alerts", incident.alert_count.to_string()));
        if !incident.runbook_url.is_empty() {
            rows.push(("runbook", incident.runbook_url.clone()));
        }
        let rows: String =
            rows.iter().map(|(name, value)| format!("| {name} | {} |\n", plain(value))).collect();
        format!("| | |\n| --- | --- |\n{rows}")
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        let incident = &self.incident;
        let at = |at_us: Option<i64>| at_us.map(|at_us| timestamp(at_us).to_string());
        let timeline: Vec<Value> = self
            .timeline
            .iter()
            .map(|entry| {
                json!({
                    "sequence": entry.sequence,
                    "at": timestamp(entry.at_us).to_string(),
                    "kind": entry.kind,
                    "actor": entry.actor,
                    "text": entry.text,
                    "hash": entry.hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
                })
            })
            .collect();
        let alerts: Vec<Value> = self
            .alerts
            .iter()
            .map(|alert| {
                json!({
                    "labels": alert.labels.0,
                    "annotations": alert.annotations.0,
                    "startsAt": timestamp(alert.starts_at_us).to_string(),
                    "resolvedAt": at(alert.resolved_at_us),
                    "source": alert.source,
                })
            })
            .collect();
        json!({
            "incidentId": incident.incident_id,
            "number": incident.incident_number,
            "title": incident.title,
            "severity": incident.severity,
            "state": incident.state.name(),
            "groupLabels": incident.group_labels.0,
            "runbookUrl": incident.runbook_url,
            "openedAt": at(Some(incident.opened_at_us)),
            "acknowledgedAt": at(incident.acknowledged_at_us),
            "acknowledgedBy": incident.acknowledged_by,
            "resolvedAt": at(incident.resolved_at_us),
            "resolvedBy": incident.resolved_by,
            "timeline": timeline,
            "timelineIntact": self.is_intact,
            "alerts": alerts,
        })
    }
}

/// One line in which nothing is Markdown or HTML.
fn plain(text: &str) -> String {
    let mut escaped = String::new();
    for letter in one_line(text).chars() {
        if "\\`*_[]<>#|!".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_title_is_markdown() {
        assert_eq!(plain("a|b\n# <script> [x](y)"), "a\\|b \\# \\<script\\> \\[x\\](y)");
    }
}
