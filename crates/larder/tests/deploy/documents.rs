//! What the pages for operators tell one to ask, type and set: each query, command and setting exists.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::queries::Known;
use crate::runbooks::blocks;
use crate::tree;

/// The sections of the settings file. A name with one of them before its dot is a setting, or the scope of a caller.
const SECTIONS: [&str; 13] = [
    "alerting",
    "backup",
    "cache",
    "connectors",
    "database",
    "gateway",
    "identity",
    "lifecycle",
    "limits",
    "privacy",
    "recommendation",
    "redis",
    "resilience",
];

fn pages() -> Vec<(String, String)> {
    let mut paths = tree::files("docs/operations", "md");
    paths.push(tree::root().join("docs/scale.md"));
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(path).unwrap();
        // A page may name what is missing.
        (name, text.split("\n## Not there yet").next().unwrap().to_owned())
    };
    paths.into_iter().map(read).collect()
}

/// What stands between single backticks outside of blocks.
fn inline(text: &str) -> Vec<&str> {
    let outside = text.split("```").step_by(2);
    outside.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn what_pages_ask_prometheus_exists() {
    let known = Known::read();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (name, text) in pages() {
        for query in blocks(&text, "promql").into_iter().flat_map(str::lines) {
            count += 1;
            wrong.extend(known.complaints(query).iter().map(|complaint| format!("{name}: {complaint}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 50, "{count} queries");
}

/// `larder` reads the arguments, and complains of none: with `--help` behind them it runs nothing.
#[test]
fn what_pages_type_exists() {
    let mut lines = BTreeSet::new();
    for (name, text) in pages() {
        let typed = blocks(&text, "sh").into_iter().flat_map(str::lines).map(str::trim);
        let typed = typed.chain(inline(&text)).filter(|line| line.starts_with("larder "));
        lines.extend(typed.map(|line| (line.to_owned(), name.clone())));
    }
    assert!(lines.len() > 40, "{lines:?}");
    for (line, name) in lines {
        // The shell takes the quotes apart, as it would for a person; what stands behind `|` is another program's.
        let line = line.split(" | ").next().unwrap();
        let script = format!("larder() {{ \"$PROGRAM\" \"$@\" --help; }}\nset -f\n{line}\n");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).env("PROGRAM", env!("CARGO_BIN_EXE_larder"));
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{name}: {line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn settings_that_pages_name_exist() {
    let reference = tree::text("docs/reference/settings.md");
    let mut count = 0;
    for (page, text) in pages() {
        for code in inline(&text) {
            let name = code.split([' ', '=']).next().unwrap();
            let Some((section, field)) = name.split_once('.') else { continue };
            let is_name =
                field.chars().all(|letter| letter.is_ascii_lowercase() || "_0123456789".contains(letter));
            let is_scope = ["read", "write", "operate", "export"].contains(&field);
            if SECTIONS.contains(&section) && is_name && !is_scope && !field.is_empty() {
                assert!(reference.contains(&format!("| `{name}`<br>")), "{page}: there is no setting {name}");
                count += 1;
            }
        }
    }
    assert!(count > 40, "{count} names");
}

#[test]
fn files_of_the_project_that_pages_name_exist() {
    for (page, text) in pages() {
        for code in inline(&text) {
            let path = code.split([' ', ',']).next().unwrap();
            let ours =
                ["deploy/", "docs/", "crates/", "xtask/"].iter().any(|folder| path.starts_with(folder));
            if ours
                && !path.contains(['*', '{', '<'])
                && !path.contains("NAME")
                && !path.contains("AlertName")
            {
                assert!(tree::root().join(path).exists(), "{page}: there is no {path}");
            }
        }
    }
}

#[test]
fn production_has_its_checkpoints_each_with_a_command() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    command.args(["deploy", "checkpoints", "--json"]).stdin(Stdio::null());
    let listed: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let listed = tree::list(&listed["checkpoints"]);
    let page = tree::text("docs/operations/deploy-production.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit())
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let gone_through = listed.iter().filter(|checkpoint| checkpoint["byHand"] == false).count();
    assert!(gone_through >= 35, "{gone_through}");
    assert_eq!(rows.len(), listed.len());
    for ((at, row), checkpoint) in rows.iter().enumerate().zip(listed) {
        assert_eq!(row.len(), 4, "{row:?}");
        assert_eq!(row[0], (at + 1).to_string());
        let told = (checkpoint["holds"].as_str().unwrap(), checkpoint["needs"].as_str().unwrap());
        assert_eq!((row[1], row[2]), told, "the page and the command differ");
        assert!(row[3].contains('`') || row[3].contains("]("), "{row:?} has no command");
    }
}

/// What `larder deploy verify` sends the reader to, and asks Prometheus.
#[test]
fn what_a_verification_names_exists() {
    let known = Known::read();
    let staging = tree::text("docs/operations/deploy-staging.md");
    let (mut pages, mut queries) = (0, 0);
    for path in tree::files("crates/larder/src/commands/deploy", "rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        for word in text.split([' ', '"', ';', ',', ')', '`', '\n']) {
            let page = word.split('#').next().unwrap().trim_end_matches('.');
            if page.starts_with("docs/") && page.ends_with(".md") {
                pages += 1;
                assert!(tree::root().join(page).exists(), "{}: there is no {page}", path.display());
            }
        }
        if path.ends_with("prometheus.rs") {
            for line in text.lines().filter(|line| line.starts_with("const ")) {
                let query = line.split_once("= \"").unwrap().1.trim_end_matches("\";").replace("\\\"", "\"");
                queries += 1;
                assert!(known.complaints(&query).is_empty(), "{:?}", known.complaints(&query));
                assert!(staging.contains(&format!("\n{query}\n")), "the page of staging lacks {query}");
            }
        }
    }
    assert!(pages > 10 && queries == 4, "{pages} pages, {queries} queries");
}
