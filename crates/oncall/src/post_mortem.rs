//! What is left of an incident for those who learn from it: its course, its alerts and its figures, as Markdown to
//! write on in, or as JSON.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::labels::Labels;
use crate::severity::Severity;

/// Everything that an export tells.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PostMortem {
    /// The incident's id.
    pub incident_id: String,
    /// What it was about.
    pub title: String,
    /// How bad it was.
    pub severity: Severity,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it was first acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// The labels that its alerts shared.
    pub labels: Labels,
    /// What to do about it.
    pub runbook_url: Option<String>,
    /// Its alerts.
    pub alerts: Vec<PostMortemAlert>,
    /// What happened, in order.
    pub entries: Vec<PostMortemEntry>,
    /// The last hash of its history, as hexadecimal digits: whoever keeps it can tell later whether the history is
    /// still the same.
    pub history_hash: String,
}

/// An alert of an incident.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PostMortemAlert {
    /// What it was about.
    pub summary: String,
    /// Its labels.
    pub labels: Labels,
    /// Since when it fired.
    pub starts_at: Timestamp,
    /// When it ended.
    pub ends_at: Option<Timestamp>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PostMortemEntry {
    /// When.
    pub at: Timestamp,
    /// Who did it; empty when nobody in particular did.
    pub who: String,
    /// What.
    pub what: String,
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
        let told = |at: Option<Timestamp>| match at {
            Some(at) => format!("{} (after {})", time(at), length(self.opened_at, at)),
            None => "never".to_owned(),
        };
        writeln!(page, "# {}\n", plain(&self.title))?;
        writeln!(page, "| | |\n| --- | --- |")?;
        writeln!(page, "| incident | {} |", plain(&self.incident_id))?;
        writeln!(page, "| severity | {} |", self.severity.word())?;
        writeln!(page, "| began | {} |", time(self.opened_at))?;
        writeln!(page, "| acknowledged | {} |", told(self.acknowledged_at))?;
        writeln!(page, "| resolved | {} |", told(self.resolved_at))?;
        for (name, value) in self.labels.iter() {
            writeln!(page, "| {} | {} |", plain(name), plain(value))?;
        }
        if let Some(runbook) = &self.runbook_url {
            writeln!(page, "| runbook | {} |", plain(runbook))?;
        }
        writeln!(page, "\n## What happened\n\n| when | who | what |\n| --- | --- | --- |")?;
        for entry in &self.entries {
            writeln!(page, "| {} | {} | {} |", time(entry.at), plain(&entry.who), plain(&entry.what))?;
        }
        writeln!(page, "\n## Alerts\n\n| since | lasted | what |\n| --- | --- | --- |")?;
        for alert in &self.alerts {
            let lasted =
                alert.ends_at.map_or_else(|| "to the end".to_owned(), |end| length(alert.starts_at, end));
            writeln!(
                page,
                "| {} | {lasted} | {} {} |",
                time(alert.starts_at),
                plain(&alert.summary),
                plain(&alert.labels.to_string())
            )?;
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
        let entry = |at: &str, who: &str, what: &str| PostMortemEntry {
            at: instant(at),
            who: who.into(),
            what: what.into(),
        };
        PostMortem {
            incident_id: "019aa0c3".into(),
            title: "PostgresDown of shop".into(),
            severity: Severity::Critical,
            opened_at: instant("2026-10-24T23:30:00Z"),
            acknowledged_at: Some(instant("2026-10-24T23:34:00Z")),
            resolved_at: Some(instant("2026-10-25T02:40:10Z")),
            alerts: vec![PostMortemAlert {
                summary: "the primary | answers <b>no</b> more".into(),
                labels: labels.clone(),
                starts_at: instant("2026-10-24T23:29:30Z"),
                ends_at: None,
            }],
            labels,
            runbook_url: Some("https://example.org/run_book#x".into()),
            entries: vec![
                entry("2026-10-24T23:30:00Z", "", "opened"),
                entry("2026-10-24T23:34:00Z", "ana", "acknowledged\n| forged | row | here |"),
                entry("2026-10-25T02:40:10Z", "", "resolved"),
            ],
            history_hash: "00ff".into(),
        }
    }

    #[test]
    fn a_page_to_write_on_in() {
        insta::assert_snapshot!(post_mortem().to_markdown(&TimeZone::get("Europe/Paris").expect("a zone")));
    }

    #[test]
    fn json_is_read_back() {
        let read: PostMortem = serde_json::from_str(&post_mortem().to_json()).expect("its own JSON");
        assert_eq!(read, post_mortem());
    }
}
