//! What a PromQL query asks for: its metrics with the labels it names, each of which has to exist.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use promql_parser::parser::{Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use crate::metric_source::metrics;
use crate::tree;

/// Labels that Prometheus and its settings put on everything that is ours.
const TARGET_LABELS: [&str; 4] = ["job", "instance", "service", "le"];

/// Everything that can be asked for.
pub(crate) struct Known {
    /// Ours, with their labels.
    ours: BTreeMap<String, BTreeSet<String>>,
    /// Those of exporters and of what rules record; their labels are their own matter.
    others: BTreeSet<String>,
}

impl Known {
    /// Reads the code, the lists of exporters and the recording rules.
    pub(crate) fn read() -> Self {
        let mut ours = BTreeMap::new();
        for (name, metric) in metrics() {
            let suffixes: &[&str] = match metric.kind.as_str() {
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            for suffix in suffixes {
                ours.insert(format!("{name}{suffix}"), metric.labels.clone());
            }
        }
        let mut others = BTreeSet::from(["ALERTS".to_owned(), "up".to_owned()]);
        for path in tree::files("deploy/prometheus/exporters", "txt") {
            let text = std::fs::read_to_string(path).unwrap();
            others.extend(text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned));
        }
        for path in tree::files("deploy/prometheus/rules", "yml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let recorded =
                text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("record: "));
            others.extend(recorded.map(str::to_owned));
        }
        Self { ours, others }
    }

    /// What is wrong with a query: it does not parse, or asks for what nobody shows.
    pub(crate) fn complaints(&self, query: &str) -> Vec<String> {
        let parsed = match promql_parser::parser::parse(query) {
            Ok(parsed) => parsed,
            Err(error) => return vec![format!("{query}: {error}")],
        };
        let mut selectors = Selectors(Vec::new());
        let Ok(_) = walk_expr(&mut selectors, &parsed);
        selectors.0.iter().flat_map(|selector| self.complaints_about(selector)).collect()
    }

    fn complaints_about(&self, selector: &VectorSelector) -> Vec<String> {
        let Some(name) = &selector.name else { return vec!["a selector without a metric's name".into()] };
        let Some(labels) = self.ours.get(name) else {
            let known = self.others.contains(name);
            return if known { Vec::new() } else { vec![format!("nobody shows {name}")] };
        };
        let asked = selector.matchers.matchers.iter().map(|matcher| matcher.name.as_str());
        asked
            .filter(|label| !labels.contains(*label) && !TARGET_LABELS.contains(label))
            .map(|label| format!("{name} has no label {label}"))
            .collect()
    }
}

struct Selectors(Vec<VectorSelector>);

impl ExprVisitor for Selectors {
    type Error = Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
        match expression {
            Expr::VectorSelector(selector) => self.0.push(selector.clone()),
            Expr::MatrixSelector(selector) => self.0.push(selector.vs.clone()),
            _ => {}
        }
        Ok(true)
    }
}

#[test]
fn a_query_for_what_nobody_shows_is_refused() {
    let known = Known::read();
    let wrong = |query: &str| known.complaints(query).len();
    assert_eq!(wrong("sum(rate(larder_errors_total{kind=\"panic\"}[5m]))"), 0);
    assert_eq!(wrong("sum(rate(larder_errors_total{colour=\"red\"}[5m]))"), 1);
    assert_eq!(wrong("larder_mistakes_total > up"), 1);
    assert_eq!(wrong("http_server_request_duration_seconds"), 1, "a histogram has no series of its own name");
    assert_eq!(wrong("sum(("), 1);
}
