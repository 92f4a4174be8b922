//! The page of all metrics is what the code records, and what a running Larder shows is on the page.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::metric_source::{Metric, metrics};
use crate::tree;

const PAGE: &str = "docs/reference/metrics.md";

const HEAD: &str = "# Metrics

Generated from the places in the code that record and describe them; do not edit. Every service shows its own under `/metrics` on its ops
port, in Prometheus's text format. Names of HTTP, gRPC and processes are those of OpenTelemetry and of Prometheus's client libraries;
`larder_*` is ours. A histogram `x` is seen as `x_bucket`, `x_sum` and `x_count`. Labels come from closed sets: no customer,
product, address or free text is ever one.
";

/// The groups, and how the names begin that belong to each. The first that fits counts.
const GROUPS: [(&str, &str, &[&str]); 6] = [
    (
        "API",
        "Calls from outside and between services.",
        &[
            "http_",
            "larder_console_",
            "rpc_",
            "larder_gateway_audit",
            "larder_gateway_limited",
            "larder_gateway_shed",
            "larder_gateway_unreadable",
            "larder_identity_",
        ],
    ),
    (
        "Cache",
        "What is answered from something kept, and how old that was.",
        &["larder_gateway_", "larder_connectors_"],
    ),
    (
        "Database",
        "PostgreSQL as the services see it, and its backups.",
        &["larder_database_", "larder_backup_"],
    ),
    (
        "Models",
        "Training, evaluation and what serves.",
        &[
            "larder_recommendation_model",
            "larder_recommendation_training",
            "larder_recommendation_snapshots",
            "larder_recommendation_demand_model",
            "larder_recommendation_exposures",
            "larder_recommendation_rank",
        ],
    ),
    ("Business", "Recommendations, events, sales, shops.", &["larder_recommendation_"]),
    ("System", "The processes, their dependencies, alerts on their way.", &[""]),
];

fn group_of(name: &str) -> usize {
    GROUPS.iter().position(|(_, _, begins)| begins.iter().any(|begin| name.starts_with(begin))).unwrap()
}

fn page(all: &BTreeMap<String, Metric>) -> String {
    let mut page = HEAD.to_owned();
    for (index, (title, about, _)) in GROUPS.iter().enumerate() {
        let members: Vec<_> = all.iter().filter(|(name, _)| group_of(name) == index).collect();
        write!(page, "\n## {title}\n\n{about}\n\n| metric | kind | labels | what it tells |\n| --- | --- | --- | --- |\n")
            .unwrap();
        for (name, metric) in members {
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let told = metric.description.as_deref().unwrap().trim_end_matches('.');
            writeln!(page, "| `{name}` | {} | {} | {told} |", metric.kind, labels.join(", ")).unwrap();
        }
    }
    page
}

#[test]
fn the_committed_page_of_metrics_is_what_the_code_records() {
    let all = metrics();
    let silent: Vec<_> =
        all.iter().filter(|(_, metric)| metric.description.is_none()).map(|(name, _)| name).collect();
    assert!(silent.is_empty(), "nothing tells what these mean: {silent:?}");
    assert!(all.len() >= 50, "{} metrics", all.len());
    for (index, (title, _, _)) in GROUPS.iter().enumerate() {
        assert!(all.keys().any(|name| group_of(name) == index), "{title} is empty");
    }
    let fresh = page(&all);
    if std::env::var_os("LARDER_UPDATE_GENERATED").is_some() {
        std::fs::write(tree::root().join(PAGE), &fresh).unwrap();
    }
    assert_eq!(tree::text(PAGE), fresh, "run `cargo xtask gen`");
}
