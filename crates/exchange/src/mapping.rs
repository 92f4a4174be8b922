//! Which column of a file is which column of the table: suggested by the titles, and settled by people.

use crate::error::ExchangeError;
use crate::table::{ATTRIBUTE, Table};
use crate::tables;

/// How alike two titles must be to be suggested.
const LIKE_ENOUGH: f64 = 0.88;

/// What a title of a file is taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The title in the file.
    pub title: String,
    /// The column's name; empty when none is like it.
    pub column: String,
    /// Whether the title says exactly that.
    pub is_exact: bool,
}

/// The place in the file of each column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The table, attributes of the file included.
    pub table: Table,
    /// For each column of the table, where it stands in the file.
    pub places: Vec<Option<usize>>,
}

impl Mapping {
    /// What each title is taken for. No column is suggested twice.
    #[must_use]
    pub fn suggest(table: &Table, titles: &[String]) -> Vec<Suggestion> {
        let mut taken: Vec<&str> = Vec::new();
        let mut columns: Vec<(String, bool)> = titles.iter().map(|_| (String::new(), false)).collect();
        for exactly in [true, false] {
            for (title, column) in titles.iter().zip(&mut columns) {
                if !column.0.is_empty() || title.trim().is_empty() {
                    continue;
                }
                if exactly && table.has_attributes && attribute(title).is_some() {
                    *column = (title.trim().to_owned(), true);
                } else if let Some(name) = nearest(table, title, exactly, &taken) {
                    taken.push(name);
                    *column = (name.to_owned(), exactly);
                }
            }
        }
        let named = titles.iter().zip(columns);
        named
            .map(|(title, (column, is_exact))| Suggestion { title: title.clone(), column, is_exact })
            .collect()
    }

    /// Settles where each column stands. `chosen` pairs titles with names of columns, and an empty name
    /// passes a title over; titles it does not tell of are taken as suggested.
    ///
    /// # Errors
    ///
    /// When a title or a column is unknown, a column is there twice, or a required one is missing.
    pub fn settle(
        table: &Table,
        titles: &[String],
        chosen: &[(String, String)],
    ) -> Result<Self, ExchangeError> {
        let mut names: Vec<String> = titles.iter().map(|_| String::new()).collect();
        for (title, name) in chosen {
            let known = name.is_empty() || table.position(name).is_some() || {
                table.has_attributes && attribute(name).is_some()
            };
            if !known {
                return Err(unknown(table, name));
            }
            if !titles.iter().any(|there| there == title) {
                return Err(ExchangeError::refused(format!(
                    "mapping: the file has no column {title:?}; it has {}",
                    listed(titles)
                )));
            }
        }
        for (place, suggestion) in Self::suggest(table, titles).into_iter().enumerate() {
            let told = chosen.iter().find(|(title, _)| *title == suggestion.title);
            let is_taken = chosen.iter().any(|(_, name)| *name == suggestion.column);
            names[place] = match told {
                Some((_, name)) => name.clone(),
                None if is_taken => String::new(),
                None => suggestion.column,
            };
        }
        Self::of_names(table, titles, &names)
    }

    fn of_names(table: &Table, titles: &[String], names: &[String]) -> Result<Self, ExchangeError> {
        for (at, name) in names.iter().enumerate() {
            if !name.is_empty() && names[..at].contains(name) {
                return Err(ExchangeError::refused(format!("column {name:?} is there twice")));
            }
        }
        let keys = names.iter().filter_map(|name| attribute(name));
        let full = table.clone().with_attributes(keys);
        let place_of = |wanted: &str| names.iter().position(|name| name == wanted);
        let places: Vec<_> =
            full.columns.iter().map(|column| place_of(&column.name).filter(|_| !column.is_told)).collect();
        let missing = full.columns.iter().zip(&places).filter(|(column, at)| column.required && at.is_none());
        let missing: Vec<_> = missing.map(|(column, _)| column.name.clone()).collect();
        if !missing.is_empty() {
            let other = other_table(table, titles)
                .map_or(String::new(), |other| format!("; the file looks like {}", other.kind));
            return Err(ExchangeError::refused(format!(
                "{} need {}, and the file has no such column{other}; its columns are {}",
                table.kind,
                listed(&missing),
                listed(titles)
            )));
        }
        Ok(Self { table: full, places })
    }
}

