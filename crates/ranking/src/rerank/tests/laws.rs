//! Laws of every list, for any pool and any wishes.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::{Arranged, Deltas, Likeness, Pooled, Wish, Wishes, arrange};
use crate::{ProductRecord, fixtures::product};

const CATEGORIES: [&str; 5] = ["", "Dairy", "Fruit", "Bakery", "Fish"];

#[derive(Clone, Debug)]
struct Case {
    pool: Vec<Pooled>,
    records: Vec<ProductRecord>,
    limit: usize,
    caps: Vec<(u32, usize)>,
    other_cap: Option<usize>,
    pins: Vec<(u32, usize)>,
    min_relevance: f64,
}

fn any_case() -> impl Strategy<Value = Case> {
    let one = (0u32..5, 0u8..3, 0u8..4, -20i32..40, 0u8..=10);
    let caps = prop::collection::btree_map(1u32..5, 0usize..5, 0..3);
    let pins = prop::collection::vec((0u32..60, 1usize..25), 0..4);
    let relevance = prop_oneof![3 => Just(0.0), 1 => 0.0..1.0];
    (prop::collection::vec(one, 0..60), 0usize..25, caps, prop::option::of(0usize..4), pins, relevance)
        .prop_map(|(rows, limit, caps, other_cap, pins, min_relevance)| {
            let pooled =
                |(number, &(category, _, _, score, relevance)): (usize, &(u32, u8, u8, i32, u8))| Pooled {
                    product: number as u32,
                    score: f64::from(score) / 7.0,
                    relevance: f64::from(relevance) / 10.0,
                    category: (category > 0).then_some(category),
                    deltas: Deltas::default(),
                };
            let record = |&(category, brand, word, _, _): &(u32, u8, u8, i32, u8)| ProductRecord {
                name: format!("word{word} brand{brand}"),
                brand: if brand == 0 { String::new() } else { format!("brand{brand}") },
                ..product("p", CATEGORIES[category as usize])
            };
            let count = rows.len() as u32;
            Case {
                pool: rows.iter().enumerate().map(pooled).collect(),
                records: rows.iter().map(record).collect(),
                limit,
                caps: caps.into_iter().collect(),
                other_cap,
                pins: pins.into_iter().filter(|&(product, _)| product < count).collect(),
                min_relevance,
            }
        })
}

fn arranged(case: &Case, diversity: f64) -> Arranged {
    let likeness_of = |product: u32| Likeness::of(&case.records[product as usize]);
    let wishes = Wishes {
        limit: case.limit,
        diversity,
        min_relevance: case.min_relevance,
        caps: case.caps.clone(),
        other_cap: case.other_cap,
        pins: case.pins.clone(),
        likeness_of: &likeness_of,
        category_name: &|category| CATEGORIES[category as usize],
        product_id: &|_| "p",
    };
    arrange(case.pool.clone(), &wishes)
}

/// The mean distance within the list, recomputed from the products.
fn intra_list_distance(case: &Case, arranged: &Arranged) -> f64 {
    let list = &arranged.pool[..arranged.length];
    let (mut sum, mut pairs) = (0.0, 0);
    for (place, one) in list.iter().enumerate() {
        for other in &list[..place] {
            let alike = |pooled: &Pooled| Likeness::of(&case.records[pooled.product as usize]);
            sum += 1.0 - f64::from(alike(one).similarity(alike(other)));
            pairs += 1;
        }
    }
    if pairs == 0 { 0.0 } else { sum / f64::from(pairs) }
}

