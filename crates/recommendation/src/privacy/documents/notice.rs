//! The notice for customers: who keeps what of them, what for, how long, and what they may ask for.

use super::record::kept_for;
use super::{Section, Writing, backup_sentences};
use crate::privacy::inventory::TABLES;
use crate::privacy::retention::periods;

/// What is kept for the service's own sake and told in the record alone.
const NOT_COLLECTED: [&str; 2] = ["import_undo", "legal_holds"];

pub(super) fn sections(writing: &mut Writing<'_>) -> Vec<Section> {
    vec![
        section(
            "Who is responsible",
            vec![
                format!(
                    "{}, {}, is responsible for your data. You reach us at {}.",
                    writing.told("privacy.controller_name"),
                    writing.told("privacy.controller_address"),
                    writing.told("privacy.controller_contact")
                ),
                format!("Our data protection officer: {}.", writing.told("privacy.protection_officer")),
            ],
        ),
        collected(writing),
        section(
            "Where it is and who gets it",
            vec![
                format!("Your data is kept in: {}.", writing.told("privacy.storage_location")),
                format!(
                    "On our behalf it is processed by {}, with the help of {}. It is sold to nobody.",
                    writing.told("privacy.processor_name"),
                    writing.told("privacy.sub_processors")
                ),
            ],
        ),
        section("Backups", backup_sentences(writing.backups)),
        section(
            "How recommendations are made",
            vec![
                "What you bought and looked at, what others bought, and what you told us of your diet, allergens \
                 and goals decide in which order products are shown to you. Nothing else is decided about you \
                 by it."
                    .to_owned(),
            ],
        ),
        section(
            "What you may ask for",
            vec![
                "You may have a copy of everything we keep about you, have it corrected, have it erased, have its \
                 use restricted, object to its use, and take it elsewhere in a form that programs read. What \
                 you agreed to you may take back at any time; what was done before stays lawful."
                    .to_owned(),
                format!(
                    "Write to {}. You may also complain to {}.",
                    writing.told("privacy.controller_contact"),
                    writing.told("privacy.supervisory_authority")
                ),
                "Where a court or the law wants something to be kept, it is erased when that is over.".to_owned(),
            ],
        ),
    ]
}

fn collected(writing: &Writing<'_>) -> Section {
    let kept = periods(writing.settings, 0);
    Section {
        columns: vec!["what", "what for", "on what ground", "for how long"],
        rows: TABLES
            .iter()
            .filter(|table| !NOT_COLLECTED.contains(&table.name))
            .map(|table| {
                let cells = [table.about, table.purpose, table.basis].map(str::to_owned);
                cells.into_iter().chain([kept_for(table, &kept)]).collect()
            })
            .collect(),
        ..section("What we keep about you", Vec::new())
    }
}

fn section(heading: &str, paragraphs: Vec<String>) -> Section {
    Section { heading: heading.to_owned(), paragraphs, ..Section::default() }
}
