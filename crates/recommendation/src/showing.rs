//! From what could be shown to what is shown: the arm of the experiment that runs, the
//! places that explore, and the note of it in the exposure log.

use larder_identity::TenantId;
use larder_ranking::experiment::{Exploration, ExploredPlace};
use uuid::Uuid;

use crate::arrangement::Arrangement;
use crate::experiments::{Assignment, Experiments};
use crate::exposures::{Exposure, ExposureLog, PooledProduct};

/// The placement of answers that name none.
pub(crate) const DEFAULT_PLACEMENT: &str = "default";
/// An answer that explores draws from so many times its length, and from so many products
/// more at least.
const POOL_FACTOR: usize = 3;
const LEAST_MORE: usize = 10;
/// However long the list is, the log keeps no more beyond it.
const MOST_MORE: usize = 100;

/// Begins what stands for a visitor; no id of a customer can.
const VISITOR: &str = "session/";

/// What stands for a visitor nobody knows, in arms and in the exposure log.
pub(crate) fn visitor(session_id: &str) -> String {
    format!("{VISITOR}{session_id}")
}

/// Whether the subject of an answer is such a visitor.
pub(crate) fn is_visitor(subject: &str) -> bool {
    subject.starts_with(VISITOR)
}

/// Where an answer is shown and what experiment it belongs to.
pub(crate) struct Showing<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) placement: &'a str,
    /// The customer's id, or what stands for a visitor nobody knows.
    pub(crate) subject: &'a str,
    pub(crate) assignment: Option<Assignment>,
    /// What is in force: the arm's word before the caller's.
    pub(crate) arrangement: Arrangement,
    /// Whether the placement logs every answer.
    pub(crate) logs_always: bool,
}

/// One answer, ready to be shown.
pub(crate) struct Showable<'a> {
    pub(crate) recommendation_id: Uuid,
    pub(crate) model_version: &'a str,
    pub(crate) shown_at_us: i64,
    /// The length of the list.
    pub(crate) limit: usize,
    /// Everything that could be shown, the plain list first.
    pub(crate) pool: Vec<PooledProduct>,
    /// Places, from 0, that do not explore, such as those of pins.
    pub(crate) fixed_places: Vec<usize>,
}

impl<'a> Showing<'a> {
    /// Looks up the experiment that runs; `asked` is what the caller and the placement say.
    pub(crate) fn new(
        experiments: &Experiments,
        tenant: &'a TenantId,
        placement: &'a str,
        subject: &'a str,
        asked: Arrangement,
    ) -> Self {
        let placement = if placement.is_empty() { DEFAULT_PLACEMENT } else { placement };
        let assignment = experiments.assignment(tenant.as_str(), placement, subject);
        let arrangement = match &assignment {
            Some(assignment) => assignment.arrangement.clone().over(&asked),
            None => asked,
        };
        Self { tenant, placement, subject, assignment, arrangement, logs_always: false }
    }

    fn epsilon(&self) -> f64 {
        self.arrangement.exploration.unwrap_or(0.0)
    }

    /// Whether every showing is noted, so that each has to come from here.
    pub(crate) fn is_logged(&self) -> bool {
        self.epsilon() > 0.0 || self.assignment.is_some() || self.logs_always
    }

    /// How many products to rank for a list of `limit`.
    pub(crate) fn pool_size(&self, limit: usize) -> usize {
        let more = limit.saturating_mul(POOL_FACTOR - 1).clamp(LEAST_MORE, MOST_MORE);
        if self.epsilon() > 0.0 { limit.saturating_add(more) } else { limit }
    }

    /// Draws the list from the pool: which product stands at each place, and with which
    /// chance. The answer is logged when it explored, belongs to an experiment, or when the
    /// placement logs every answer.
    pub(crate) fn show(&self, log: &ExposureLog, answer: Showable<'_>) -> Vec<ExploredPlace> {
        let epsilon = self.epsilon();
        let exploration = Exploration {
            epsilon,
            places: answer.limit,
            pool_size: answer.pool.len(),
            fixed: answer.fixed_places.clone(),
        };
        // The low half of an id that sorts by time is random.
        let shown = exploration.draw(answer.recommendation_id.as_u64_pair().1);
        if self.is_logged() {
            log.log(self.exposure(answer, shown.clone()));
        }
        shown
    }

