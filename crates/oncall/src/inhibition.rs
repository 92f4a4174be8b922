//! Alerts that others explain: by rules on labels, as Alertmanager has them, and by what services stand on. An alert
//! that is hidden is kept and shown with its reason; when what hides it is over, it speaks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::labels::{Fingerprint, Labels};
use crate::matcher::Matchers;
use crate::severity::Severity;

/// While an alert of the source fires, those of the target are hidden that have the same values of the equal labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InhibitRule {
    /// What it is called where it is told as a reason.
    pub name: String,
    /// What hides.
    pub source: Matchers,
    /// What is hidden.
    pub target: Matchers,
    /// Labels whose values must be the same; an absent one counts as empty.
    pub equal: BTreeSet<String>,
}

/// Which service stands on which others. Alerts name theirs by the label `service`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceGraph {
    /// What each service stands on directly.
    depends_on: BTreeMap<String, BTreeSet<String>>,
}

/// A ring of services, each standing on the next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("services stand on each other in a ring: {}", .0.join(" → "))]
pub struct ServiceRing(pub Vec<String>);

impl ServiceGraph {
    /// From what each service stands on directly.
    ///
    /// # Errors
    /// [`ServiceRing`] when a service would stand on itself.
    pub fn new(depends_on: BTreeMap<String, BTreeSet<String>>) -> Result<Self, ServiceRing> {
        let graph = Self { depends_on };
        for service in graph.depends_on.keys() {
            for below in graph.depends_on.get(service).into_iter().flatten() {
                if let Some(mut way) = graph.way(below, service) {
                    way.insert(0, service.clone());
                    return Err(ServiceRing(way));
                }
            }
        }
        Ok(graph)
    }

    /// The shortest way down from one service to another that it stands on, both included.
    pub fn way(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut seen: BTreeSet<&str> = BTreeSet::from([from]);
        let mut ways = std::collections::VecDeque::from([vec![from]]);
        while let Some(way) = ways.pop_front() {
            let last = *way.last()?;
            if last == to {
                return Some(way.into_iter().map(str::to_owned).collect());
            }
            for below in self.depends_on.get(last).into_iter().flatten() {
                if seen.insert(below) {
                    ways.push_back(way.iter().copied().chain([below.as_str()]).collect());
                }
            }
        }
        None
    }

    /// Everything a service stands on, at any depth.
    fn below<'g>(&'g self, service: &'g str) -> BTreeSet<&'g str> {
        let mut found = BTreeSet::new();
        let mut open = vec![service];
        while let Some(service) = open.pop() {
            for below in self.depends_on.get(service).into_iter().flatten() {
                if found.insert(below.as_str()) {
                    open.push(below);
                }
            }
        }
        found
    }
}

/// Why an alert is hidden.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Inhibited {
    /// The alert that hides it.
    pub by: Fingerprint,
    /// In words.
    pub because: String,
}

/// Source alerts of a rule, by the values of its equal labels.
type SourcesByEqual<'s> = HashMap<Vec<String>, Vec<(Fingerprint, &'s Labels)>>;

/// The alerts that hide others, put in order for quick questions. It is made anew when the firing alerts change;
/// an alert whose source was lost goes on hiding, since nothing says that it is over.
#[derive(Debug)]
pub struct Inhibitors<'s> {
    rules: Vec<(&'s InhibitRule, SourcesByEqual<'s>)>,
    graph: &'s ServiceGraph,
    by_service: HashMap<&'s str, (Fingerprint, &'s Labels)>,
}

impl<'s> Inhibitors<'s> {
    /// From the alerts that fire or whose source was lost.
    pub fn new(
        rules: &'s [InhibitRule],
        graph: &'s ServiceGraph,
        active: impl IntoIterator<Item = &'s Labels>,
    ) -> Self {
        let mut rules: Vec<_> = rules.iter().map(|rule| (rule, HashMap::new())).collect();
        let mut by_service: HashMap<&str, (Fingerprint, &Labels)> = HashMap::new();
        for labels in active {
            let fingerprint = labels.fingerprint();
            for (rule, sources) in &mut rules {
                if rule.source.matches(labels) {
                    let known: &mut Vec<_> = sources.entry(equal_values(rule, labels)).or_default();
                    known.push((fingerprint, labels));
                    known.sort_unstable_by_key(|(fingerprint, _)| *fingerprint);
                }
            }
            let severe = matches!(Severity::of(labels), Severity::Critical | Severity::Error);
            if let Some(service) = labels.get("service").filter(|_| severe) {
                let first = by_service.entry(service).or_insert((fingerprint, labels));
                if fingerprint < first.0 {
                    *first = (fingerprint, labels);
                }
            }
        }
        Self { rules, graph, by_service }
    }

    /// Everything that hides an alert; none when it speaks. An alert never hides itself, and one that is both source
    /// and target of a rule is not hidden by another such one, so that two never hide each other.
    pub fn hide(&self, labels: &Labels) -> Vec<Inhibited> {
        let fingerprint = labels.fingerprint();
        let mut found = Vec::new();
        for (rule, sources) in &self.rules {
            if !rule.target.matches(labels) {
                continue;
            }
            let is_source = rule.source.matches(labels);
            let same = sources.get(&equal_values(rule, labels)).into_iter().flatten();
            let hides =
                same.filter(|(by, source)| *by != fingerprint && !(is_source && rule.target.matches(source)));
            for (by, source) in hides.take(1) {
                let because = format!("{} fires, and the rule {:?} hides this", name_of(source), rule.name);
                found.push(Inhibited { by: *by, because });
            }
        }
        found.extend(self.hidden_by_service(labels));
        found
    }

