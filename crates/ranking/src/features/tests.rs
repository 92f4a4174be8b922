//! The laws of features: training and serving see the same, and a fresh event is seen everywhere.

use std::sync::Arc;

use super::*;
use crate::{
    Arrangement, Event, Filter, InteractionKind, Ranker, RecommendQuery, RepeatPolicy, Serving, Snapshot,
    Trainer, TrainingSettings,
    fixtures::{DAY_US, NOW_US, bought, event, header, ids, product},
    neighbours::Shortlists,
    occasion::day_of,
    worlds::World,
};

/// Thirty customers who each buy some of twelve products at intervals of their own.
fn shop_events() -> Vec<Event> {
    let mut events = Vec::new();
    for customer in 0..30i64 {
        for product in 0..12i64 {
            let every = 3 + (customer * 7 + product * 5) % 40;
            if (customer + product) % 3 == 0 {
                continue;
            }
            let days = (1 + (customer + product) % 5..150).step_by(every as usize);
            events.extend(days.map(|day| bought(&format!("c{customer:02}"), &format!("p{product:02}"), day)));
        }
    }
    events
}

fn shop_products() -> Vec<crate::ProductRecord> {
    let build =
        |number: i64| product(&format!("p{number:02}"), ["Dairy", "Fruit", "Bread"][number as usize % 3]);
    (0..14).map(build).collect()
}

fn trained_at(events: &[Event], now_us: i64) -> Snapshot {
    let mut trainer = Trainer::new(TrainingSettings::default(), now_us);
    shop_products().into_iter().for_each(|product| trainer.add_product(product));
    events.iter().for_each(|event| trainer.add_event(event));
    trainer.finish(header())
}

/// The features of every candidate of a customer, with the models a snapshot serves with.
fn features_of(
    snapshot: &Snapshot,
    models: &crate::snapshot::Models,
    customer: usize,
    day: i32,
) -> Vec<Vec<u32>> {
    let shelves = Shelves::of(&snapshot.products.records);
    let products = snapshot.products.ids.len();
    let statistics = Statistics::derive(&snapshot.customers, &shelves, products, day);
    let shortlists = Shortlists::derive(&snapshot.customers, products, day);
    let models = FeatureModels {
        models: Some(models),
        statistics: &statistics,
        shelves: &shelves,
        discovery: None,
        content: None,
        profiles: None,
    };
    let mut scratch = Scratch::default();
    scratch.history.fill(&snapshot.customers, snapshot.customers.rows_of(customer));
    scratch.weigh_history(models, day);
    scratch.clear_candidates(products);
    scratch.gather(
        models,
        CustomerFindings { shortlist: shortlists.of(customer), ..CustomerFindings::default() },
    );
    scratch.fill_block(models);
    let row =
        |row: usize| (0..Feature::ALL.len()).map(|column| scratch.block.get(row, column).to_bits()).collect();
    (0..scratch.block.rows()).map(row).collect()
}

#[test]
fn a_world_of_the_past_looks_as_it_looked_to_who_served_then() {
    let events = shop_events();
    let cut_us = day_of(NOW_US - 30 * DAY_US) as i64 * DAY_US;
    let past: Vec<Event> = events.iter().filter(|event| event.occurred_at_us < cut_us).cloned().collect();
    let then = trained_at(&past, cut_us);
    let mut now = trained_at(&events, NOW_US);
    let cut_day = day_of(cut_us);
    let world = World::of_days(&now.customers, cut_day, 30, now.tuning.personal_half_life);
    assert_eq!(then.reference_day(), cut_day, "somebody bought on the day before the cut");
    assert_eq!(then.products.ids, now.products.ids);
    assert_eq!(then.customers.ids, now.customers.ids);
    let reference_us = i64::from(cut_day) * DAY_US;
    now.customers = world.customers;
    let count = now.products.ids.len();
    let models_now = crate::snapshot::Models::derive(&now.tuning, reference_us, count, &now.customers);
    let models_then = crate::snapshot::Models::derive(&then.tuning, reference_us, count, &then.customers);
    for customer in 0..then.customers.ids.len() {
        let seen_then = features_of(&then, &models_then, customer, cut_day);
        assert!(!seen_then.is_empty());
        assert_eq!(features_of(&now, &models_now, customer, cut_day), seen_then, "customer {customer}");
    }
}