    fn exposure(&self, answer: Showable<'_>, shown: Vec<ExploredPlace>) -> Exposure {
        let experiment = self.assignment.as_ref();
        Exposure {
            tenant: self.tenant.clone(),
            recommendation_id: answer.recommendation_id.to_string(),
            subject: self.subject.to_owned(),
            placement: self.placement.to_owned(),
            experiment: experiment.map(|of| (of.experiment_id.clone(), of.arm.clone())),
            model_version: answer.model_version.to_owned(),
            shown_at_us: answer.shown_at_us,
            exploration: self.epsilon(),
            fixed_places: answer.fixed_places,
            shown,
            pool: answer.pool,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::{Arm, RunningExperiment};

    fn experiments(exploration: Option<f64>) -> Experiments {
        let arm = |arm: &str, share, exploration| Arm {
            arm: arm.into(),
            share,
            arrangement: Arrangement { exploration, ..Arrangement::default() },
            model_version: None,
        };
        let experiments = Experiments::default();
        experiments.start(RunningExperiment {
            tenant_id: "shop".into(),
            placement: DEFAULT_PLACEMENT.into(),
            experiment_id: "exp".into(),
            arms: vec![arm("only", 1.0, exploration)],
        });
        experiments
    }

    fn showable(limit: usize, pool: usize) -> Showable<'static> {
        let product = |number| PooledProduct {
            product_id: format!("p{number}"),
            score: 1.0,
            relevance: 0.5,
            repeat: false,
        };
        Showable {
            recommendation_id: Uuid::now_v7(),
            model_version: "m",
            shown_at_us: 5,
            limit,
            pool: (0..pool).map(product).collect(),
            fixed_places: Vec::new(),
        }
    }

    fn asked(exploration: Option<f64>) -> Arrangement {
        Arrangement { exploration, diversity: Some(0.5), ..Arrangement::default() }
    }

    #[test]
    fn the_arm_has_the_first_word() {
        let tenant = TenantId::parse("shop").unwrap();
        let showing = Showing::new(&experiments(Some(0.25)), &tenant, "", "ann", asked(Some(0.5)));
        assert_eq!(showing.arrangement.exploration, Some(0.25));
        assert_eq!(showing.arrangement.diversity, Some(0.5));
        assert_eq!(showing.pool_size(10), 30);
        let elsewhere = Showing::new(&experiments(Some(0.25)), &tenant, "cart", "ann", asked(None));
        assert_eq!((elsewhere.assignment.is_none(), elsewhere.pool_size(10)), (true, 10));
    }

    #[test]
    fn what_explores_or_belongs_to_an_experiment_is_logged() {
        let tenant = TenantId::parse("shop").unwrap();
        let logged = |experiments: &Experiments, asked, logs_always| {
            let (log, mut receiver) = ExposureLog::new();
            let mut showing = Showing::new(experiments, &tenant, "", "ann", asked);
            showing.logs_always = logs_always;
            let shown = showing.show(&log, showable(3, 20));
            assert_eq!(shown.len(), 3);
            receiver.try_recv().ok().inspect(|exposure| assert_eq!(exposure.shown, shown))
        };
        let none = Experiments::default();
        assert!(logged(&none, asked(None), false).is_none());
        assert!(logged(&none, asked(None), true).is_some());
        assert_eq!(logged(&none, asked(Some(0.5)), false).unwrap().experiment, None);
        let of_arm = logged(&experiments(None), asked(None), false).unwrap();
        assert_eq!(of_arm.experiment, Some(("exp".to_owned(), "only".to_owned())));
        assert!(of_arm.shown.iter().enumerate().all(|(at, place)| place.pool_position == at));
    }
}