    fn hidden_by_service(&self, labels: &Labels) -> Option<Inhibited> {
        let service = labels.get("service")?;
        let below = self.graph.below(service);
        let (_, upstream, (by, source)) = below
            .into_iter()
            .filter_map(|below| {
                let source = *self.by_service.get(below)?;
                Some((self.graph.way(service, below)?.len(), below, source))
            })
            .max_by_key(|(depth, name, _)| (*depth, std::cmp::Reverse(*name)))?;
        let way = self.graph.way(service, upstream)?.join(" on ");
        let because = format!("{} fires, and {} stands on it ({way})", name_of(source), service);
        Some(Inhibited { by, because })
    }
}

fn equal_values(rule: &InhibitRule, labels: &Labels) -> Vec<String> {
    rule.equal.iter().map(|name| labels.value(name).to_owned()).collect()
}

fn name_of(labels: &Labels) -> String {
    let (name, service) = (labels.alert_name(), labels.get("service"));
    service.map_or_else(|| name.to_owned(), |service| format!("{name} of {service}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    fn rule(source: &str, target: &str, equal: &[&str]) -> InhibitRule {
        let matchers = |text: &str| text.parse().expect("matchers");
        let equal = equal.iter().map(|name| (*name).to_owned()).collect();
        InhibitRule { name: "critical".into(), source: matchers(source), target: matchers(target), equal }
    }

    fn graph(edges: &[(&str, &[&str])]) -> Result<ServiceGraph, ServiceRing> {
        let below = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        ServiceGraph::new(edges.iter().map(|(name, names)| ((*name).to_owned(), below(names))).collect())
    }

    #[test]
    fn a_rule_hides_what_has_the_same_equal_labels() {
        let rules = [rule("severity=critical", "severity=warning", &["alertname", "pod"])];
        let none = ServiceGraph::default();
        let source = labels(&[("alertname", "X"), ("severity", "critical"), ("pod", "a")]);
        let inhibitors = Inhibitors::new(&rules, &none, [&source]);
        let hidden = inhibitors.hide(&labels(&[("alertname", "X"), ("severity", "warning"), ("pod", "a")]));
        assert_eq!(hidden.len(), 1);
        assert_eq!(hidden[0].by, source.fingerprint());
        assert!(
            inhibitors.hide(&labels(&[("alertname", "X"), ("severity", "warning"), ("pod", "b")])).is_empty()
        );
        assert!(inhibitors.hide(&labels(&[("alertname", "X"), ("severity", "warning")])).is_empty());
        assert!(inhibitors.hide(&source).is_empty(), "never itself");
    }

    #[test]
    fn two_that_are_source_and_target_do_not_hide_each_other() {
        let rules = [rule("team=shop", "team=shop", &["team"])];
        let none = ServiceGraph::default();
        let (one, other) = (
            labels(&[("alertname", "A"), ("team", "shop")]),
            labels(&[("alertname", "B"), ("team", "shop")]),
        );
        let inhibitors = Inhibitors::new(&rules, &none, [&one, &other]);
        assert!(inhibitors.hide(&one).is_empty() && inhibitors.hide(&other).is_empty());
    }

    #[test]
    fn what_stands_on_a_broken_service_is_hidden_by_the_deepest_cause() {
        let graph = graph(&[("gateway", &["recommendation"]), ("recommendation", &["postgres", "redis"])]);
        let graph = graph.expect("no ring");
        let database =
            labels(&[("alertname", "PostgresDown"), ("service", "postgres"), ("severity", "critical")]);
        let middle = labels(&[("alertname", "Errors"), ("service", "recommendation"), ("severity", "error")]);
        let warning = labels(&[("alertname", "Slow"), ("service", "redis"), ("severity", "warning")]);
        let inhibitors = Inhibitors::new(&[], &graph, [&middle, &database, &warning]);
        let hidden = inhibitors.hide(&labels(&[
            ("alertname", "Burn"),
            ("service", "gateway"),
            ("severity", "critical"),
        ]));
        assert_eq!(hidden[0].by, database.fingerprint());
        assert_eq!(
            hidden[0].because,
            "PostgresDown of postgres fires, and gateway stands on it (gateway on recommendation on postgres)"
        );
        assert!(inhibitors.hide(&database).is_empty(), "the cause speaks");
        assert!(!inhibitors.hide(&middle).is_empty());
        let only_warning = Inhibitors::new(&[], &graph, [&warning]);
        assert!(only_warning.hide(&middle).is_empty(), "a warning below hides nothing");
    }

    #[test]
    fn a_ring_is_refused_with_its_way() {
        let ring = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"])]);
        assert_eq!(
            ring.expect_err("a ring").to_string(),
            "services stand on each other in a ring: a → b → c → a"
        );
        assert!(graph(&[("a", &["a"])]).is_err());
    }
}
