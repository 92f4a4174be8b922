//! Dashboards: Grafana's form, queries about what exists, and the links between logs and traces.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::queries::Known;
use crate::tree;

const WANTED: [&str; 9] =
    ["alerting", "api", "backups", "logs", "market", "overview", "postgresql", "recommendation", "redis"];
/// What we use of Grafana's panels.
const KINDS: [&str; 4] = ["logs", "stat", "table", "timeseries"];
/// The labels that Alloy makes; everything else of a line is structured metadata and stands behind `|`.
const LOG_LABELS: [&str; 3] = ["service_name", "level", "environment"];

fn dashboards() -> Vec<(String, Value)> {
    let paths = tree::files("deploy/grafana/dashboards", "json").into_iter();
    let read = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    };
    paths.map(read).collect()
}

fn queries(dashboard: &Value) -> Vec<(&str, &str, &str)> {
    let mut found = Vec::new();
    for panel in tree::list(&dashboard["panels"]) {
        for target in tree::list(&panel["targets"]) {
            let text = |value: &'static str| target[value].as_str();
            let source = target["datasource"]["uid"].as_str().unwrap();
            found.push((panel["title"].as_str().unwrap(), source, text("expr").unwrap()));
        }
    }
    found
}

#[test]
fn every_dashboard_is_there_and_whole() {
    let dashboards = dashboards();
    let names: Vec<&str> = dashboards.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, WANTED);
    let sources = tree::yaml("deploy/grafana/provisioning/datasources/larder.yaml");
    let sources: BTreeSet<&str> =
        tree::list(&sources["datasources"]).iter().map(|source| source["uid"].as_str().unwrap()).collect();
    for (name, dashboard) in &dashboards {
        assert_eq!(dashboard["uid"], format!("larder-{name}").as_str());
        let panels = tree::list(&dashboard["panels"]);
        assert!(panels.len() >= if name == "logs" { 3 } else { 8 }, "{name} has {} panels", panels.len());
        let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
        for panel in panels {
            assert!(KINDS.contains(&panel["type"].as_str().unwrap()), "{name}: {}", panel["type"]);
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: the id {} twice", panel["id"]);
            assert!(titles.insert(panel["title"].to_string()), "{name}: {} twice", panel["title"]);
            assert!(!tree::list(&panel["targets"]).is_empty(), "{name}: {} asks nothing", panel["title"]);
            assert!(
                sources.contains(panel["datasource"]["uid"].as_str().unwrap()),
                "{name}: {}",
                panel["title"]
            );
        }
        assert_no_overlap(name, panels);
    }
}

/// No panel covers another, and none is wider than the page.
fn assert_no_overlap(name: &str, panels: &[Value]) {
    let mut taken = BTreeSet::new();
    for panel in panels {
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{name}: {}", panel["title"]);
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{name}: {} covers another", panel["title"]);
            }
        }
    }
}

#[test]
fn every_query_of_a_dashboard_is_about_metrics_and_labels_that_exist() {
    let known = Known::read();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (name, dashboard) in &dashboards() {
        let asked = queries(dashboard).into_iter().filter(|(_, source, _)| *source == "prometheus");
        for (title, _, query) in asked {
            count += 1;
            wrong.extend(
                known.complaints(query).iter().map(|complaint| format!("{name}: {title}: {complaint}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 100, "{count} queries");
}

/// A stream selector may name what Alloy labels, and nothing that has many values.
#[test]
fn logs_are_found_by_few_labels() {
    let alloy = tree::text("deploy/alloy/config.alloy");
    let labels =
        alloy.split("stage.labels {").nth(1).unwrap().split("stage.structured_metadata").next().unwrap();
    for many in ["trace_id", "span_id", "correlation_id", "tenant_id"] {
        assert!(!labels.contains(many), "{many} would make a stream of each value");
        assert!(alloy.split("stage.structured_metadata {").nth(1).unwrap().contains(many), "{many} is lost");
    }
    for (name, dashboard) in &dashboards() {
        for (title, _, query) in queries(dashboard).into_iter().filter(|(_, source, _)| *source == "loki") {
            let selector = query.split('{').nth(1).unwrap().split('}').next().unwrap();
            for part in selector.split(", ") {
                let label = part.split(['=', '!']).next().unwrap();
                assert!(LOG_LABELS.contains(&label), "{name}: {title}: {label}");
            }
        }
    }
    let sources = tree::text("deploy/grafana/provisioning/datasources/larder.yaml");
    assert!(
        sources.contains("matcherRegex: trace_id") && sources.contains("| trace_id="),
        "logs and traces lead to each other"
    );
}
