//! What somebody may want who is known by nothing but what they just did: the products that
//! stand near those of the session, the latest weighing most, then what is popular.

use std::collections::{HashMap, HashSet};

use larder_ranking::{Filter, InteractionKind, Ranked, RankedItem, Serving, Source};

/// What each step back in the session counts, as a share of the step after it.
const FADING: f64 = 0.8;
/// So many of the latest products of a session are looked at.
const MOST_PRODUCTS: usize = 20;
/// So many neighbours of each are looked at.
const NEIGHBOURS: usize = 100;
/// What is popular begins at this share of the score above it, as on the ladder of customers.
const NEXT_RUNG: f64 = 0.5;

/// One thing that was done in a session.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SessionEvent {
    pub(crate) product_id: String,
    pub(crate) kind: InteractionKind,
    /// Microseconds since 1970.
    pub(crate) occurred_at_us: i64,
}

/// A product of the session and how much it says.
struct Step<'a> {
    product_id: &'a str,
    weight: f64,
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
fn steps(events: &[SessionEvent]) -> Vec<Step<'_>> {
    let disliked: HashSet<_> = events
        .iter()
        .filter(|event| event.kind == InteractionKind::Dislike)
        .map(|event| event.product_id.as_str())
        .collect();
    let mut latest_first: Vec<_> =
        events.iter().filter(|event| !disliked.contains(event.product_id.as_str())).collect();
    latest_first.sort_by_key(|event| std::cmp::Reverse(event.occurred_at_us));
    let mut steps: Vec<Step<'_>> = Vec::new();
    for event in latest_first {
        let weight = weight_of(event.kind);
        match steps.iter_mut().find(|step| step.product_id == event.product_id) {
            Some(step) => step.weight = step.weight.max(weight),
            None => steps.push(Step { product_id: &event.product_id, weight }),
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
    limit: usize,
    filter: &Filter,
    now_us: i64,
) -> Ranked {
    let mut filter = filter.clone();
    filter.exclude_product_ids.extend(events.iter().map(|event| event.product_id.clone()));
    let mut near: HashMap<String, RankedItem> = HashMap::new();
    for step in steps(events) {
        // A product that is unknown or hidden stands near nothing.
        let Ok(found) = serving.similar(step.product_id, NEIGHBOURS, &filter, now_us) else { continue };
        for item in found.items.into_iter().filter(|item| item.source == Source::Similar) {
            let score = step.weight * item.score;
            match near.get_mut(&item.product_id) {
                Some(known) => known.score += score,
                None => drop(near.insert(item.product_id.clone(), RankedItem { score, ..item })),
            }
        }
    }
    let mut items: Vec<_> = near.into_values().collect();
    items.sort_by(|one, other| {
        other.score.total_cmp(&one.score).then_with(|| one.product_id.cmp(&other.product_id))
    });
    items.truncate(limit);
    let mut ranked = serving.popular(limit, &filter, now_us);
    if items.is_empty() {
        return ranked;
    }
    fill_up(&mut items, std::mem::take(&mut ranked.items), limit);
    if items.len() == limit {
        ranked.shortfall = None;
    }
    Ranked { items, ..ranked }
}

/// Adds what is popular below what has been chosen, on the scale of the latter.
fn fill_up(items: &mut Vec<RankedItem>, popular: Vec<RankedItem>, limit: usize) {
    let taken: HashSet<_> = items.iter().map(|item| item.product_id.clone()).collect();
    let ceiling = items.last().map_or(1.0, |last| last.score * NEXT_RUNG);
    let highest = popular.first().map_or(1.0, |first| first.score).max(f64::MIN_POSITIVE);
    let missing = limit.saturating_sub(items.len());
    let more = popular.into_iter().filter(|item| !taken.contains(&item.product_id)).take(missing);
    items.extend(more.map(|item| RankedItem { score: item.score / highest * ceiling, ..item }));
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

    #[test]
    fn popular_products_come_below_those_that_are_near() {
        let item = |id: &str, score, source| RankedItem {
            product_id: id.into(),
            score,
            relevance: None,
            deltas: Vec::new(),
            pinned: false,
            source,
            reasons: Vec::new(),
        };
        let mut items = vec![item("near", 2.0, Source::Similar)];
        let popular = vec![item("near", 9.0, Source::Popular), item("top", 6.0, Source::Popular)];
        fill_up(&mut items, popular, 5);
        let scores: Vec<_> = items.iter().map(|item| (item.product_id.as_str(), item.score)).collect();
        assert_eq!(scores, [("near", 2.0), ("top", 6.0 / 9.0)]);
    }
}
