//! From what `llvm-cov export` writes to one row a crate. Generated code and files that
//! hold nothing but tests are left out; test modules inside a file are counted with it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::{Member, Workspace};

/// What every crate of the product should reach, in percent.
const GOAL_PERCENT: f64 = 80.0;

/// Lines that can be run, and those that were.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Lines {
    count: u64,
    covered: u64,
}

impl Lines {
    fn percent(self) -> f64 {
        if self.count == 0 { 100.0 } else { self.covered as f64 * 100.0 / self.count as f64 }
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.covered += other.covered;
    }
}

/// Sums the files of every crate under `crates/`.
pub(super) fn lines_per_crate(export: &Value, workspace: &Workspace) -> Result<BTreeMap<String, Lines>> {
    let files = export["data"][0]["files"].as_array().context("llvm-cov listed no files")?;
    let mut crates = BTreeMap::new();
    for file in files {
        let name = file["filename"].as_str().context("llvm-cov named no file")?;
        let Some(member) = owner(Path::new(name), &workspace.members) else { continue };
        let lines = &file["summary"]["lines"];
        let lines = Lines {
            count: lines["count"].as_u64().context("llvm-cov counted no lines")?,
            covered: lines["covered"].as_u64().context("llvm-cov counted no covered lines")?,
        };
        crates.entry(member).or_insert(Lines::default()).add(lines);
    }
    Ok(crates)
}

/// The crate of the product a file counts for, if it counts at all.
fn owner(file: &Path, members: &[Member]) -> Option<String> {
    let member = members.iter().find(|member| file.starts_with(&member.folder))?;
    let inside = file.strip_prefix(&member.folder).ok()?;
    let counts = inside.starts_with("src") && !inside.starts_with("src/gen") && !inside.ends_with("tests.rs");
    let product = !matches!(member.name.as_str(), "xtask" | "larder-testkit");
    (counts && product).then(|| member.name.clone())
}

/// The table as it is printed.
pub(super) fn table(crates: &BTreeMap<String, Lines>) -> String {
    let mut text = format!("\nline coverage, goal {GOAL_PERCENT} % a crate\n");
    let mut total = Lines::default();
    for (name, lines) in crates {
        total.add(*lines);
        row(&mut text, name, *lines, lines.percent() >= GOAL_PERCENT);
    }
    row(&mut text, "all", total, total.percent() >= GOAL_PERCENT);
    text
}

fn row(text: &mut String, name: &str, lines: Lines, good: bool) {
    let mark = if good { "" } else { "  below the goal" };
    let Lines { count, covered } = lines;
    writeln!(text, "  {name:<22} {:>5.1} %  {covered:>6} of {count:>6} lines{mark}", lines.percent())
        .expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_code_tests_and_other_code_do_not_count() {
        let member = |name: &str, folder: &str| Member {
            name: name.to_owned(),
            folder: Path::new("/house").join(folder),
            dependencies: Vec::new(),
        };
        let members = [
            member("larder", "crates/larder"),
            member("larder-ranking", "crates/ranking"),
            member("larder-testkit", "crates/testkit"),
            member("xtask", "xtask"),
        ];
        let owner = |path: &str| owner(&Path::new("/house").join(path), &members);
        assert_eq!(owner("crates/larder/src/up/demo.rs"), Some("larder".to_owned()));
        assert_eq!(owner("crates/ranking/src/merge.rs"), Some("larder-ranking".to_owned()));
        assert_eq!(owner("crates/ranking/src/gen/larder.rs"), None);
        assert_eq!(owner("crates/ranking/src/merge/tests.rs"), None);
        assert_eq!(owner("crates/ranking/tests/it/main.rs"), None);
        assert_eq!(owner("crates/testkit/src/lib.rs"), None);
        assert_eq!(owner("xtask/src/main.rs"), None);
        assert_eq!(owner("/elsewhere/serde/src/lib.rs"), None);
    }

    #[test]
    fn a_crate_under_the_goal_is_marked() {
        let crates = BTreeMap::from([
            ("larder-gateway".to_owned(), Lines { count: 100, covered: 79 }),
            ("larder-ranking".to_owned(), Lines { count: 300, covered: 300 }),
        ]);
        let text = table(&crates);
        let rows: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(rows[0], "  larder-gateway          79.0 %      79 of    100 lines  below the goal");
        assert_eq!(rows[1], "  larder-ranking         100.0 %     300 of    300 lines");
        assert_eq!(rows[2], "  all                     94.8 %     379 of    400 lines");
    }
}
