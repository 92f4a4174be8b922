//! Laws of every answer, for any shop, any filter and any events.

use std::collections::HashSet;

use proptest::prelude::*;

use crate::{
    Event, Filter, InteractionKind, ProductRecord, Ranked, RepeatPolicy, Serving,
    fixtures::{NOW_US, any_events, any_products, ask_with, ids, serving},
};

const CUSTOMERS: [&str; 6] = ["c0", "c1", "c2", "c3", "c4", "nobody"];

fn any_filter() -> impl Strategy<Value = Filter> {
    let categories = prop::sample::subsequence(vec!["Dairy", "Fruit", "Toys"], 0..=2);
    let excluded = prop::sample::subsequence(vec!["p0", "p1", "p2", "p3"], 0..=2);
    let price = || prop::option::weighted(0.3, 0i64..4);
    (categories, excluded, price(), price(), any::<bool>()).prop_map(
        |(categories, excluded, min_price_micros, max_price_micros, in_stock_only)| Filter {
            categories: categories.into_iter().map(str::to_owned).collect(),
            exclude_product_ids: excluded.into_iter().map(str::to_owned).collect(),
            min_price_micros,
            max_price_micros,
            currency: None,
            in_stock_only,
            ..Filter::default()
        },
    )
}

fn any_policy() -> impl Strategy<Value = RepeatPolicy> {
    prop::sample::select(vec![RepeatPolicy::Allow, RepeatPolicy::Exclude, RepeatPolicy::Only])
}

fn passes(record: &ProductRecord, filter: &Filter) -> bool {
    let bounded = filter.min_price_micros.is_some() || filter.max_price_micros.is_some();
    let price_fits = match record.price_micros {
        None => !bounded,
        Some(price) => {
            filter.min_price_micros.is_none_or(|lowest| price >= lowest)
                && filter.max_price_micros.is_none_or(|highest| price <= highest)
        }
    };
    !record.hidden
        && price_fits
        && (record.in_stock || !filter.in_stock_only)
        && (filter.categories.is_empty() || filter.categories.contains(&record.category))
        && !filter.exclude_product_ids.contains(&record.product_id)
}

fn check(answer: &Ranked, serving: &Serving, filter: &Filter, limit: usize) -> Result<(), TestCaseError> {
    let distinct: HashSet<&str> = ids(answer).into_iter().collect();
    prop_assert_eq!(distinct.len(), answer.items.len(), "a product twice");
    prop_assert!(answer.items.len() <= limit);
    prop_assert_eq!(answer.shortfall.is_some(), answer.items.len() < limit);
    prop_assert!(
        answer.items.windows(2).all(|pair| pair[0].score >= pair[1].score),
        "scores rise: {:?}",
        answer
    );
    for item in &answer.items {
        prop_assert!(item.score.is_finite() && item.score >= 0.0, "{:?}", item);
        prop_assert!(item.reasons.iter().all(|reason| !reason.is_empty()) && !item.reasons.is_empty());
        prop_assert!(passes(serving.product(&item.product_id).unwrap(), filter), "{:?}", item);
    }
    Ok(())
}

fn events_of<'a>(events: &'a [Event], customer_id: &'a str) -> impl Iterator<Item = &'a Event> {
    events.iter().filter(move |event| event.customer_id == customer_id)
}

/// What the customer bought, and what their last word on it was a dislike.
fn bought_and_disliked<'a>(
    events: &'a [Event],
    customer_id: &'a str,
) -> (HashSet<&'a str>, HashSet<&'a str>) {
    let bought = events_of(events, customer_id)
        .filter(|event| event.kind == InteractionKind::Purchase)
        .map(|event| event.product_id.as_str())
        .collect();
    let speaks = |event: &&Event| {
        matches!(event.kind, InteractionKind::Like | InteractionKind::Dislike | InteractionKind::Rating)
    };
    let disliked = events_of(events, customer_id)
        .filter(|event| event.kind == InteractionKind::Dislike)
        .filter(|event| {
            events_of(events, customer_id)
                .filter(speaks)
                .filter(|other| other.product_id == event.product_id)
                .all(|other| other.occurred_at_us.min(NOW_US) <= event.occurred_at_us.min(NOW_US))
        })
        .map(|event| event.product_id.as_str())
        .collect();
    (bought, disliked)
}

fn with_overlay(products: &[ProductRecord], old: &[Event], fresh: &[Event]) -> Serving {
    let mut serving = serving(products, old);
    for event in fresh {
        serving.record(event);
    }
    serving
}