fn products(pool: &[Pooled]) -> Vec<u32> {
    pool.iter().map(|pooled| pooled.product).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn a_list_is_a_permutation_of_the_pool(case in any_case(), diversity in 0.0..=1.0) {
        let arranged = arranged(&case, diversity);
        let mut found = products(&arranged.pool);
        found.sort_unstable();
        found.dedup();
        prop_assert_eq!(found.len(), arranged.pool.len(), "a product twice");
        prop_assert_eq!(arranged.pool.len() + arranged.left_out, case.pool.len());
        prop_assert_eq!(arranged.length, case.limit.min(arranged.pool.len()), "filled as far as it can be");
        let is_pinned = |pooled: &Pooled| case.pins.iter().any(|&(product, _)| product == pooled.product);
        let enough = |pooled: &Pooled| pooled.relevance >= case.min_relevance || is_pinned(pooled);
        prop_assert!(arranged.pool.iter().all(enough), "the lowest relevance is kept");
        let rest = &arranged.pool[arranged.length..];
        prop_assert!(rest.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }

    #[test]
    fn no_diversity_is_the_plain_ranking(case in any_case()) {
        let plain = Case { caps: vec![], other_cap: None, pins: vec![], ..case.clone() };
        let mut expected = case.pool.clone();
        expected.retain(|pooled| pooled.relevance >= case.min_relevance);
        expected.sort_by(|one, other| other.score.total_cmp(&one.score));
        prop_assert_eq!(products(&arranged(&plain, 0.0).pool), products(&expected));
    }

    #[test]
    fn the_distance_within_the_list_never_falls_as_diversity_rises(
        case in any_case(), points in prop::collection::vec(0.0..=1.0, 4),
    ) {
        let mut points: Vec<f64> = points.into_iter().chain([0.0, 0.5, 0.501, 1.0]).collect();
        points.sort_by(f64::total_cmp);
        let distances: Vec<f64> =
            points.iter().map(|&diversity| intra_list_distance(&case, &arranged(&case, diversity))).collect();
        prop_assert!(
            distances.windows(2).all(|pair| pair[1] >= pair[0] - 1e-9),
            "{:?} at {:?}", distances, points
        );
    }

    #[test]
    fn pins_and_caps_are_kept_or_told(case in any_case(), diversity in prop::sample::select(vec![0.0, 0.3, 1.0])) {
        let arranged = arranged(&case, diversity);
        let list = &arranged.pool[..arranged.length];
        let given_up = |wish: Wish| arranged.relaxations.iter().any(|relaxation| relaxation.wish == wish);
        for &(product, position) in &case.pins {
            let stands = list.get(position - 1).is_some_and(|pooled| pooled.product == product);
            let again = case.pins.iter().filter(|pin| pin.0 == product).count() > 1;
            prop_assert!(stands || given_up(Wish::Pin) || again, "{} at {}: {:?}", product, position, products(list));
        }
        for &place in &arranged.pinned {
            prop_assert!(case.pins.iter().any(|pin| pin.0 == list[place].product));
        }
        let mut counts: HashMap<u32, usize> = HashMap::new();
        for (_, pooled) in list.iter().enumerate().filter(|(place, _)| !arranged.pinned.contains(place)) {
            *counts.entry(pooled.category.unwrap_or(0)).or_default() += 1;
        }
        counts.remove(&0);
        let cap_of = |category: u32| {
            case.caps.iter().find(|cap| cap.0 == category).map(|cap| cap.1).or(case.other_cap)
        };
        let over: Vec<u32> = counts.iter().filter(|&(&category, &count)| cap_of(category).is_some_and(|cap| count > cap)).map(|(&category, _)| category).collect();
        prop_assert!(over.is_empty() || given_up(Wish::CategoryCap), "{:?} over their caps", over);
        if given_up(Wish::CategoryCap) {
            let free = arranged.pool[arranged.length..].iter().filter(|pooled| match pooled.category {
                None => true,
                Some(category) => cap_of(category).is_none_or(|cap| {
                    list.iter().filter(|shown| shown.category == Some(category)).count() < cap
                }),
            });
            prop_assert_eq!(free.count(), 0, "a cap was given up while others were left");
        }
    }

    #[test]
    fn the_first_part_of_a_long_pool_stays_the_same_without_diversity(case in any_case()) {
        let plain = Case { pins: vec![], ..case };
        let longer = Case { limit: plain.limit + 3, ..plain.clone() };
        let (short, long) = (arranged(&plain, 0.0), arranged(&longer, 0.0));
        if !short.relaxations.iter().any(|relaxation| relaxation.wish == Wish::CategoryCap) {
            prop_assert_eq!(products(&short.pool[..short.length]), products(&long.pool[..short.length]));
        }
    }
}
