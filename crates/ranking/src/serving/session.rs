//! For somebody who is known by nothing but what they just did: what stands near the products of
//! the session, or else what those buy who say the same of themselves, then what is popular.

use std::collections::HashMap;

use super::{
    Serving, arrange,
    catalogue::Gate,
    recommend::{Candidate, Evidence, by_profile, shortfall},
    taste::{Affinity, keep_first},
};
use crate::{Ranked, RecommendQuery};

/// A product of a session and how much it says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionStep<'a> {
    /// Which product.
    pub product_id: &'a str,
    /// Above 0; what was done later or with more intent weighs more.
    pub weight: f64,
}

/// What is near several steps counts for each of them. What may not be shown again, such as the
/// products of the session, is for the filter to exclude.
pub(super) fn rank(
    serving: &Serving,
    steps: &[SessionStep<'_>],
    query: &RecommendQuery<'_>,
    now_us: i64,
) -> Ranked {
    let gate = Gate::new(&serving.catalogue, query.filter);
    let accept = |product: u32| gate.passes(product);
    let mut chosen: Vec<Candidate<'_>> = near(serving, steps, &accept)
        .into_values()
        .map(|near| Candidate {
            product: near.product,
            score: near.similarity,
            relevance: None,
            evidence: Evidence::Near(near),
        })
        .collect();
    if chosen.is_empty() {
        chosen = by_profile(serving, query.traits, &accept);
    }
    keep_first(&mut chosen, arrange::pool_size(query), |one, other| {
        let ids = || serving.catalogue.id(one.product).cmp(serving.catalogue.id(other.product));
        other.score.total_cmp(&one.score).then_with(ids)
    });
    arrange::fill_up_with_popular(serving, query, &gate, &accept, &mut chosen);
    let why = |count| shortfall(serving, &gate, count, query.limit);
    arrange::answer(serving, query, &accept, chosen, &why, now_us)
}

/// What is near the steps; a product is said to be near the first step that names it.
fn near(
    serving: &Serving,
    steps: &[SessionStep<'_>],
    accept: &dyn Fn(u32) -> bool,
) -> HashMap<u32, Affinity> {
    let mut near: HashMap<u32, Affinity> = HashMap::new();
    let Some(models) = serving.models() else { return near };
    for step in steps {
        let visible = |product: &u32| serving.catalogue.is_visible(*product);
        // A product that is unknown or hidden stands near nothing.
        let Some(product) = serving.catalogue.find(step.product_id).filter(visible) else { continue };
        for neighbour in models.neighbours_of(product).iter().filter(|near| accept(near.product)) {
            let part = step.weight * f64::from(neighbour.similarity);
            let known = near.entry(neighbour.product).or_insert(Affinity {
                product: neighbour.product,
                similarity: 0.0,
                nearest: product,
                common_buyers: neighbour.common_buyers,
            });
            known.similarity += part;
        }
    }
    near
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Arrangement, CategoryCap, Filter, Pin, Ranker, RepeatPolicy, Source,
        fixtures::{NOW_US, bought, ids, product, serving},
    };

    /// Bread goes with butter, and jam with tea; nobody buys the soap and the salt with anything.
    fn shop() -> Serving {
        let shelves =
            [("bread", "A"), ("butter", "A"), ("jam", "B"), ("tea", "B"), ("soap", "C"), ("salt", "C")];
        let products = shelves.map(|(id, category)| product(id, category));
        let mut events = Vec::new();
        for customer in 0..6 {
            let id = format!("c{customer}");
            let pair = if customer < 4 { ["bread", "butter"] } else { ["jam", "tea"] };
            events.extend(pair.map(|product| bought(&id, product, customer + 1)));
        }
        events.extend((0..5).map(|number| bought(&format!("d{number}"), "soap", 2)));
        serving(&products, &events)
    }

    fn ask(steps: &[SessionStep<'_>], limit: usize, filter: &Filter, arrangement: &Arrangement) -> Ranked {
        let query = RecommendQuery {
            customer_id: "",
            limit,
            filter,
            repeat_policy: RepeatPolicy::Allow,
            ranker: Ranker::Learned,
            arrangement,
            traits: &[],
            impressions: &[],
        };
        shop().recommend_for_session(steps, &query, NOW_US)
    }

    fn step(product_id: &str, weight: f64) -> SessionStep<'_> {
        SessionStep { product_id, weight }
    }

    #[test]
    fn what_is_near_comes_first_by_weight_and_what_is_popular_fills_up() {
        let seen =
            Filter { exclude_product_ids: ["bread", "jam"].map(str::to_owned).into(), ..Filter::default() };
        let steps = [step("jam", 1.0), step("bread", 0.01), step("caviar", 9.0)];
        let ranked = ask(&steps, 3, &seen, Arrangement::plain());
        assert_eq!(ids(&ranked), ["tea", "butter", "soap"]);
        assert_eq!(ranked.items[0].source, Source::Similar);
        assert_eq!(ranked.items[2].source, Source::Popular);
        assert!(ranked.items.is_sorted_by(|one, other| one.score >= other.score));
        assert_eq!(ids(&ask(&[], 1, &seen, Arrangement::plain())), ["soap"], "nothing was done yet");
    }

    #[test]
    fn a_session_is_arranged_as_any_list() {
        let arrangement = Arrangement {
            pins: vec![Pin { product_id: "salt".into(), position: 1 }],
            category_caps: vec![CategoryCap { category: "A".into(), max_count: 1 }],
            ..Arrangement::default()
        };
        let ranked = ask(&[step("bread", 1.0)], 3, &Filter::default(), &arrangement);
        assert_eq!(ranked.items[0].product_id, "salt");
        assert!(ranked.items[0].pinned);
        let of_a = ranked.items.iter().filter(|item| ["bread", "butter"].contains(&&*item.product_id));
        assert_eq!(of_a.count(), 1, "{:?}", ids(&ranked));
        let no_salt = Filter { exclude_product_ids: ["salt".to_owned()].into(), ..Filter::default() };
        let ranked = ask(&[step("bread", 1.0)], 3, &no_salt, &arrangement);
        assert!(!ids(&ranked).contains(&"salt"), "no pin brings what may not be shown");
        assert_eq!(ranked.relaxations[0].wish, crate::Wish::Pin);
    }
}
