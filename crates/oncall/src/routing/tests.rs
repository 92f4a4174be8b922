//! The walk, the keys and the explanations, on a tree as one would write it.

use super::*;
use crate::settings::Settings;

const TREE: &str = r#"
receivers = [{ name = "default" }, { name = "shop" }, { name = "page" }, { name = "log" }, { name = "database" }]
time_intervals = [{ name = "night", time_zone = "Europe/Paris", intervals = [{ times = ["00:00-08:00"] }] }]

[route]
receiver = "default"
group_by = ["alertname"]
routes = [
  { matchers = ['severity="none"'], receiver = "log", group_by = ["..."], repeat_interval = "1m" },
  { matchers = ['team=~"shop|market"'], receiver = "shop", continue = true, mute_time_intervals = ["night"], routes = [
    { matchers = ['service="database"', 'severity!="info"'], receiver = "database", group_wait = "0s" },
  ] },
  { matchers = ['severity="critical"'], receiver = "page", active_time_intervals = ["night"] },
]
"#;

fn tree() -> Settings {
    Settings::parse(TREE).unwrap_or_else(|problems| panic!("{problems}"))
}

fn receivers(labels: &[(&str, &str)]) -> Vec<String> {
    let settings = tree();
    let labels = labels.iter().copied().collect();
    settings.route.matching(&labels).iter().map(|route| route.receiver.clone()).collect()
}

#[test]
fn an_alert_goes_down_as_deep_as_it_matches() {
    assert_eq!(receivers(&[("alertname", "X")]), ["default"]);
    assert_eq!(
        receivers(&[("severity", "none"), ("team", "shop")]),
        ["log"],
        "the first that takes it stops"
    );
    assert_eq!(
        receivers(&[("team", "shop"), ("severity", "critical")]),
        ["shop", "page"],
        "continue goes on"
    );
    assert_eq!(
        receivers(&[("team", "market"), ("service", "database"), ("severity", "error")]),
        ["database"]
    );
    assert_eq!(receivers(&[("team", "shopping")]), ["default"], "anchored");
}

#[test]
fn group_keys_are_those_of_alertmanager() {
    let settings = tree();
    let labels = Labels::from_iter([
        ("alertname", "X"),
        ("team", "shop"),
        ("service", "database"),
        ("severity", "critical"),
    ]);
    let keys: Vec<String> =
        settings.route.matching(&labels).iter().map(|route| route.group_key(&labels)).collect();
    assert_eq!(
        keys,
        [
            r#"{}/{team=~"shop|market"}/{service="database",severity!="info"}:{alertname="X"}"#,
            r#"{}/{severity="critical"}:{alertname="X"}"#,
        ]
    );
    let ids: BTreeSet<&str> = settings.route.walk().iter().map(|route| route.id.as_str()).collect();
    assert_eq!(ids.len(), 5, "ids are unique");
}

#[test]
fn what_is_not_said_is_inherited() {
    let settings = tree();
    let routes = settings.route.walk();
    let by_receiver = |name: &str| routes.iter().find(|route| route.receiver == name).expect("a route");
    let database = by_receiver("database");
    assert_eq!(database.grouping.wait, Duration::ZERO);
    assert_eq!(database.grouping.interval, Duration::from_secs(300));
    assert_eq!(database.grouping.by, GroupBy::Labels(BTreeSet::from(["alertname".to_owned()])));
    assert!(database.muted_in.is_empty(), "mute intervals are not inherited");
    assert_eq!(by_receiver("log").grouping.by, GroupBy::Everything);
}

#[test]
fn a_dry_run_tells_each_step() {
    let settings = tree();
    let labels = Labels::from_iter([("alertname", "X"), ("team", "shop"), ("severity", "critical")]);
    let at = "2026-11-20T12:00:00Z".parse().expect("an instant");
    let run = settings.route.dry_run(&labels, at, &settings.time_intervals);
    insta::assert_json_snapshot!(run);
    let night = "2026-11-20T03:00:00Z".parse().expect("an instant");
    let run = settings.route.dry_run(&labels, night, &settings.time_intervals);
    assert_eq!(run.taken[0].silent_because.as_deref(), Some("muted in night"));
    assert_eq!(run.taken[1].silent_because, None);
}

/// What Alertmanager 0.25.0 did with these alerts under the tree below: `fingerprint` by its API, receivers and group
/// keys by its webhook.
const BY_ALERTMANAGER: &str = include_str!("alertmanager.json");

const TREE_OF_ALERTMANAGER: &str = r#"
receivers = [{ name = "default" }, { name = "log" }, { name = "shop" }, { name = "database" }, { name = "odd" },
             { name = "page" }, { name = "pods" }]

[route]
receiver = "default"
group_by = ["alertname"]
routes = [
  { matchers = ['severity="none"'], receiver = "log", group_by = ["..."] },
  { matchers = ['team=~"shop|market"'], receiver = "shop", continue = true, routes = [
    { matchers = ['service="database"', 'severity!="info"'], receiver = "database" },
    { matchers = ['note="say \"hi\"\n"', 'zone=~".*é"'], receiver = "odd", group_by = ["note", "zone", "absent"] },
  ] },
  { matchers = ['severity=~"crit.*"', 'team!~"x+"'], receiver = "page", continue = true },
  { matchers = ['pod!=""'], receiver = "pods", group_by = ["pod", "alertname"] },
]
"#;

#[derive(serde::Deserialize)]
struct ByAlertmanager {
    labels: Labels,
    fingerprint: String,
    routes: Vec<RouteByAlertmanager>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
struct RouteByAlertmanager {
    receiver: String,
    group_key: String,
}

#[test]
fn alerts_are_known_routed_and_grouped_as_by_alertmanager() {
    let settings = Settings::parse(TREE_OF_ALERTMANAGER).unwrap_or_else(|problems| panic!("{problems}"));
    let alerts: Vec<ByAlertmanager> = serde_json::from_str(BY_ALERTMANAGER).expect("what was recorded");
    assert_eq!(alerts.len(), 18);
    for mut told in alerts {
        assert_eq!(told.labels.fingerprint().to_string(), told.fingerprint, "{}", told.labels);
        let routes = settings.route.matching(&told.labels).into_iter().map(|route| RouteByAlertmanager {
            receiver: route.receiver.clone(),
            group_key: route.group_key(&told.labels),
        });
        let mut routes: Vec<RouteByAlertmanager> = routes.collect();
        routes.sort();
        told.routes.sort();
        assert_eq!(routes, told.routes, "{}", told.labels);
    }
}
