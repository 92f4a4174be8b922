//! What a policy that was never shown would have brought, from answers that explored: its
//! model ranks again what each answer drew from, knowing of the customer what was known
//! then, and the pure estimators weigh the two policies against each other.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use larder_ranking::experiment::{
    Exploration, LoggedAnswer, LoggedPlace, PlaceChances, PolicyEstimates, Situation, estimate_policy,
};
use larder_ranking::{Event, Filter, Ranker, RecommendQuery, RepeatPolicy, Serving, Snapshot};

use crate::arrangement::{Arrangement, Pin};
use crate::store::exposures::ExploredRow;

/// The policy in question and what it is to be judged by.
pub(crate) struct PolicyQuestion {
    pub(crate) snapshot: Snapshot,
    pub(crate) arrangement: Arrangement,
    /// Answers that explored, shown after the model was trained.
    pub(crate) explored: Vec<ExploredRow>,
    /// What the customers of those answers did that the model does not know, the oldest first.
    pub(crate) events: Vec<Event>,
}

/// Answers the question; `None` when no answer can be learnt from.
pub(crate) fn estimate(question: PolicyQuestion) -> Option<PolicyEstimates> {
    let PolicyQuestion { snapshot, arrangement, mut explored, events } = question;
    explored
        .sort_by(|a, b| (a.shown_at_us, &a.recommendation_id).cmp(&(b.shown_at_us, &b.recommendation_id)));
    let mut serving = Serving::new(Arc::new(snapshot));
    let mut events = events.iter().peekable();
    let mut logbook = Logbook::default();
    let target_exploration = arrangement.exploration.unwrap_or(0.0);
    let mut answers = Vec::with_capacity(explored.len());
    for row in &explored {
        while let Some(event) = events.next_if(|event| event.occurred_at_us < row.shown_at_us) {
            serving.record(event);
        }
        let target = Target::new(order_of_pool(&serving, row), row, &arrangement.pins);
        answers.extend(logbook.answer(row, &target, target_exploration));
    }
    estimate_policy(&answers, None)
}

/// The places in the pool in the order in which the model would have shown them. What the
/// model does not rank comes last, as it was.
fn order_of_pool(serving: &Serving, row: &ExploredRow) -> Vec<usize> {
    let query = RecommendQuery {
        customer_id: &row.subject,
        limit: row.pool_product_ids.len(),
        filter: &Filter::default(),
        repeat_policy: RepeatPolicy::Allow,
        ranker: Ranker::Learned,
        arrangement: larder_ranking::Arrangement::plain(),
        impressions: &[],
    };
    let pool: Vec<_> = row.pool_product_ids.iter().map(String::as_str).collect();
    let ranked = serving.rank_products(&query, &pool, row.shown_at_us);
    let ranks: HashMap<_, _> =
        ranked.items.iter().enumerate().map(|(rank, item)| (item.product_id.as_str(), rank)).collect();
    let mut order: Vec<_> = (0..row.pool_product_ids.len()).collect();
    order.sort_by_key(|at| ranks.get(row.pool_product_ids[*at].as_str()).copied().unwrap_or(usize::MAX));
    order
}

/// The list the policy in question would have shown, and on from there the next best.
struct Target {
    /// Places in the pool.
    order: Vec<usize>,
    /// Places of the list that have a pin.
    fixed: Vec<usize>,
}

impl Target {
    /// Puts the pins, the first place first, into an order of the pool. A pin of a product that
    /// the answer did not draw from cannot be estimated, and counts as none.
    fn new(mut order: Vec<usize>, row: &ExploredRow, pins: &[Pin]) -> Self {
        let mut pins: Vec<_> = pins.iter().collect();
        pins.sort_by_key(|pin| pin.position);
        let pinned = pins.into_iter().filter_map(|pin| {
            let place = usize::try_from(pin.position).ok()?.checked_sub(1)?;
            let position = row.pool_product_ids.iter().position(|product| *product == pin.product_id)?;
            (place < row.shown_positions.len()).then_some((place, position))
        });
        let pinned: Vec<_> = pinned.collect();
        order.retain(|position| pinned.iter().all(|(_, pinned)| pinned != position));
        for (place, position) in &pinned {
            order.insert((*place).min(order.len()), *position);
        }
        Self { order, fixed: pinned.into_iter().map(|(place, _)| place).collect() }
    }
}

