//! Documents made of the inventory and the settings: what is kept (the record of Article 30 of the GDPR), a notice for customers
//! (Articles 13 and 14) and an agreement between controller and processor (Article 28). They are drafts: what nobody has set is
//! marked, and no sentence here is legal advice.

mod agreement;
mod notice;
mod record;

use std::fmt::Write;

use larder_settings::PrivacySettings;

use super::{BackupPeriod, PrivacyRules};

/// What a document is made of.
pub(crate) struct Document {
    pub(crate) title: &'static str,
    pub(crate) sections: Vec<Section>,
    /// The settings that it needs and nobody has set.
    pub(crate) missing: Vec<&'static str>,
}

/// Sentences, then perhaps a table.
#[derive(Default)]
pub(crate) struct Section {
    pub(crate) heading: String,
    pub(crate) paragraphs: Vec<String>,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// The names of the documents.
pub(crate) const KINDS: [&str; 3] = ["inventory", "notice", "agreement"];

/// The document of this name.
pub(crate) fn document(rules: &PrivacyRules, kind: &str) -> Option<Document> {
    let mut writing = Writing { settings: &rules.settings, backups: &rules.backups, missing: Vec::new() };
    let (title, sections) = match kind {
        "inventory" => ("Record of personal data", record::sections(&mut writing)),
        "notice" => ("Privacy notice", notice::sections(&mut writing)),
        "agreement" => ("Data processing agreement", agreement::sections(&mut writing)),
        _ => return None,
    };
    Some(Document { title, sections, missing: writing.missing })
}

/// A document on its way.
struct Writing<'a> {
    settings: &'a PrivacySettings,
    backups: &'a [BackupPeriod],
    missing: Vec<&'static str>,
}

impl Writing<'_> {
    /// What a setting says, or a mark that somebody has to say it.
    fn told(&mut self, setting: &'static str) -> String {
        let PrivacySettings { controller_name, controller_address, controller_contact, .. } = self.settings;
        let PrivacySettings { processor_name, processor_contact, sub_processors, .. } = self.settings;
        let value = match setting {
            "privacy.controller_name" => controller_name,
            "privacy.controller_address" => controller_address,
            "privacy.controller_contact" => controller_contact,
            "privacy.protection_officer" => &self.settings.protection_officer,
            "privacy.supervisory_authority" => &self.settings.supervisory_authority,
            "privacy.processor_name" => processor_name,
            "privacy.processor_contact" => processor_contact,
            "privacy.sub_processors" => sub_processors,
            _ => &self.settings.storage_location,
        };
        if let Some(value) = value {
            return value.clone();
        }
        if !self.missing.contains(&setting) {
            self.missing.push(setting);
        }
        format!("[TO BE FILLED IN: {setting}]")
    }
}

/// How long backups hold what was removed, a sentence a target.
fn backup_sentences(backups: &[BackupPeriod]) -> Vec<String> {
    if backups.is_empty() {
        let nobody =
            "Larder is not set to keep backups; whoever else copies its database has periods of their own.";
        return vec![nobody.to_owned()];
    }
    let sentence = |backup: &BackupPeriod| match backup.days {
        Some(days) => format!(
            "What was removed stays in {} for up to {}, and in the newest {} until newer ones take their place.",
            backup.target,
            day_count(days),
            backup.newest_kept
        ),
        None => format!("How long {} keep theirs stands in that file.", backup.target),
    };
    backups.iter().map(sentence).collect()
}

fn day_count(days: u32) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

impl Document {
    /// The whole document as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("# {}\n", self.title);
        for section in &self.sections {
            write(&mut text, format_args!("\n## {}\n", section.heading));
            for paragraph in &section.paragraphs {
                write(&mut text, format_args!("\n{}\n", escaped(paragraph)));
            }
            if section.columns.is_empty() {
                continue;
            }
            write(&mut text, format_args!("\n| {} |\n", section.columns.join(" | ")));
            write(&mut text, format_args!("|{}\n", " --- |".repeat(section.columns.len())));
            for row in &section.rows {
                let cells: Vec<_> = row.iter().map(|cell| escaped(cell).replace('|', "\\|")).collect();
                write(&mut text, format_args!("| {} |\n", cells.join(" | ")));
            }
        }
        text
    }
}

fn write(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).expect("a text takes whatever is written");
}

/// What a setting says is text and no markup.
fn escaped(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace('\\', "\\\\").replace('<', "&lt;").replace('*', "\\*").replace('`', "\\`")
}

#[cfg(test)]
mod tests {
    use larder_settings::Settings;

    use super::super::inventory::TABLES;
    use super::*;

    #[test]
    fn every_document_marks_what_nobody_has_set_and_tells_what_somebody_has() {
        let mut settings = Settings::default();
        for kind in KINDS {
            let document = document(&PrivacyRules::of(&settings), kind).unwrap();
            let text = document.markdown();
            assert!(!document.missing.is_empty(), "{kind}");
            for setting in &document.missing {
                assert!(text.contains(&format!("[TO BE FILLED IN: {setting}]")), "{kind}: {setting}");
            }
        }
        settings.privacy.controller_name = Some("Boer | Söhne <b>".to_owned());
        settings.privacy.interactions_days = 730;
        for kind in KINDS {
            let document = document(&PrivacyRules::of(&settings), kind).unwrap();
            let text = document.markdown();
            assert!(!document.missing.contains(&"privacy.controller_name"), "{kind}");
            assert!(text.contains("Boer ") && text.contains("&lt;b>") && !text.contains("<b>"), "{kind}");
            assert!(text.contains("730 days"), "{kind}: {text}");
        }
    }

    #[test]
    fn the_record_has_every_column_of_every_table() {
        let record = document(&PrivacyRules::of(&Settings::default()), "inventory").unwrap();
        for table in &TABLES {
            let section = record.sections.iter().find(|section| section.heading == table.name).unwrap();
            let told: Vec<_> = section.rows.iter().map(|row| row[0].as_str()).collect();
            let columns: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
            assert_eq!(told, columns);
        }
    }

    #[test]
    fn there_are_no_other_documents() {
        assert!(document(&PrivacyRules::of(&Settings::default()), "contract").is_none());
    }
}
