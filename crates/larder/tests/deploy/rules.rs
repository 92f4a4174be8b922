//! Alerts: complete, tested, about what exists, and routed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::programs::{content, run};
use crate::queries::Known;
use crate::tree;

const CATEGORIES: [&str; 6] = ["api", "availability", "business", "cache", "database", "system"];
const SEVERITIES: [&str; 4] = ["critical", "warning", "info", "none"];
const TEAMS: [&str; 3] = ["platform", "data", "shop"];

/// The alerts of all rule files, by name.
pub(crate) fn alerts() -> BTreeMap<String, Value> {
    let rules = rules();
    let alerts = rules.into_iter().filter_map(|rule| Some((rule["alert"].as_str()?.to_owned(), rule)));
    let mut found = BTreeMap::new();
    for (name, rule) in alerts {
        assert!(found.insert(name.clone(), rule).is_none(), "{name} is there twice");
    }
    found
}

fn rule_files() -> Vec<String> {
    let files = tree::files("deploy/prometheus/rules", "yml").into_iter();
    let shown = files.map(|path| path.strip_prefix(tree::root()).unwrap().display().to_string());
    shown.filter(|path| !path.contains("/tests/")).collect()
}

fn rules() -> Vec<Value> {
    let documents: Vec<Value> = rule_files().iter().map(|path| tree::yaml(path)).collect();
    let groups = documents.iter().flat_map(|document| tree::list(&document["groups"]));
    groups.flat_map(|group| tree::list(&group["rules"]).to_vec()).collect()
}

#[test]
fn every_alert_says_how_bad_it_is_whose_it_is_and_what_to_do() {
    let alerts = alerts();
    assert!(alerts.len() >= 24, "{} alerts", alerts.len());
    let mut seen = BTreeSet::new();
    for (name, rule) in &alerts {
        let label = |label: &str| rule["labels"][label].as_str().unwrap_or_default().to_owned();
        assert!(SEVERITIES.contains(&label("severity").as_str()), "{name}: severity {}", label("severity"));
        assert!(TEAMS.contains(&label("team").as_str()), "{name}: team {}", label("team"));
        assert!(CATEGORIES.contains(&label("category").as_str()), "{name}: category {}", label("category"));
        seen.insert(label("category"));
        for annotation in ["summary", "description"] {
            assert!(
                rule["annotations"][annotation].as_str().is_some_and(|text| text.len() > 10),
                "{name}: {annotation}"
            );
        }
        assert!(
            !rule["labels"].to_string().contains("{{"),
            "{name}: a value in a label makes a new alert of each value"
        );
        assert_eq!(rule["annotations"]["runbook_url"], format!("docs/runbooks/{name}.md").as_str());
    }
    assert_eq!(seen.len(), CATEGORIES.len(), "{seen:?}");
}

#[test]
fn every_rule_asks_for_metrics_and_labels_that_exist() {
    let known = Known::read();
    let mut wrong = Vec::new();
    for rule in rules() {
        let query = rule["expr"].as_str().unwrap();
        wrong.extend(
            known
                .complaints(query)
                .iter()
                .map(|complaint| format!("{}{}: {complaint}", rule["alert"], rule["record"])),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Of each alert there is a moment when it fires, one before when it does not, and one after when it does no more.
#[test]
fn every_alert_is_tested_for_firing_not_firing_and_ending() {
    let mut moments: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for path in tree::files("deploy/prometheus/rules/tests", "yml") {
        let document = tree::yaml(path.strip_prefix(tree::root()).unwrap().to_str().unwrap());
        for test in tree::list(&document["tests"]) {
            let name = test["name"].as_str().unwrap();
            let queries = tree::list(&test["promql_expr_test"]);
            assert!(queries.iter().all(|query| query["expr"].as_str().unwrap().contains(name)), "{name}");
            let counts = queries.iter().map(|query| tree::list(&query["exp_samples"]).len());
            moments.entry(name.to_owned()).or_default().extend(counts);
        }
    }
    for name in alerts().keys() {
        // The watchdog always fires: that is what it is for.
        let wanted: &[usize] = if name == "Watchdog" { &[1] } else { &[0, 1, 0] };
        assert_eq!(moments.get(name).map(Vec::as_slice), Some(wanted), "{name}");
    }
}

#[test]
fn prometheus_takes_its_settings_and_the_rules() {
    content("LARDER_TEST_PROMTOOL", &["check", "config", "deploy/prometheus/prometheus.yml"]);
}

fn tested(files: &[&str]) {
    let paths: Vec<String> =
        files.iter().map(|file| format!("deploy/prometheus/rules/tests/{file}.yml")).collect();
    let paths = paths.iter().map(String::as_str);
    content("LARDER_TEST_PROMTOOL", &["test", "rules"].into_iter().chain(paths).collect::<Vec<_>>());
}

#[test]
fn alerts_fire_and_end_when_they_should() {
    tested(&["api", "availability", "business", "cache", "database", "system"]);
}

#[test]
fn alerts_that_look_back_over_days_fire_and_end_when_they_should() {
    tested(&["api-days", "availability-days", "business-days", "database-days"]);
}

#[test]
fn no_file_of_tests_is_forgotten() {
    let files = tree::files("deploy/prometheus/rules/tests", "yml");
    let days = files.iter().filter(|path| path.to_str().unwrap().ends_with("-days.yml")).count();
    assert_eq!((files.len() - days, days), (6, 4), "name the new one in a test here: {files:?}");
}

/// A rule that never fires is found: the tests can fail.
#[test]
fn a_rule_with_another_limit_fails_its_test() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tests")).unwrap();
    let rules = tree::text("deploy/prometheus/rules/cache.yml");
    let changed = rules.replace("redis_up == 0", "redis_up == 2");
    assert_ne!(rules, changed);
    std::fs::write(folder.path().join("cache.yml"), changed).unwrap();
    std::fs::write(folder.path().join("slo.yml"), tree::text("deploy/prometheus/rules/slo.yml")).unwrap();
    let test = folder.path().join("tests/cache.yml");
    std::fs::write(&test, tree::text("deploy/prometheus/rules/tests/cache.yml")).unwrap();
    let output = run("LARDER_TEST_PROMTOOL", &["test", "rules", test.to_str().unwrap()]);
    assert!(!output.status.success(), "{output:?}");
}

#[test]
fn alertmanager_takes_its_settings_and_leads_everything_to_the_alerting_service() {
    let file = "deploy/alertmanager/alertmanager.yml";
    content("LARDER_TEST_AMTOOL", &["check-config", file]);
    for alert in ["Watchdog", "PostgresDown", "ModelStale"] {
        let labels = format!("alertname={alert}");
        let config = format!("--config.file={file}");
        let said = content("LARDER_TEST_AMTOOL", &["config", "routes", "test", &config, &labels]);
        assert_eq!(said.trim(), "larder", "{alert}");
    }
}
