//! Somebody who is known by nothing but what they just did: how much each of it says, the latest
//! weighing most.

use std::collections::HashSet;

use larder_ranking::{InteractionKind, Ranked, RecommendQuery, Serving, SessionStep};

/// What each step back in the session counts, as a share of the step after it.
const FADING: f64 = 0.8;
/// So many of the latest products of a session are looked at.
const MOST_PRODUCTS: usize = 20;

/// One thing that was done in a session.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SessionEvent {
    pub(crate) product_id: String,
    pub(crate) kind: InteractionKind,
    /// Microseconds since 1970.
    pub(crate) occurred_at_us: i64,
}

/// What an event says for its product; what says nothing for it is no step.
fn weight_of(kind: InteractionKind) -> f64 {
    match kind {
        InteractionKind::View => 0.3,
        InteractionKind::Cart | InteractionKind::Purchase => 1.0,
        InteractionKind::Like => 0.8,
        InteractionKind::Rating => 0.5,
        InteractionKind::Dislike => 0.0,
    }
}

/// The products of a session, the latest first, each with the most that was done with it.
fn steps(events: &[SessionEvent]) -> Vec<SessionStep<'_>> {
    let disliked: HashSet<_> = events
        .iter()
        .filter(|event| event.kind == InteractionKind::Dislike)
        .map(|event| event.product_id.as_str())
        .collect();
    let mut latest_first: Vec<_> =
        events.iter().filter(|event| !disliked.contains(event.product_id.as_str())).collect();
    latest_first.sort_by_key(|event| std::cmp::Reverse(event.occurred_at_us));
    let mut steps: Vec<SessionStep<'_>> = Vec::new();
    for event in latest_first {
        let weight = weight_of(event.kind);
        match steps.iter_mut().find(|step| step.product_id == event.product_id) {
            Some(step) => step.weight = step.weight.max(weight),
            None => steps.push(SessionStep { product_id: &event.product_id, weight }),
        }
    }
    steps.truncate(MOST_PRODUCTS);
    for (place, step) in steps.iter_mut().enumerate() {
        step.weight *= FADING.powi(i32::try_from(place).unwrap_or(i32::MAX));
    }
    steps
}

/// Ranks for a session. What is in the session already is not shown again.
pub(crate) fn recommend(
    serving: &Serving,
    events: &[SessionEvent],
    query: &RecommendQuery<'_>,
    now_us: i64,
) -> Ranked {
    let mut filter = query.filter.clone();
    filter.exclude_product_ids.extend(events.iter().map(|event| event.product_id.clone()));
    serving.recommend_for_session(&steps(events), &RecommendQuery { filter: &filter, ..*query }, now_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(product_id: &str, kind: InteractionKind, occurred_at_us: i64) -> SessionEvent {
        SessionEvent { product_id: product_id.into(), kind, occurred_at_us }
    }

    #[test]
    fn the_latest_weighs_most_and_what_was_disliked_says_nothing() {
        let events = [
            event("milk", InteractionKind::View, 1),
            event("bread", InteractionKind::View, 2),
            event("eggs", InteractionKind::Cart, 3),
            event("eggs", InteractionKind::Dislike, 4),
            event("bread", InteractionKind::Cart, 0),
        ];
        let steps: Vec<_> = steps(&events).iter().map(|step| (step.product_id, step.weight)).collect();
        assert_eq!(steps, [("bread", 1.0), ("milk", 0.3 * FADING)]);
    }
}
