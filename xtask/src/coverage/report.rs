//! From what `llvm-cov export` writes to one row a crate. Generated code and files that
//! hold nothing but tests are left out; test modules inside a file are counted with it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::Workspace;

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
        let Some(member) = owner(Path::new(name), &workspace.root) else { continue };
        let lines = &file["summary"]["lines"];
        let lines = Lines {
            count: lines["count"].as_u64().context("llvm-cov counted no lines")?,
            covered: lines["covered"].as_u64().context("llvm-cov counted no covered lines")?,
        };
        crates.entry(member).or_insert(Lines::default()).add(lines);
    }
    Ok(crates)
}

/// The crate a file counts for, if it counts at all.
fn owner(file: &Path, root: &Path) -> Option<String> {
    let inside = file.strip_prefix(root.join("crates")).ok()?;
    let mut parts = inside.iter().map(|part| part.to_string_lossy());
    let name = parts.next()?.into_owned();
    let rest: Vec<_> = parts.collect();
    let product = rest.first()? == "src" && rest.get(1)? != "gen" && rest.last()? != "tests.rs";
    (product && name != "testkit").then_some(name)
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
    writeln!(text, "  {name:<16} {:>5.1} %  {covered:>6} of {count:>6} lines{mark}", lines.percent())
        .expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_code_tests_and_other_code_do_not_count() {
        let root = Path::new("/house");
        assert_eq!(owner(Path::new("/house/crates/gateway/src/router.rs"), root), Some("gateway".to_owned()));
        assert_eq!(owner(Path::new("/house/crates/proto/src/gen/larder.rs"), root), None);
        assert_eq!(owner(Path::new("/house/crates/ranking/src/merge/tests.rs"), root), None);
        assert_eq!(owner(Path::new("/house/crates/ranking/tests/it/main.rs"), root), None);
        assert_eq!(owner(Path::new("/house/crates/testkit/src/lib.rs"), root), None);
        assert_eq!(owner(Path::new("/elsewhere/serde/src/lib.rs"), root), None);
    }

    #[test]
    fn a_crate_under_the_goal_is_marked() {
        let crates = BTreeMap::from([
            ("gateway".to_owned(), Lines { count: 100, covered: 79 }),
            ("ranking".to_owned(), Lines { count: 300, covered: 300 }),
        ]);
        let text = table(&crates);
        let rows: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(rows[0], "  gateway           79.0 %      79 of    100 lines  below the goal");
        assert_eq!(rows[1], "  ranking          100.0 %     300 of    300 lines");
        assert_eq!(rows[2], "  all               94.8 %     379 of    400 lines");
    }
}
