//! What the tree would do with an alert, and why, without anything being sent.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Route;
use crate::labels::{Fingerprint, Labels};
use crate::time_interval::TimeInterval;

/// The way of one alert through the tree.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DryRun {
    /// The alert's labels as they were routed.
    pub labels: Labels,
    /// By what the alert is known.
    pub fingerprint: Fingerprint,
    /// Every route that was asked, in the order of asking.
    pub visited: Vec<VisitedRoute>,
    /// The routes that took it.
    pub taken: Vec<TakenRoute>,
}

/// One route that was asked.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct VisitedRoute {
    /// The route's id.
    pub route_id: String,
    /// 0 at the root.
    pub depth: usize,
    /// Whether its matchers hold.
    pub matched: bool,
    /// Why it answered as it did.
    pub why: String,
}

/// One route that took the alert.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TakenRoute {
    /// The route's id.
    pub route_id: String,
    /// Where the alert goes.
    pub receiver: String,
    /// The group it joins.
    pub group_key: String,
    /// Seconds until the group speaks for the first time.
    pub group_wait_seconds: u64,
    /// Why nothing is said at this instant, if nothing is.
    pub silent_because: Option<String>,
}

impl Route {
    /// Walks the tree for an alert and tells every step.
    pub fn dry_run(
        &self,
        labels: &Labels,
        at: Timestamp,
        intervals: &BTreeMap<String, TimeInterval>,
    ) -> DryRun {
        let mut visited = Vec::new();
        let routes = self.visit(labels, 0, &mut visited);
        let taken = routes.into_iter().map(|route| TakenRoute {
            route_id: route.id.clone(),
            receiver: route.receiver.clone(),
            group_key: route.group_key(labels),
            group_wait_seconds: route.grouping.wait.as_secs(),
            silent_because: route.silent_because(at, intervals),
        });
        let taken = taken.collect();
        DryRun { labels: labels.clone(), fingerprint: labels.fingerprint(), visited, taken }
    }

    fn visit<'t>(&'t self, labels: &Labels, depth: usize, visited: &mut Vec<VisitedRoute>) -> Vec<&'t Self> {
        let unfulfilled = self.matchers.first_unfulfilled(labels);
        let at = visited.len();
        visited.push(VisitedRoute {
            route_id: self.id.clone(),
            depth,
            matched: unfulfilled.is_none(),
            why: String::new(),
        });
        if let Some(matcher) = unfulfilled {
            visited[at].why = format!("{matcher} does not hold: it is {:?}", labels.value(matcher.name()));
            return Vec::new();
        }
        let mut taken = Vec::new();
        let mut stopped = false;
        for route in &self.routes {
            let matching = route.visit(labels, depth + 1, visited);
            stopped = !matching.is_empty() && !route.goes_on;
            taken.extend(matching);
            if stopped {
                break;
            }
        }
        visited[at].why = self.why_matched(taken.is_empty(), stopped);
        if taken.is_empty() { vec![self] } else { taken }
    }

    fn why_matched(&self, takes_itself: bool, stopped: bool) -> String {
        let because = if self.matchers.is_empty() {
            "takes every alert".to_owned()
        } else {
            format!("{} holds", self.matchers)
        };
        match (takes_itself, stopped, self.routes.is_empty()) {
            (true, _, true) => because,
            (true, _, false) => format!("{because}, and no route below takes it"),
            (false, true, _) => format!("{because}; a route below takes it and does not continue"),
            (false, false, _) => format!("{because}; routes below take it"),
        }
    }
}