#[test]
fn a_world_of_baskets_foresees_the_basket_it_left_out() {
    let events =
        [bought("ann", "a", 30), bought("ann", "b", 20), bought("ann", "c", 10), bought("ann", "a", 10)];
    let snapshot = trained_at(&events, NOW_US);
    let half_life = snapshot.tuning.personal_half_life;
    let world = World::of_baskets(&snapshot.customers, 1, day_of(NOW_US), half_life);
    let names: Vec<&str> =
        world.bought[0].iter().map(|&at| snapshot.products.ids[at as usize].as_str()).collect();
    assert_eq!(names, ["a", "c"]);
    assert_eq!(world.seen_on, [day_of(NOW_US) - 19]);
    assert_eq!(world.customers.rows.len(), 2);
    let nothing_before = World::of_baskets(&snapshot.customers, 2, day_of(NOW_US), half_life);
    assert!(nothing_before.bought[0].is_empty(), "one basket before is too few to learn from");
}

fn ask(serving: &Serving, customer_id: &str, repeat_policy: RepeatPolicy) -> crate::Ranked {
    let filter = Filter::default();
    let query = RecommendQuery {
        traits: &[],
        customer_id,
        limit: 20,
        filter: &filter,
        repeat_policy,
        ranker: Ranker::Learned,
        arrangement: Arrangement::plain(),
        impressions: &[],
    };
    serving.recommend(&query, NOW_US)
}

#[test]
fn the_learned_ranker_is_no_larger_than_allowed() {
    let settings = TrainingSettings { ranker_trees: 7, ranker_leaves: 3, ..TrainingSettings::default() };
    let mut trainer = Trainer::new(settings, NOW_US);
    shop_events().iter().for_each(|event| trainer.add_event(event));
    let header = crate::SnapshotHeader { tenant: "t".into(), ..crate::SnapshotHeader::default() };
    let small = trainer.finish(header).ranker.unwrap();
    assert_eq!(small.forest.trees(), 7);
    let usual = trained_at(&shop_events(), NOW_US).ranker.unwrap();
    assert!(usual.forest.trees() > 7, "this test proves nothing: a usual forest is as small");
}

#[test]
fn the_learned_ranker_survives_the_file_and_ranks_without_repeating() {
    let snapshot = trained_at(&shop_events(), NOW_US);
    assert!(snapshot.ranker_target().is_some(), "thirty customers are enough to learn from");
    let read = Snapshot::decode(&snapshot.encode()).unwrap();
    assert_eq!(read, snapshot);
    let serving = Serving::new(Arc::new(read));
    for policy in [RepeatPolicy::Allow, RepeatPolicy::Exclude, RepeatPolicy::Only] {
        let ranked = ask(&serving, "c03", policy);
        let mut seen = ids(&ranked);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), ranked.items.len());
        assert!(ranked.items.is_sorted_by(|one, other| one.score >= other.score));
        assert!(ranked.items.iter().all(|item| !item.reasons.is_empty()));
    }
    let repeats = ask(&serving, "c03", RepeatPolicy::Only);
    assert!(
        repeats.items.iter().all(|item| item.relevance.is_some_and(|chance| (0.0..=1.0).contains(&chance)))
    );
}

#[test]
fn explanations_add_up_and_a_given_list_is_ranked_whole() {
    let serving = Serving::new(Arc::new(trained_at(&shop_events(), NOW_US)));
    for ranker in [Ranker::Learned, Ranker::Linear] {
        let filter = Filter::default();
        let policy = RepeatPolicy::Allow;
        let query = RecommendQuery {
            traits: &[],
            customer_id: "c07",
            limit: 5,
            filter: &filter,
            repeat_policy: policy,
            ranker,
            arrangement: Arrangement::plain(),
            impressions: &[],
        };
        let ranked = serving.rank_products(&query, &["p00", "p13", "p05", "unknown", "p05"], NOW_US);
        let mut listed = ids(&ranked);
        listed.sort_unstable();
        assert_eq!(listed, ["p00", "p05", "p13"], "{ranker:?}");
        for item in serving.recommend(&query, NOW_US).items {
            let told = serving.explain("c07", &item.product_id, ranker, &[], NOW_US).unwrap();
            let sum: f64 = told.contributions.iter().map(|part| part.amount).sum();
            assert!((told.base + sum - told.score).abs() < 1e-4, "{ranker:?} {told:?}");
            assert!((told.score - item.score).abs() < 1e-4, "{ranker:?} {told:?} {item:?}");
            assert!(told.contributions.iter().all(|part| !part.sentence.is_empty()));
        }
    }
    assert!(serving.explain("c07", "unknown", Ranker::Learned, &[], NOW_US).is_err());
}