/// How many titles name a column of the table exactly.
pub(crate) fn score(table: &Table, titles: &[String]) -> usize {
    let plain: Vec<_> = table.columns.iter().map(|column| normalised(&column.name)).collect();
    titles.iter().filter(|title| plain.contains(&normalised(title))).count()
}

fn other_table(table: &Table, titles: &[String]) -> Option<Table> {
    let known = tables::KINDS.iter().filter_map(|kind| tables::table(kind));
    let best = known.max_by_key(|other| score(other, titles))?;
    (best.kind != table.kind && score(&best, titles) > score(table, titles)).then_some(best)
}

fn attribute(name: &str) -> Option<&str> {
    name.trim().strip_prefix(ATTRIBUTE).filter(|key| !key.is_empty())
}

fn nearest<'a>(table: &'a Table, title: &str, exactly: bool, taken: &[&str]) -> Option<&'a str> {
    let title = normalised(title);
    let free = table.columns.iter().filter(|column| !taken.contains(&column.name.as_str()));
    let alike = free.map(|column| (strsim::jaro_winkler(&normalised(&column.name), &title), column));
    let (likeness, column) = alike.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let wanted = if exactly { 1.0 } else { LIKE_ENOUGH };
    (likeness >= wanted).then_some(column.name.as_str())
}

/// A title without case, blanks, stars, and the message a field is nested in.
fn normalised(title: &str) -> String {
    let bare = title.trim().trim_start_matches('\u{feff}');
    let bare =
        ["nutrition_per_100g.", "profile."].iter().find_map(|at| bare.strip_prefix(at)).unwrap_or(bare);
    bare.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn unknown(table: &Table, name: &str) -> ExchangeError {
    let near =
        nearest(table, name, false, &[]).map_or(String::new(), |near| format!("; did you mean {near:?}?"));
    ExchangeError::refused(format!("mapping: {} have no column {name:?}{near}", table.kind))
}

fn listed(texts: &[String]) -> String {
    const TOLD: usize = 30;
    let quoted: Vec<_> = texts.iter().take(TOLD).map(|text| format!("{text:?}")).collect();
    let more = if texts.len() > TOLD { format!(" and {} more", texts.len() - TOLD) } else { String::new() };
    format!("{}{more}", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(titles: &[&str]) -> Vec<String> {
        titles.iter().map(|title| (*title).to_owned()).collect()
    }

    fn products() -> Table {
        tables::table("products").unwrap()
    }

    #[test]
    fn titles_are_understood_as_people_write_them() {
        let given =
            titles(&["Product ID *", "Nmae", "nutrition_per_100g.fat_g", "attributes.origin", "Shelf"]);
        let suggested = Mapping::suggest(&products(), &given);
        let columns: Vec<_> = suggested.iter().map(|one| (one.column.as_str(), one.is_exact)).collect();
        let expected = [
            ("product_id", true),
            ("name", false),
            ("fat_g", true),
            ("attributes.origin", true),
            ("", false),
        ];
        assert_eq!(columns, expected);
    }

    #[test]
    fn a_choice_stands_over_what_is_suggested() {
        let chosen = [("Artikel".to_owned(), "product_id".to_owned()), ("Brand".to_owned(), String::new())];
        let mapping = Mapping::settle(&products(), &titles(&["Artikel", "Name", "Brand"]), &chosen).unwrap();
        let place = |name: &str| mapping.places[mapping.table.position(name).unwrap()];
        assert_eq!((place("product_id"), place("name"), place("brand")), (Some(0), Some(1), None));
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_would() {
        let refusal = |given: &[&str], chosen: &[(String, String)]| {
            Mapping::settle(&products(), &titles(given), chosen).unwrap_err().to_string()
        };
        assert!(refusal(&["name"], &[]).contains("products need \"product_id\""));
        let customers = refusal(&["Customer id", "Birth date", "Goal"], &[]);
        assert!(customers.contains("looks like customers"), "{customers}");
        let unknown = refusal(&["a"], &[("a".to_owned(), "prodct_id".to_owned())]);
        assert!(unknown.contains("did you mean \"product_id\"?"), "{unknown}");
        let twice =
            refusal(&["name", "b"], &[("b".to_owned(), "name".to_owned()), ("name".into(), "name".into())]);
        assert!(twice.contains("twice"), "{twice}");
    }
}
