//! What is left of an incident for those who learn from it: its course, its alerts and its figures, as Markdown to
//! write on in, or as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::labels::Labels;
use crate::severity::Severity;

/// Everything that an export tells.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostMortem {
    /// The incident's id.
    pub incident_id: String,
    /// The number by which people call it.
    pub number: i64,
    /// What it was about.
    pub title: String,
    /// How bad it was.
    pub severity: Severity,
    /// Where it stands, in a word.
    pub state: String,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it was first acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// By whom; empty when nobody did.
    pub acknowledged_by: String,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// By whom; empty when its alerts said so.
    pub resolved_by: String,
    /// The labels that its alerts shared.
    pub labels: Labels,
    /// What to do about it.
    pub runbook_url: Option<String>,
    /// Its alerts.
    pub alerts: Vec<PostMortemAlert>,
    /// What happened, in order.
    pub timeline: Vec<PostMortemEntry>,
    /// Whether the hashes of the history fit.
    pub timeline_intact: bool,
    /// The last hash of its history, as hexadecimal digits: whoever keeps it can tell later whether the history is
    /// still the same.
    pub history_hash: String,
}

/// An alert of an incident.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostMortemAlert {
    /// Its labels.
    pub labels: Labels,
    /// What was told about it.
    pub annotations: BTreeMap<String, String>,
    /// Who told of it.
    pub source: String,
    /// Since when it fired.
    pub starts_at: Timestamp,
    /// When it ended.
    pub resolved_at: Option<Timestamp>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostMortemEntry {
    /// Its place, from 1.
    pub sequence: i32,
    /// When.
    pub at: Timestamp,
    /// What, in a word or two.
    pub kind: String,
    /// Who did it; empty when nobody in particular did.
    pub actor: String,
    /// What else is to be said.
    pub text: String,
    /// Its hash, as hexadecimal digits.
    pub hash: String,
}

impl PostMortem {
    /// As JSON, indented.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts and times are always JSON")
    }

    /// As Markdown, its times in a zone. What people and alerts wrote stays text: nothing of it becomes a heading, a
    /// link or a table.
    pub fn to_markdown(&self, zone: &TimeZone) -> String {
        let mut page = String::new();
        self.write_markdown(&mut page, zone).expect("writing to a string cannot fail");
        page
    }

    fn write_markdown(&self, page: &mut String, zone: &TimeZone) -> std::fmt::Result {
        let time = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
        let told = |at: Option<Timestamp>, by: &str| match (at, by) {
            (Some(at), "") => format!("{} (after {})", time(at), length(self.opened_at, at)),
            (Some(at), by) => {
                format!("{} (after {}), by {}", time(at), length(self.opened_at, at), plain(by))
            }
            (None, _) => "never".to_owned(),
        };
        writeln!(page, "# Incident #{}: {}\n", self.number, plain(&self.title))?;
        writeln!(page, "| | |\n| --- | --- |")?;
        writeln!(page, "| incident | {} |", plain(&self.incident_id))?;
        writeln!(page, "| severity | {} |", self.severity.word())?;
        writeln!(page, "| state | {} |", plain(&self.state))?;
        writeln!(page, "| began | {} |", time(self.opened_at))?;
        writeln!(page, "| acknowledged | {} |", told(self.acknowledged_at, &self.acknowledged_by))?;
        writeln!(page, "| resolved | {} |", told(self.resolved_at, &self.resolved_by))?;
        for (name, value) in self.labels.iter() {
            writeln!(page, "| {} | {} |", plain(name), plain(value))?;
        }
        if let Some(runbook) = &self.runbook_url {
            writeln!(page, "| runbook | {} |", plain(runbook))?;
        }
        writeln!(page, "\n## What happened\n\n| when | what | who | more |\n| --- | --- | --- | --- |")?;
        for entry in &self.timeline {
            let (kind, actor, text) = (plain(&entry.kind), plain(&entry.actor), plain(&entry.text));
            writeln!(page, "| {} | {kind} | {actor} | {text} |", time(entry.at))?;
        }
        if !self.timeline_intact {
            writeln!(
                page,
                "\n**The hashes of this history do not fit: it was changed after it was written.**"
            )?;
        }
        writeln!(page, "\n## Alerts\n\n| since | lasted | what |\n| --- | --- | --- |")?;
        for alert in &self.alerts {
            let lasted =
                alert.resolved_at.map_or_else(|| "to the end".to_owned(), |end| length(alert.starts_at, end));
            let summary = alert.annotations.get("summary").map(String::as_str).unwrap_or_default();
            let (summary, labels) = (plain(summary), plain(&alert.labels.to_string()));
            writeln!(page, "| {} | {lasted} | {summary} {labels} |", time(alert.starts_at))?;
        }
        for heading in [
            "What it did to our customers",
            "Why it happened",
            "What went well",
            "What we change, who and until when",
        ] {
            writeln!(page, "\n## {heading}\n\n(to be written)")?;
        }
        writeln!(page, "\nHash of the history: `{}`", plain(&self.history_hash))
    }
}