#[test]
fn the_order_of_events_changes_no_bit_of_a_learned_snapshot() {
    let events = shop_events();
    let backward: Vec<Event> = events.iter().rev().cloned().collect();
    assert_eq!(trained_at(&events, NOW_US).encode(), trained_at(&backward, NOW_US).encode());
}

#[test]
fn the_next_answer_knows_a_fresh_event() {
    let mut serving = Serving::new(Arc::new(trained_at(&shop_events(), NOW_US)));
    let before = ask(&serving, "c00", RepeatPolicy::Only);
    assert!(!ids(&before).contains(&"p00"));
    serving.record(&bought("c00", "p00", 0));
    let after = ask(&serving, "c00", RepeatPolicy::Only);
    assert!(ids(&after).contains(&"p00"));
}

#[test]
fn fresh_events_are_weighed_as_trained_ones_are() {
    let events = shop_events();
    let is_fresh = |event: &Event| event.customer_id == "c05" && event.occurred_at_us > NOW_US - 10 * DAY_US;
    let (fresh, known): (Vec<Event>, Vec<Event>) = events.iter().cloned().partition(is_fresh);
    assert!(!fresh.is_empty());
    let mut serving = Serving::new(Arc::new(trained_at(&known, NOW_US)));
    fresh.iter().for_each(|event| assert!(serving.record(event)));
    let mut overlaid = Scratch::default();
    crate::serving::fill_history(&serving, "c05", &mut overlaid);
    let whole = trained_at(&events, NOW_US);
    let mut trained = CustomerHistory::default();
    let customer = whole.customers.find("c05").unwrap();
    trained.fill(&whole.customers, whole.customers.rows_of(customer));
    assert_eq!(overlaid.history, trained);
}

#[test]
fn an_erased_customer_leaves_no_row_day_or_shortlist() {
    let mut events = shop_events();
    events.extend((0..20).map(|day| bought("the one who leaves", "p01", day)));
    events.push(event("the one who leaves", InteractionKind::Like, "p13", 1));
    let snapshot = trained_at(&events, NOW_US);
    let rest = snapshot.without_customer("the one who leaves").unwrap();
    assert!(!rest.encode().windows(18).any(|bytes| bytes == b"the one who leaves"));
    let never = trained_at(&shop_events(), NOW_US);
    assert_eq!(rest.customers.ids, never.customers.ids);
    assert_eq!(rest.customers.occasions, never.customers.occasions);
    assert_eq!(rest.shortlists.offsets.len(), never.shortlists.offsets.len());
    assert_eq!(Snapshot::decode(&rest.encode()), Ok(rest));
}

#[test]
fn ten_million_days_of_one_customer_stay_bounded() {
    let mut trainer = Trainer::new(TrainingSettings::default(), NOW_US);
    let mut again = bought("ann", "milk", 0);
    for number in 0..200_000i64 {
        again.product_id = format!("p{}", number % 400);
        again.occurred_at_us = NOW_US - number % 9_973 * DAY_US;
        trainer.add_event(&again);
    }
    let snapshot = trainer.finish(header());
    assert_eq!(snapshot.interaction_count(), 200_000);
    assert_eq!(snapshot.customers.occasions.len(), crate::occasion::MOST_DAYS_PER_CUSTOMER);
    let oldest = snapshot.customers.occasions.iter().map(|occasion| occasion.day).min().unwrap();
    assert!(day_of(NOW_US) - oldest < 1_000, "the newest days are kept");
}