/// Events numbered anew, so that no id of the snapshot's is used again.
fn renamed(events: Vec<Event>) -> Vec<Event> {
    let rename = |event: Event| Event { event_id: format!("fresh-{}", event.event_id), ..event };
    events.into_iter().map(rename).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_answer_is_in_order(
        products in any_products(), old in any_events(50), fresh in any_events(20),
        filter in any_filter(), policy in any_policy(), limit in 0usize..12,
    ) {
        let fresh = renamed(fresh);
        let serving = with_overlay(&products, &old, &fresh);
        let events: Vec<Event> = old.into_iter().chain(fresh).collect();
        for customer in CUSTOMERS {
            let answer = ask_with(&serving, customer, limit, &filter, policy);
            check(&answer, &serving, &filter, limit)?;
            let (bought, disliked) = bought_and_disliked(&events, customer);
            for id in ids(&answer) {
                prop_assert!(!disliked.contains(id), "{} is disliked by {}", id, customer);
                match policy {
                    RepeatPolicy::Allow => {}
                    RepeatPolicy::Exclude => prop_assert!(!bought.contains(id)),
                    RepeatPolicy::Only => prop_assert!(bought.contains(id)),
                }
            }
        }
        check(&serving.popular(limit, &filter, NOW_US), &serving, &filter, limit)?;
        for product in &products {
            if let Ok(answer) = serving.similar(&product.product_id, limit, &filter, NOW_US) {
                check(&answer, &serving, &filter, limit)?;
                prop_assert!(!ids(&answer).contains(&product.product_id.as_str()));
            }
        }
    }

    #[test]
    fn a_shorter_answer_is_the_beginning_of_a_longer_one(
        products in any_products(), old in any_events(50), policy in any_policy(), limit in 0usize..8,
    ) {
        let serving = serving(&products, &old);
        for customer in CUSTOMERS {
            let short = ask_with(&serving, customer, limit, &Filter::default(), policy);
            let long = ask_with(&serving, customer, limit + 5, &Filter::default(), policy);
            prop_assert_eq!(ids(&short), ids(&long).into_iter().take(limit).collect::<Vec<_>>());
        }
    }

    #[test]
    fn excluding_a_product_keeps_the_order_of_the_rest(
        products in any_products(), old in any_events(50), fresh in any_events(20),
        policy in any_policy(), excluded in 0u8..9,
    ) {
        let serving = with_overlay(&products, &old, &renamed(fresh));
        let excluded = format!("p{excluded}");
        let filter = Filter { exclude_product_ids: HashSet::from([excluded.clone()]), ..Filter::default() };
        for customer in CUSTOMERS {
            let all = ask_with(&serving, customer, 20, &Filter::default(), policy);
            let rest = ask_with(&serving, customer, 20, &filter, policy);
            let expected: Vec<&str> = ids(&all).into_iter().filter(|id| *id != excluded).collect();
            prop_assert_eq!(ids(&rest), expected);
        }
    }

    #[test]
    fn events_may_come_again_and_in_any_order(
        products in any_products(), old in any_events(30),
        fresh in any_events(30).prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        with_model: bool,
    ) {
        let (forward, shuffled) = fresh;
        let start = || {
            if with_model {
                return serving(&products, &old);
            }
            let mut empty = Serving::empty("demo");
            products.iter().for_each(|product| empty.upsert_product(product.clone()));
            empty
        };
        let (mut one, mut other) = (start(), start());
        for event in renamed(forward) {
            prop_assert!(one.record(&event));
        }
        for event in renamed(shuffled) {
            prop_assert!(other.record(&event));
            prop_assert!(!other.record(&event));
        }
        let all = Filter::default();
        for customer in CUSTOMERS {
            let answers = [&one, &other].map(|serving| ask_with(serving, customer, 12, &all, RepeatPolicy::Allow));
            prop_assert_eq!(&answers[0], &answers[1]);
        }
        prop_assert_eq!(one.popular(12, &all, NOW_US), other.popular(12, &all, NOW_US));
    }

    #[test]
    fn erasing_is_as_if_the_customer_had_never_come(
        products in any_products(), old in any_events(40), fresh in any_events(20),
    ) {
        let mut erased = with_overlay(&products, &old, &renamed(fresh));
        erased.erase_customer("c0");
        for policy in [RepeatPolicy::Allow, RepeatPolicy::Only] {
            let all = Filter::default();
            prop_assert_eq!(ask_with(&erased, "c0", 12, &all, policy), ask_with(&erased, "nobody", 12, &all, policy));
        }
    }
}
