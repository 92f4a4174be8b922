//! The agreement between the controller and whoever runs Larder for them: what Article 28(3) of the GDPR wants said, with what
//! Larder does about each point.

use super::record::kept_for;
use super::{Section, Writing, backup_sentences};
use crate::privacy::inventory::TABLES;
use crate::privacy::retention::periods;

pub(super) fn sections(writing: &mut Writing<'_>) -> Vec<Section> {
    let mut sections = vec![
        parties(writing),
        section(
            "Subject and duration",
            &[
                "The processor runs Larder for the controller: recommendations, nutrition and market days. The \
             agreement lasts as long as that does.",
            ],
        ),
        data(writing),
    ];
    sections.extend([
        section("Instructions", &[
            "The processor processes the data on documented instructions of the controller alone, and tells the \
             controller when it holds one to be unlawful.",
        ]),
        section("Confidentiality", &[
            "Whoever has access is bound to secrecy. Access is given by role, and calls that matter are kept in a \
             log that is only ever added to.",
        ]),
        section("Security", &[
            "Tenants are kept apart by the database itself; services prove to each other who they are; backups can \
             be sealed; backups are restored and examined on a schedule.",
        ]),
    ]);
    sections.push(Section {
        heading: "Sub-processors".to_owned(),
        paragraphs: vec![format!(
            "The processor engages: {}. It tells the controller of others beforehand, who may object, and binds \
             them to the same.",
            writing.told("privacy.sub_processors")
        )],
        ..Section::default()
    });
    sections.extend([
        section("Rights of the people concerned", &[
            "The processor helps the controller to answer them: everything about a customer is exported, erased with \
             a report that can be checked, or held, by one call each.",
        ]),
        section("Breaches", &[
            "The processor tells the controller of a breach without undue delay after it knows of it, with what was \
             concerned and what it does about it.",
        ]),
        section("Audits", &[
            "The processor makes available what is needed to show that it keeps to this agreement, among it the \
             audit log, the reports of erasures and of restored backups, and allows inspections.",
        ]),
    ]);
    let mut end = vec![
        "When the agreement ends the processor deletes or returns all personal data, as the controller chooses."
            .to_owned(),
    ];
    end.extend(backup_sentences(writing.backups));
    sections.push(Section { heading: "End".to_owned(), paragraphs: end, ..Section::default() });
    sections
}

fn parties(writing: &mut Writing<'_>) -> Section {
    Section {
        heading: "Parties".to_owned(),
        paragraphs: vec![
            format!(
                "Controller: {}, {}. Contact: {}.",
                writing.told("privacy.controller_name"),
                writing.told("privacy.controller_address"),
                writing.told("privacy.controller_contact")
            ),
            format!(
                "Processor: {}. Contact: {}.",
                writing.told("privacy.processor_name"),
                writing.told("privacy.processor_contact")
            ),
            format!("The data is kept in: {}.", writing.told("privacy.storage_location")),
        ],
        ..Section::default()
    }
}

fn data(writing: &Writing<'_>) -> Section {
    let kept = periods(writing.settings, 0);
    Section {
        heading: "People and data".to_owned(),
        paragraphs: vec!["It is about customers of the controller.".to_owned()],
        columns: vec!["data", "tells of health", "what for", "kept for"],
        rows: TABLES
            .iter()
            .map(|table| {
                let health = if table.is_health { "yes" } else { "no" };
                let cells = [table.about, health, table.purpose].map(str::to_owned);
                cells.into_iter().chain([kept_for(table, &kept)]).collect()
            })
            .collect(),
    }
}

fn section(heading: &str, paragraphs: &[&str]) -> Section {
    let paragraphs = paragraphs.iter().map(|text| (*text).to_owned()).collect();
    Section { heading: heading.to_owned(), paragraphs, ..Section::default() }
}