/// Turns rows of the log into answers whose chances are known. The chances of two answers of
/// one shape are the same and are worked out once.
#[derive(Default)]
struct Logbook {
    customers: HashMap<String, u64>,
    chances: HashMap<(u64, usize, usize, Vec<usize>), Rc<PlaceChances>>,
}

impl Logbook {
    fn answer(&mut self, row: &ExploredRow, target: &Target, target_epsilon: f64) -> Option<LoggedAnswer> {
        let positions = |of: &[i32]| -> Option<Vec<usize>> {
            of.iter().map(|position| usize::try_from(*position).ok()).collect()
        };
        let (shown, fixed) = (positions(&row.shown_positions)?, positions(&row.fixed_places)?);
        let pool_size = row.pool_product_ids.len();
        if shown.iter().any(|position| *position >= pool_size) {
            return None;
        }
        let logged = self.chances_of(row.exploration, shown.len(), pool_size, fixed);
        let of_target = self.chances_of(target_epsilon, shown.len(), pool_size, target.fixed.clone());
        let order = target.order.as_slice();
        let new_number = self.customers.len() as u64;
        let customer = *self.customers.entry(row.subject.clone()).or_insert(new_number);
        let places = shown.iter().enumerate().map(|(place, position)| {
            let product_id = &row.pool_product_ids[*position];
            let outcomes = row.outcome_product_ids.iter().filter(|outcome| *outcome == product_id).count();
            LoggedPlace::new(place, (*position, outcomes as f64), &logged, (order, &of_target), |position| {
                Situation::new(place, row.pool_relevances[position], row.pool_repeats[position])
            })
        });
        Some(LoggedAnswer { customer, places: places.collect() })
    }

    fn chances_of(
        &mut self,
        epsilon: f64,
        places: usize,
        pool_size: usize,
        fixed: Vec<usize>,
    ) -> Rc<PlaceChances> {
        let key = (epsilon.to_bits(), places, pool_size, fixed.clone());
        let exploration = Exploration { epsilon, places, pool_size, fixed };
        self.chances.entry(key).or_insert_with(|| Rc::new(exploration.place_chances())).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(shown: &[i32], pool: &[&str]) -> ExploredRow {
        ExploredRow {
            recommendation_id: "r".into(),
            subject: "ann".into(),
            shown_at_us: 5,
            exploration: 0.5,
            fixed_places: Vec::new(),
            shown_positions: shown.to_vec(),
            pool_product_ids: pool.iter().map(|id| (*id).to_owned()).collect(),
            pool_relevances: vec![0.5; pool.len()],
            pool_repeats: vec![false; pool.len()],
            outcome_product_ids: vec!["b".into(), "b".into()],
        }
    }

    fn pin(product_id: &str, position: u32) -> Pin {
        Pin { product_id: product_id.into(), position }
    }

    #[test]
    fn pins_stand_where_they_are_pinned() {
        let row = row(&[0, 1, 2], &["a", "b", "c", "d"]);
        let pins = [pin("a", 3), pin("d", 1), pin("elsewhere", 2), pin("c", 9)];
        let target = Target::new(vec![0, 1, 2, 3], &row, &pins);
        assert_eq!((target.order, target.fixed), (vec![3, 1, 0, 2], vec![0, 2]));
    }

    #[test]
    fn an_answer_has_its_chances_and_outcomes() {
        let row = row(&[1, 0], &["a", "b", "c"]);
        let target = Target::new(vec![1, 0, 2], &row, &[]);
        let answer = Logbook::default().answer(&row, &target, 0.0).unwrap();
        let chances: Vec<_> = answer
            .places
            .iter()
            .map(|place| (place.reward, place.logged_chance, place.target_chance))
            .collect();
        // First place: explored, one of two. Second: after b or c, or explored after neither.
        assert_eq!(chances[0], (2.0, 0.25, 1.0));
        assert_eq!(chances[1], (0.0, 0.25, 1.0));
    }

    #[test]
    fn a_row_that_contradicts_itself_teaches_nothing() {
        let row = row(&[0, 7], &["a", "b", "c"]);
        let target = Target::new(vec![0, 1, 2], &row, &[]);
        assert_eq!(Logbook::default().answer(&row, &target, 0.0), None);
    }
}
