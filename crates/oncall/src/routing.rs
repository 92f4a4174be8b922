//! The routing tree: to which receivers an alert goes and with which others it is grouped. It walks, inherits and
//! names its groups as Alertmanager does, so a tree moved over from there means the same here.

mod dry_run;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::labels::Labels;
use crate::matcher::Matchers;
use crate::time_interval::TimeInterval;

pub use dry_run::{DryRun, TakenRoute, VisitedRoute};

/// By which labels alerts are put into one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// All of them: every alert is a group of its own.
    Everything,
    /// These; none at all makes one group of all alerts of the route.
    Labels(BTreeSet<String>),
}

/// How a route groups and how patient it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// By which labels.
    pub by: GroupBy,
    /// From the first alert of a group to its first message.
    pub wait: Duration,
    /// From one message of a group to the next when the group changed.
    pub interval: Duration,
    /// From one message of a group to the next when it did not.
    pub repeat_interval: Duration,
}

/// Alertmanager's: 30 seconds, 5 minutes, 4 hours, and one group.
impl Default for Grouping {
    fn default() -> Self {
        Self {
            by: GroupBy::Labels(BTreeSet::new()),
            wait: Duration::from_secs(30),
            interval: Duration::from_secs(5 * 60),
            repeat_interval: Duration::from_secs(4 * 3600),
        }
    }
}

/// A node of the tree, with what it inherits filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Unique in the tree: the key and the place among the siblings.
    pub id: String,
    /// The matchers from the root down to here, `{}/{severity="critical"}`.
    pub key: String,
    /// Where its alerts go.
    pub receiver: String,
    /// What alerts must be to come here.
    pub matchers: Matchers,
    /// Whether an alert that came here is shown to the siblings behind it, too.
    pub goes_on: bool,
    /// How its alerts are grouped.
    pub grouping: Grouping,
    /// Time intervals in which it says nothing. Not inherited.
    pub muted_in: Vec<String>,
    /// Time intervals outside of which it says nothing, unless there are none. Not inherited.
    pub active_in: Vec<String>,
    /// Routes that are asked before this one answers itself, in their order.
    pub routes: Vec<Self>,
}

impl Route {
    /// The labels that name the group of an alert.
    pub fn group_labels(&self, labels: &Labels) -> Labels {
        match &self.grouping.by {
            GroupBy::Everything => labels.clone(),
            GroupBy::Labels(names) => labels.only(|name| names.contains(name)),
        }
    }

    /// The key of the group of an alert, `{}/{severity="critical"}:{alertname="X"}`, as Alertmanager's webhook
    /// tells it.
    pub fn group_key(&self, labels: &Labels) -> String {
        format!("{}:{}", self.key, self.group_labels(labels))
    }

    /// Why the route says nothing at an instant; `None` when it speaks. Alerts of a muted route are kept and shown,
    /// and told when it speaks again.
    pub fn silent_because(
        &self,
        at: Timestamp,
        intervals: &BTreeMap<String, TimeInterval>,
    ) -> Option<String> {
        let holds = |name: &&String| intervals.get(*name).is_some_and(|interval| interval.contains(at));
        if let Some(name) = self.muted_in.iter().find(holds) {
            return Some(format!("muted in {name}"));
        }
        let asleep = !self.active_in.is_empty() && !self.active_in.iter().any(|name| holds(&name));
        asleep.then(|| format!("active only in {}", self.active_in.join(", ")))
    }

    /// The routes that take an alert, in the order of the tree: the deepest ones that match, the first of its
    /// siblings each unless it goes on.
    pub fn matching<'t>(&'t self, labels: &Labels) -> Vec<&'t Self> {
        if !self.matchers.matches(labels) {
            return Vec::new();
        }
        let mut taken = Vec::new();
        for route in &self.routes {
            let matching = route.matching(labels);
            let stops = !matching.is_empty() && !route.goes_on;
            taken.extend(matching);
            if stops {
                break;
            }
        }
        if taken.is_empty() { vec![self] } else { taken }
    }

    /// This route and all below it, each before those below it.
    pub fn walk(&self) -> Vec<&Self> {
        let below = self.routes.iter().flat_map(Self::walk);
        std::iter::once(self).chain(below).collect()
    }
}

#[cfg(test)]
mod tests;