/// `1 h 5 min`.
fn length(from: Timestamp, until: Timestamp) -> String {
    let seconds = until.duration_since(from).as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds % 86_400 / 3600, seconds % 3600 / 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// One line in which no character means anything to Markdown or HTML.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            character if character.is_control() => plain.push(' '),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '!' | '~' => plain.extend(['\\', character]),
            character => plain.push(character),
        }
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn post_mortem() -> PostMortem {
        let labels: Labels = [("alertname", "PostgresDown"), ("service", "shop")].into_iter().collect();
        let entry = |sequence, at: &str, kind: &str, actor: &str, text: &str| PostMortemEntry {
            sequence,
            at: instant(at),
            kind: kind.into(),
            actor: actor.into(),
            text: text.into(),
            hash: "00".into(),
        };
        PostMortem {
            incident_id: "019aa0c3".into(),
            number: 17,
            title: "a|b\n# <script> [x](y)".into(),
            severity: Severity::Critical,
            state: "resolved".into(),
            opened_at: instant("2026-10-24T23:30:00Z"),
            acknowledged_at: Some(instant("2026-10-24T23:34:00Z")),
            acknowledged_by: "ana".into(),
            resolved_at: Some(instant("2026-10-25T02:40:10Z")),
            resolved_by: String::new(),
            alerts: vec![PostMortemAlert {
                annotations: [("summary".to_owned(), "the primary | answers <b>no</b> more".to_owned())]
                    .into(),
                labels: labels.clone(),
                source: "prometheus".into(),
                starts_at: instant("2026-10-24T23:29:30Z"),
                resolved_at: None,
            }],
            labels,
            runbook_url: Some("https://example.org/run_book#x".into()),
            timeline: vec![
                entry(1, "2026-10-24T23:30:00Z", "opened", "", "2 alerts fire"),
                entry(2, "2026-10-24T23:34:00Z", "acknowledged", "ana", "on my way\n| forged | row | here |"),
                entry(3, "2026-10-25T02:40:10Z", "resolved", "", ""),
            ],
            timeline_intact: true,
            history_hash: "00ff".into(),
        }
    }

    #[test]
    fn a_page_to_write_on_in() {
        insta::assert_snapshot!(post_mortem().to_markdown(&TimeZone::get("Europe/Paris").expect("a zone")));
    }

    #[test]
    fn a_history_that_was_changed_is_told() {
        let changed = PostMortem { timeline_intact: false, ..post_mortem() };
        assert!(changed.to_markdown(&TimeZone::UTC).contains("was changed after it was written"));
    }

    #[test]
    fn json_is_read_back() {
        let read: PostMortem = serde_json::from_str(&post_mortem().to_json()).expect("its own JSON");
        assert_eq!(read, post_mortem());
    }
}
