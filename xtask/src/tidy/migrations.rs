//! Migrations sort by their time and tell what they do: `YYYYMMDDHHMMSS_verb_noun.sql`.
//! No two of one schema share a time, and one that takes something away says so by the verb `contract`.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Complaint, SourceFile};

pub(super) fn check(files: &[SourceFile]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut times: BTreeMap<_, &Path> = BTreeMap::new();
    for file in files.iter().filter(|file| file.has_extension("sql")) {
        let Some(folder) = file.path.parent().filter(|folder| folder.ends_with("migrations")) else {
            continue;
        };
        let name = file.path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match time_of(&name) {
            Some(_) if takes_away(file) && !name.contains("_contract_") => complaints.push(Complaint::about(
                &file.path,
                "takes away what an older release needs: let a release pass first, and name it YYYYMMDDHHMMSS_contract_noun.sql",
            )),
            None => complaints.push(Complaint::about(
                &file.path,
                "name it YYYYMMDDHHMMSS_verb_noun.sql, in lower case, with a time that exists",
            )),
            Some(time) => {
                if let Some(other) = times.insert((folder.to_owned(), time.to_owned()), &file.path) {
                    let text = format_args!("has the same time as {}", other.display());
                    complaints.push(Complaint::about(&file.path, text));
                }
            }
        }
    }
    complaints
}

/// Whether a program that knows nothing of it could miss something afterwards.
fn takes_away(file: &SourceFile) -> bool {
    let text = file.text.as_deref().unwrap_or_default().to_lowercase();
    let statements =
        text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
    let words: Vec<&str> = statements.split_whitespace().collect();
    let pairs = [
        ["drop", "table"],
        ["drop", "column"],
        ["drop", "view"],
        ["rename", "to"],
        ["rename", "column"],
        ["set", "not"],
    ];
    words.windows(2).any(|two| pairs.iter().any(|pair| two == pair))
}

/// The time a well-formed name begins with.
fn time_of(name: &str) -> Option<&str> {
    let (time, words) = name.split_once('_')?;
    let number = |from: usize, to: usize| time.get(from..to)?.parse::<u32>().ok();
    let in_range = time.len() == 14
        && time.bytes().all(|byte| byte.is_ascii_digit())
        && (1..=12).contains(&number(4, 6)?)
        && (1..=31).contains(&number(6, 8)?)
        && number(8, 10)? < 24
        && number(10, 12)? < 60
        && number(12, 14)? < 60;
    let words: Vec<&str> = words.split('_').collect();
    let plain = |word: &&str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    (in_range && words.len() >= 2 && words.iter().all(plain)).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[test]
    fn a_name_tells_a_time_a_verb_and_a_noun() {
        assert_eq!(time_of("20261122093000_create_products"), Some("20261122093000"));
        for wrong in [
            "0001_create_products",
            "20261322093000_create_products",
            "20261122093000_products",
            "20261122093000_Create_products",
            "20261122093000_create_",
        ] {
            assert_eq!(time_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_takes_something_away_says_so() {
        let path = |name: &str| format!("crates/gateway/migrations/{name}.sql");
        let complaints = check(&[
            source(&path("20261122093000_drop_keys"), "ALTER TABLE keys\n    DROP COLUMN colour;"),
            source(&path("20261122093001_contract_keys"), "alter table keys drop column colour;"),
            source(
                &path("20261122093002_add_colours"),
                "-- drop table is not meant\nalter table keys add column c text;",
            ),
        ]);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].0.contains("20261122093000_drop_keys"), "{complaints:?}");
    }

    #[test]
    fn two_migrations_of_one_schema_may_not_share_a_time() {
        let path = |folder: &str, name: &str| source(&format!("crates/{folder}/migrations/{name}.sql"), "");
        let complaints = check(&[
            path("gateway", "20261122093000_create_keys"),
            path("recommendation", "20261122093000_create_products"),
            path("recommendation", "20261122093000_create_customers"),
            source("crates/recommendation/src/store/sql/list_products.sql", ""),
        ]);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].0.contains("has the same time as"));
    }
}
