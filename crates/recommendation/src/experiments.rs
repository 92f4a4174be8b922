//! The experiments that run, in memory: which arm an answer belongs to is known without
//! asking the database. The follower keeps them in step with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use larder_ranking::experiment::assign;
use serde::{Deserialize, Serialize};

use crate::arrangement::Arrangement;

/// One way of recommending in an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Arm {
    pub(crate) arm: String,
    /// Above 0; the shares of all arms make up 1.
    pub(crate) share: f64,
    #[serde(default)]
    pub(crate) arrangement: Arrangement,
    /// `None` means the model that serves.
    #[serde(default)]
    pub(crate) model_version: Option<String>,
}

/// An experiment that runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunningExperiment {
    pub(crate) tenant_id: String,
    pub(crate) placement: String,
    pub(crate) experiment_id: String,
    pub(crate) arms: Vec<Arm>,
}

/// What an experiment says of one answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) experiment_id: String,
    pub(crate) arm: String,
    /// Laid over what the placement and the request say.
    pub(crate) arrangement: Arrangement,
    pub(crate) model_version: Option<String>,
}

type ByPlacement = HashMap<String, HashMap<String, RunningExperiment>>;

/// The experiments of every tenant that run.
#[derive(Default)]
pub(crate) struct Experiments {
    running: RwLock<Arc<ByPlacement>>,
    /// How often this process started or stopped one.
    own_changes: AtomicU64,
}

impl Experiments {
    /// The arm of a customer or visitor in the experiment that runs for a placement, if one
    /// does. The same subject is always in the same arm.
    pub(crate) fn assignment(&self, tenant: &str, placement: &str, subject: &str) -> Option<Assignment> {
        let running = self.running();
        let experiment = running.get(tenant)?.get(placement)?;
        let shares: Vec<_> = experiment.arms.iter().map(|arm| arm.share).collect();
        let arm = experiment.arms.get(assign(&experiment.experiment_id, subject, &shares))?;
        Some(Assignment {
            experiment_id: experiment.experiment_id.clone(),
            arm: arm.arm.clone(),
            arrangement: arm.arrangement.clone(),
            model_version: arm.model_version.clone(),
        })
    }

    /// How many changes this process has made: to be asked before the database is read.
    pub(crate) fn own_changes(&self) -> u64 {
        self.own_changes.load(Ordering::Acquire)
    }

    /// Puts what the database said in the place of everything that was known, unless this
    /// process changed something since `own_changes`: then what was read may be old news, and
    /// the next reading tells.
    pub(crate) fn replace(&self, own_changes: u64, experiments: Vec<RunningExperiment>) {
        let mut running = ByPlacement::new();
        for experiment in experiments {
            let of_tenant = running.entry(experiment.tenant_id.clone()).or_default();
            of_tenant.insert(experiment.placement.clone(), experiment);
        }
        let mut current = self.running.write().unwrap_or_else(PoisonError::into_inner);
        if self.own_changes() == own_changes {
            *current = Arc::new(running);
        }
    }

    /// Lets an experiment run that was just written down, before the follower reads it.
    pub(crate) fn start(&self, experiment: RunningExperiment) {
        self.change(|running| {
            let of_tenant = running.entry(experiment.tenant_id.clone()).or_default();
            of_tenant.insert(experiment.placement.clone(), experiment);
        });
    }

    /// Ends an experiment that was just stopped, before the follower reads it.
    pub(crate) fn stop(&self, tenant: &str, experiment_id: &str) {
        self.change(|running| {
            if let Some(of_tenant) = running.get_mut(tenant) {
                of_tenant.retain(|_, experiment| experiment.experiment_id != experiment_id);
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut ByPlacement)) {
        let mut running = self.running.write().unwrap_or_else(PoisonError::into_inner);
        self.own_changes.fetch_add(1, Ordering::Release);
        change(Arc::make_mut(&mut running));
    }

    fn running(&self) -> Arc<ByPlacement> {
        self.running.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(arm: &str, share: f64) -> Arm {
        Arm { arm: arm.into(), share, arrangement: Arrangement::default(), model_version: None }
    }

    fn experiment(tenant: &str, placement: &str) -> RunningExperiment {
        RunningExperiment {
            tenant_id: tenant.into(),
            placement: placement.into(),
            experiment_id: format!("exp-{placement}"),
            arms: vec![arm("plain", 0.5), arm("varied", 0.5)],
        }
    }

    #[test]
    fn an_arm_is_kept_and_is_only_for_its_tenant_and_placement() {
        let experiments = Experiments::default();
        experiments.start(experiment("shop", "home"));
        let of = |subject: &str| experiments.assignment("shop", "home", subject).unwrap().arm;
        let arms: Vec<_> = (0..50).map(|number| of(&format!("c{number}"))).collect();
        assert!(arms.iter().any(|arm| arm == "plain") && arms.iter().any(|arm| arm == "varied"));
        let both = vec![experiment("shop", "home"), experiment("other", "cart")];
        experiments.replace(experiments.own_changes(), both);
        assert!((0..50).all(|number| of(&format!("c{number}")) == arms[number]));
        assert_eq!(experiments.assignment("shop", "cart", "c1"), None);
        assert_eq!(experiments.assignment("other", "home", "c1"), None);
        assert_eq!(experiments.assignment("other", "cart", "c1").unwrap().experiment_id, "exp-cart");
    }

    #[test]
    fn a_stopped_experiment_assigns_nobody() {
        let experiments = Experiments::default();
        experiments.replace(0, vec![experiment("shop", "home"), experiment("shop", "cart")]);
        experiments.stop("other", "exp-home");
        assert!(experiments.assignment("shop", "home", "c1").is_some());
        experiments.stop("shop", "exp-home");
        assert_eq!(experiments.assignment("shop", "home", "c1"), None);
        assert!(experiments.assignment("shop", "cart", "c1").is_some());
    }
    #[test]
    fn what_was_read_before_an_own_change_is_old_news() {
        let experiments = Experiments::default();
        let before = experiments.own_changes();
        experiments.start(experiment("shop", "home"));
        experiments.replace(before, Vec::new());
        assert!(experiments.assignment("shop", "home", "c1").is_some());
        experiments.replace(experiments.own_changes(), Vec::new());
        assert_eq!(experiments.assignment("shop", "home", "c1"), None);
    }
}
