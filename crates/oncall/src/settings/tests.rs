//! What is accepted, and what the reader of a broken file is told.

use super::*;

fn problems(text: &str) -> String {
    Settings::parse(text).expect_err("a broken file").to_string()
}

#[test]
fn every_problem_of_a_file_is_told_at_once_with_its_place() {
    let text = r#"resolve_timout = "5m"

[route]
receiver = "pager"
group_wait = "thirty seconds"
routes = [
  { matchers = ['severity=~"("'], receiver = "pagr" },
  { matchers = ["severity"], mute_time_intervals = ["nights"], group_by = ["...", "alertname"] },
]

[[receivers]]
name = "pager"
channels = ["mail", "slak"]

[[channels]]
name = "mail"
kind = "email"
host = "localhost"
from = "nobody"
password = "hunter2"
limit = { messages = 0, per = "0s" }

[[channels]]
name = "slack"
kind = "slac"

[[channels]]
name = "hook"
kind = "webhook"
failover = "hook"
url = "ftp://example.org"

[[contacts]]
name = "ana luz"
time_zone = "Europe/Pariss"

[[time_intervals]]
name = "night"
intervals = [{ times = ["22:00-06:00"], weekdays = ["mon"] }]
"#;
    insta::assert_snapshot!(problems(text));
}

#[test]
fn what_is_no_toml_tells_its_line() {
    let told = problems("[route]\nreceiver = \n");
    assert!(told.starts_with("line 2, column"), "{told}");
    assert!(problems("").contains("route: is missing"), "{}", problems(""));
}

#[test]
fn no_problem_shows_a_secret() {
    let text = "route = { receiver = \"x\" }\nreceivers = [{ name = \"x\" }]\n\
                channels = [{ name = \"p\", kind = \"pagerduty\", routing_key = \"hunter2\" }]";
    let told = problems(text);
    assert!(told.contains("secrets do not stand in this file") && !told.contains("hunter2"), "{told}");
}

#[test]
fn channels_have_their_usual_ports_and_limits() {
    let text = r#"
route = { receiver = "x" }
receivers = [{ name = "x", channels = ["mail"], send_resolved = false }]
contacts = [{ name = "ana", time_zone = "Europe/Paris", reach = [{ channel = "mail", address = "ana@example.org" }] }]
teams = [{ name = "shop", members = ["ana"] }]

[[channels]]
name = "mail"
kind = "email"
host = "mail.example.org"
security = "starttls"
user = "larder"
password = { env = "SMTP_PASSWORD" }
from = "larder@example.org"
failover = "log"

[[channels]]
name = "log"
kind = "log"
"#;
    let settings = Settings::parse(text).unwrap_or_else(|problems| panic!("{problems}"));
    let mail = &settings.channels["mail"];
    let ChannelKind::Email { port, login, .. } = &mail.kind else { panic!("a mail server") };
    assert_eq!(*port, 587);
    assert_eq!(
        login.as_ref().map(|login| &login.1),
        Some(&SecretSource::Environment("SMTP_PASSWORD".into()))
    );
    assert_eq!((mail.limit.messages, mail.failover.as_deref()), (20, Some("log")));
    assert_eq!(settings.contacts["ana"].zone.iana_name(), Some("Europe/Paris"));
    assert!(!settings.receivers["x"].send_resolved);
    assert_eq!(settings.resolve_timeout, Duration::from_secs(300));
}

#[test]
fn a_house_without_a_file_writes_to_the_log() {
    let settings = Settings::default();
    assert_eq!(settings.receivers[&settings.route.receiver].channels, ["log"]);
}

#[test]
fn heartbeats_and_probes_say_what_they_wait_for() {
    let text = r#"
route = { receiver = "x" }
receivers = [{ name = "x" }]
heartbeats = [{ name = "prometheus", every = "15s", alert_name = "Watchdog", labels = { severity = "critical" } },
              { name = "backup", every = "1d", grace = "2h" }, { name = "fast", every = "1s" }]
probes = [{ name = "shop", kind = "http", target = "https://shop.example.org/health" },
          { name = "mail", kind = "tcp", target = "localhost:25", every = "1m", timeout = "90s" }]
"#;
    let told = problems(text);
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(told.contains("heartbeats[2].every") && told.contains("probes[1].timeout"), "{told}");
    let settings = Settings::parse(&text.replace("\"1s\"", "\"5s\"").replace("90s", "9s"));
    let settings = settings.unwrap_or_else(|problems| panic!("{problems}"));
    let prometheus = &settings.heartbeats["prometheus"];
    assert_eq!(
        (prometheus.grace, prometheus.labels.get("severity")),
        (Duration::from_secs(15), Some("critical"))
    );
    assert_eq!(settings.probes["shop"].kind, ProbeKind::Http);
}

#[test]
fn the_example_of_the_readme_is_accepted() {
    let readme = include_str!("../../README.md");
    let example =
        readme.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let settings = Settings::parse(example).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(settings.route.walk().len(), 4);
    let on_call =
        settings.schedules["shop"].on_call("2026-11-20T20:00:00Z".parse().expect("an instant"), &[]);
    assert_eq!(on_call.map(|on_call| on_call.contact).as_deref(), Some("ben"), "Friday night");
    assert_eq!((settings.policies.len(), settings.inhibitions.len(), settings.maintenance.len()), (1, 1, 1));
}

#[test]
fn schedules_policies_and_what_keeps_quiet_are_checked_too() {
    let text = r#"
route = { receiver = "x" }
receivers = [{ name = "x", policy = "shpo" }]
channels = [{ name = "log", kind = "log" }]
contacts = [{ name = "ana", reach = [{ channel = "log" }] }]
flapping = { turns = 1 }

[[schedules]]
name = "shop"
time_zone = "Europe/Paris"
layers = [
  { rotation = "weekly", starts_at = 2026-01-05T09:00:00Z, members = ["ana", "bne"] },
  { rotation = "fixed", shifts = [{ contact = "ana", starts_at = 2026-01-05T09:00:00, ends_at = "2026-01-05T08:00" }] },
  { rotation = "daily", starts_at = "2026-01-05T09:00", members = ["ana"], restrictions = [{ times = ["24:00-09:00"] }] },
]

[[policies]]
name = "shop"
steps = [{ notify = [{ schedule = "shop" }, { contact = "ana", team = "x" }], wait = "1s" }, { wait = "5m" }]

[[inhibitions]]
name = "critical"
source_matchers = ['severity="critical"']

[[services]]
name = "gateway"
depends_on = ["shop"]

[[services]]
name = "shop"
depends_on = ["gateway"]

[[maintenance]]
name = "nightly"
matchers = ['service="shop"']
starts_at = 2026-01-01T02:00:00
time_zone = "Europe/Paris"
rule = "FREQ=SECONDLY"
duration = "2h"
"#;
    insta::assert_snapshot!(problems(text));
}
