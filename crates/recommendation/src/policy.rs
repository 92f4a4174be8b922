//! What a policy that was never shown would have brought, from answers that explored: its
//! model ranks again what each answer drew from, knowing of the customer what was known
//! then, and the pure estimators weigh the two policies against each other.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use larder_ranking::experiment::{
    Exploration, LoggedAnswer, LoggedPlace, PlaceChances, PolicyEstimates, Situation, estimate_policy,
};
use larder_ranking::{Arrangement, Event, Filter, Ranker, RecommendQuery, RepeatPolicy, Serving, Snapshot};

use crate::showing::is_visitor;
use crate::store::exposures::ExploredRow;

/// The policy in question and what it is to be judged by.
pub(crate) struct PolicyQuestion {
    pub(crate) snapshot: Snapshot,
    pub(crate) arrangement: Arrangement,
    /// The chance that a place explores, 0 to 0.5.
    pub(crate) exploration: f64,
    /// Answers that explored, shown after the model was trained.
    pub(crate) explored: Vec<ExploredRow>,
    /// What the customers of those answers did that the model does not know, the oldest first.
    pub(crate) events: Vec<Event>,
}

/// Answers the question; `None` when no answer can be learnt from.
pub(crate) fn estimate(question: PolicyQuestion) -> Option<PolicyEstimates> {
    let PolicyQuestion { snapshot, arrangement, exploration, mut explored, events } = question;
    // What a session asked for is not in the log, so no model can be asked again.
    explored.retain(|row| !is_visitor(&row.subject));
    explored
        .sort_by(|a, b| (a.shown_at_us, &a.recommendation_id).cmp(&(b.shown_at_us, &b.recommendation_id)));
    let mut serving = Serving::new(Arc::new(snapshot));
    let mut events = events.iter().peekable();
    let mut logbook = Logbook::default();
    let mut answers = Vec::with_capacity(explored.len());
    for row in &explored {
        while let Some(event) = events.next_if(|event| event.occurred_at_us < row.shown_at_us) {
            serving.record(event);
        }
        let target = Target::new(&serving, row, &arrangement);
        answers.extend(logbook.answer(row, &target, exploration));
    }
    estimate_policy(&answers, None)
}

/// The list the policy in question would have shown, and on from there the next best.
#[derive(Debug, PartialEq)]
struct Target {
    /// Places in the pool.
    order: Vec<usize>,
    /// Places of the list that have a pin.
    fixed: Vec<usize>,
}

impl Target {
    /// Ranks and arranges again what an answer drew from. What the model does not rank comes
    /// last, as it was; a pin of a product that the answer did not draw from counts as none.
    fn new(serving: &Serving, row: &ExploredRow, arrangement: &Arrangement) -> Self {
        let pool: Vec<_> = row.pool_product_ids.iter().map(String::as_str).collect();
        let query = RecommendQuery {
            customer_id: &row.subject,
            limit: row.shown_positions.len(),
            filter: &Filter::default(),
            repeat_policy: RepeatPolicy::Allow,
            ranker: Ranker::Learned,
            arrangement: &Arrangement { spare: pool.len(), ..arrangement.clone() },
            traits: &[],
            impressions: &[],
        };
        let ranked = serving.rank_products(&query, &pool, row.shown_at_us);
        let fixed = ranked.items.iter().enumerate().filter(|(_, item)| item.pinned).map(|(place, _)| place);
        let ranks: HashMap<_, _> = ranked
            .items
            .iter()
            .chain(&ranked.spare)
            .enumerate()
            .map(|(rank, item)| (item.product_id.as_str(), rank))
            .collect();
        let mut order: Vec<_> = (0..pool.len()).collect();
        order.sort_by_key(|position| ranks.get(pool[*position]).copied().unwrap_or(usize::MAX));
        Self { order, fixed: fixed.collect() }
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
    use larder_ranking::{CategoryCap, InteractionKind, Pin, ProductRecord};

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

    /// A shop whose products sell the better the earlier they stand in the alphabet.
    fn serving() -> Serving {
        let mut serving = Serving::empty("shop");
        for (at, product_id) in ["a", "b", "c", "d"].into_iter().enumerate() {
            serving.upsert_product(ProductRecord {
                product_id: product_id.into(),
                name: product_id.into(),
                category: if at < 2 { "early".into() } else { "late".into() },
                in_stock: true,
                ..ProductRecord::default()
            });
            for buyer in at..5 {
                serving.record(&Event {
                    event_id: format!("{product_id}-{buyer}"),
                    customer_id: format!("buyer-{buyer}"),
                    product_id: product_id.into(),
                    kind: InteractionKind::Purchase,
                    quantity: 1.0,
                    value: None,
                    occurred_at_us: 1,
                });
            }
        }
        serving
    }

    #[test]
    fn the_policy_arranges_what_the_answer_drew_from() {
        let row = row(&[0, 1, 2], &["d", "x", "b", "a"]);
        let plain = Target::new(&serving(), &row, Arrangement::plain());
        assert_eq!(plain, Target { order: vec![3, 2, 0, 1], fixed: vec![] });
        let pin = |product_id: &str, position| Pin { product_id: product_id.into(), position };
        let arrangement =
            Arrangement { pins: vec![pin("d", 1), pin("elsewhere", 2)], ..Arrangement::default() };
        let pinned = Target::new(&serving(), &row, &arrangement);
        assert_eq!(pinned, Target { order: vec![0, 3, 2, 1], fixed: vec![0] });
        let cap = CategoryCap { category: "early".into(), max_count: 1 };
        let arrangement = Arrangement { category_caps: vec![cap], ..Arrangement::default() };
        let row = self::row(&[0, 1], &["d", "x", "b", "a"]);
        assert_eq!(Target::new(&serving(), &row, &arrangement).order[..2], [3, 0]);
    }

    #[test]
    fn an_answer_has_its_chances_and_outcomes() {
        let row = row(&[1, 0], &["a", "b", "c"]);
        let target = Target { order: vec![1, 0, 2], fixed: vec![] };
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
        let target = Target { order: vec![0, 1, 2], fixed: vec![] };
        assert_eq!(Logbook::default().answer(&row, &target, 0.0), None);
    }
}
