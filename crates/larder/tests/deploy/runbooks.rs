//! Runbooks: one for each alert, with commands that exist.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use crate::queries::Known;
use crate::rules::alerts;
use crate::tree;

const SECTIONS: [&str; 5] = ["## What it means", "## How bad", "## Look here", "## Do this", "## Over when"];
/// Programs that a runbook may call beside `larder`.
const OTHERS: [&str; 5] = ["docker", "df", "free", "curl", "amtool"];

fn runbooks() -> Vec<(String, String)> {
    let paths = tree::files("docs/runbooks", "md").into_iter();
    let named = paths.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    named.filter(|(name, _)| name != "README").collect()
}

/// The lines of all blocks in a language.
pub(crate) fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    text.split(fence.as_str()).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

#[test]
fn every_alert_has_its_runbook_and_every_runbook_its_alert() {
    let books = runbooks();
    let names: BTreeSet<&String> = books.iter().map(|(name, _)| name).collect();
    let alerts = alerts();
    assert_eq!(names, alerts.keys().collect());
    let overview = tree::text("docs/runbooks/README.md");
    for (name, text) in &books {
        for section in SECTIONS {
            let body = text.split(section).nth(1).unwrap_or_else(|| panic!("{name} has no {section}"));
            assert!(!body.split("\n## ").next().unwrap().trim().is_empty(), "{name}: {section} is empty");
        }
        assert!(!blocks(text, "promql").is_empty(), "{name} asks Prometheus nothing");
        let severity = alerts[name]["labels"]["severity"].as_str().unwrap();
        assert!(
            overview.contains(&format!("[{name}]({name}.md) | {severity} |")),
            "the overview lacks {name}"
        );
        assert!(text.contains(&format!("· {severity}:")), "{name} tells another severity than {severity}");
    }
}

#[test]
fn what_runbooks_ask_prometheus_exists() {
    let known = Known::read();
    let mut wrong = Vec::new();
    for (name, text) in runbooks() {
        for query in blocks(&text, "promql") {
            wrong.extend(known.complaints(query).iter().map(|complaint| format!("{name}: {complaint}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `larder` reads the arguments, and complains of none: with `--help` behind them it runs nothing.
#[test]
fn what_runbooks_type_exists() {
    let mut commands = BTreeSet::new();
    for (name, text) in runbooks() {
        let inline = text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("larder "));
        let lines = blocks(&text, "sh").into_iter().flat_map(str::lines).chain(inline);
        commands.extend(lines.map(|line| (line.to_owned(), name.clone())));
    }
    assert!(commands.len() > 20, "{commands:?}");
    for (line, name) in commands {
        let mut words = line.split_whitespace();
        let program = words.next().unwrap();
        if program != "larder" {
            assert!(OTHERS.contains(&program), "{name}: {line}");
            continue;
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
        let output = command.args(words).arg("--help").stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{name}: {line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
