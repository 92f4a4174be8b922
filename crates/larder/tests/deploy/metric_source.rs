//! Finds every metric where the code records or describes it: the macros of the crate `metrics`, and the process's own,
//! which telemetry writes by hand. Names and labels are literals or constants, as the house wants them.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree;

/// One function of telemetry records both, and takes the name as its argument `metric`.
const BOTH_ENDS_OF_A_CALL: [&str; 2] =
    ["rpc_server_call_duration_seconds", "rpc_client_call_duration_seconds"];

/// A metric as the code has it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Metric {
    pub(crate) kind: String,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) description: Option<String>,
}

/// All metrics of the services, by name.
pub(crate) fn metrics() -> BTreeMap<String, Metric> {
    let mut found = BTreeMap::new();
    let telemetry_names = constants(&tree::text("crates/telemetry/src/names.rs"));
    for path in tree::files("crates", "rs") {
        let shown = path.strip_prefix(tree::root()).unwrap().display().to_string();
        if !shown.contains("/src/") || shown.contains("/gen/") || shown.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let mut names = telemetry_names.clone();
        names.extend(constants(text));
        for kind in ["counter", "gauge", "histogram"] {
            recorded(text, kind, &names, &mut found);
            described(text, kind, &names, &mut found);
        }
        if shown == "crates/telemetry/src/process.rs" {
            of_process(text, &mut found);
        }
    }
    found
}

/// `const NAME: &str = "…"` and `let name = "…"`.
fn constants(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let words = line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        let Some(rest) = words.strip_prefix("const ").or_else(|| words.strip_prefix("let ")) else {
            continue;
        };
        let Some((name, value)) = rest.split_once('=') else { continue };
        let name = name.split(':').next().unwrap().trim();
        if let Some(value) = literal(value.trim().trim_end_matches(';')) {
            found.insert(name.to_owned(), value);
        }
    }
    found
}

fn literal(text: &str) -> Option<String> {
    Some(text.trim().strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

/// What an argument says: a literal, or a constant by its last name.
fn said(argument: &str, names: &BTreeMap<String, String>) -> Option<String> {
    let argument = argument.trim();
    literal(argument).or_else(|| names.get(argument.rsplit("::").next()?).cloned())
}

fn recorded(text: &str, kind: &str, names: &BTreeMap<String, String>, found: &mut BTreeMap<String, Metric>) {
    for arguments in calls(text, &format!("{kind}!(")) {
        let mut labels = BTreeSet::new();
        for argument in &arguments[1..] {
            match argument.split_once("=>") {
                Some((label, _)) => {
                    labels.insert(said(label, names).unwrap_or_else(|| panic!("label {label} has no name")));
                }
                None => labels.extend(labels_of_list(text, argument)),
            }
        }
        let recorded = match said(&arguments[0], names) {
            Some(name) => vec![name],
            None if arguments[0] == "metric" => BOTH_ENDS_OF_A_CALL.map(str::to_owned).to_vec(),
            None => panic!("{kind}!({arguments:?}) has no name"),
        };
        for name in recorded {
            let metric = found.entry(name.clone()).or_default();
            note_kind(&name, metric, kind);
            metric.labels.extend(labels.clone());
        }
    }
}

/// The labels that `&labels` stands for: the first words of the pairs in `let labels = […];`.
fn labels_of_list(text: &str, argument: &str) -> Vec<String> {
    let name = argument.trim().trim_start_matches('&');
    let Some((_, list)) = text.split_once(&format!("let {name} = [")) else { return Vec::new() };
    let list = list.split(';').next().unwrap();
    list.split("(\"").skip(1).filter_map(|pair| Some(pair.split('"').next()?.to_owned())).collect()
}

fn described(text: &str, kind: &str, names: &BTreeMap<String, String>, found: &mut BTreeMap<String, Metric>) {
    for arguments in calls(text, &format!("describe_{kind}!(")) {
        let Some(name) = said(&arguments[0], names) else { panic!("describe {arguments:?} has no name") };
        let metric = found.entry(name.clone()).or_default();
        note_kind(&name, metric, kind);
        metric.description = arguments.last().and_then(|text| literal(text));
    }
}

fn note_kind(name: &str, metric: &mut Metric, kind: &str) {
    assert!(metric.kind.is_empty() || metric.kind == kind, "{name} is a {} and a {kind}", metric.kind);
    kind.clone_into(&mut metric.kind);
}

/// `gauge(out, "name", "help", …)` and `metric(out, "name", "kind", "help", …)`.
fn of_process(text: &str, found: &mut BTreeMap<String, Metric>) {
    for (function, kind_at) in [("gauge(out, ", None), ("metric(out, ", Some(1))] {
        for arguments in calls(text, function) {
            let Some(name) = literal(&arguments[0]) else { continue };
            let kind = kind_at.map_or(Some("gauge".to_owned()), |at: usize| literal(&arguments[at]));
            let description = literal(&arguments[kind_at.unwrap_or(0) + 1]);
            found.insert(name, Metric { kind: kind.unwrap(), description, ..Metric::default() });
        }
    }
}

/// The arguments of every call that begins so, where no longer name ends so.
fn calls(text: &str, beginning: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(beginning) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
            continue;
        }
        found.push(arguments(&text[at + beginning.len()..]));
    }
    found
}

/// Splits up to the closing bracket at commas that stand in no brackets and no string.
fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut in_string, mut current, mut found) = (0, false, String::new(), Vec::new());
    let mut before = ' ';
    for character in text.chars() {
        match character {
            '"' if before != '\\' => in_string = !in_string,
            '(' | '[' | '{' if !in_string => depth += 1,
            ')' if !in_string && depth == 0 => break,
            ')' | ']' | '}' if !in_string => depth -= 1,
            _ => {}
        }
        before = character;
        if character == ',' && depth == 0 && !in_string {
            found.push(std::mem::take(&mut current));
        } else {
            current.push(character);
        }
    }
    found.push(current);
    found.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[test]
fn arguments_end_at_their_bracket() {
    let found = arguments("\"a, (b\", x => f(1, 2), &labels,\n), c)");
    assert_eq!(found, ["\"a, (b\"", "x => f(1, 2)", "&labels"]);
}
