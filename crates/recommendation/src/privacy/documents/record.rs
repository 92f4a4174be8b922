//! The record of what is kept about customers, table by table and column by column.

use super::{Section, Writing, backup_sentences, day_count};
use crate::privacy::inventory::{OTHER_PLACES, PersonalTable, TABLES};
use crate::privacy::retention::{Kept, periods};

pub(super) fn sections(writing: &mut Writing<'_>) -> Vec<Section> {
    let mut sections = vec![who(writing), overview(writing)];
    sections.extend(TABLES.iter().map(of_table));
    sections.push(Section {
        heading: "Other places".to_owned(),
        columns: vec!["place", "what it has", "when a customer is erased"],
        rows: OTHER_PLACES
            .iter()
            .map(|place| [place.name, place.about, place.on_erasure].map(str::to_owned).to_vec())
            .collect(),
        ..Section::default()
    });
    sections.push(Section {
        heading: "Backups".to_owned(),
        paragraphs: backup_sentences(writing.backups),
        ..Section::default()
    });
    sections
}

fn who(writing: &mut Writing<'_>) -> Section {
    Section {
        heading: "Controller".to_owned(),
        paragraphs: vec![
            format!(
                "{}, {}. Contact: {}.",
                writing.told("privacy.controller_name"),
                writing.told("privacy.controller_address"),
                writing.told("privacy.controller_contact")
            ),
            format!("Data protection officer: {}.", writing.told("privacy.protection_officer")),
            format!("Kept in: {}.", writing.told("privacy.storage_location")),
        ],
        ..Section::default()
    }
}

fn overview(writing: &Writing<'_>) -> Section {
    let kept = periods(writing.settings, 0);
    Section {
        heading: "What is kept about customers".to_owned(),
        columns: vec!["table", "what it is", "what for", "usual ground", "tells of health", "kept for"],
        rows: TABLES
            .iter()
            .map(|table| {
                let health = if table.is_health { "yes" } else { "no" };
                let cells = [table.name, table.about, table.purpose, table.basis, health];
                cells.map(str::to_owned).into_iter().chain([kept_for(table, &kept)]).collect()
            })
            .collect(),
        ..Section::default()
    }
}

fn of_table(table: &PersonalTable) -> Section {
    Section {
        heading: table.name.to_owned(),
        columns: vec!["column", "what stands in it"],
        rows: table
            .columns
            .iter()
            .map(|(name, about)| vec![(*name).to_owned(), (*about).to_owned()])
            .collect(),
        ..Section::default()
    }
}

/// How long rows of a table are kept.
pub(super) fn kept_for(table: &PersonalTable, kept: &[Kept]) -> String {
    match kept.iter().find(|kept| kept.table.name == table.name) {
        Some(kept) if kept.days > 0 => {
            format!("{} from {}", day_count(kept.days), kept.period.counted_from)
        }
        None if table.name == "import_undo" => day_count(7),
        _ => "until it is erased".to_owned(),
    }
}
