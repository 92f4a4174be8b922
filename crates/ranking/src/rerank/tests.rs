//! What arranging does, wish by wish, and the laws every list keeps.

mod laws;

use std::sync::Arc;

use super::{
    Adjustments, Arranged, Arrangement, Boost, Fit, Impression, Impressions, Likeness, Pooled, Promoted,
    Wish, Wishes, arrange, spread_of,
};
use crate::{
    Expression, ProductRecord,
    fixtures::{DAY_US, NOW_US, product},
};

const NAMES: [&str; 12] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11"];

/// Products in the categories given, the best first, scores a tenth apart from 1 down.
fn pool_of(categories: &[u32]) -> Vec<Pooled> {
    let build = |(place, &category): (usize, &u32)| Pooled {
        product: place as u32,
        score: 1.0 - place as f64 / 10.0,
        relevance: 1.0 - place as f64 / 10.0,
        category: (category > 0).then_some(category),
        deltas: super::Deltas::default(),
    };
    categories.iter().enumerate().map(build).collect()
}

fn wishes<'a>(limit: usize, likeness_of: &'a dyn Fn(u32) -> Likeness) -> Wishes<'a> {
    Wishes {
        limit,
        diversity: 0.0,
        min_relevance: 0.0,
        caps: Vec::new(),
        other_cap: None,
        pins: Vec::new(),
        likeness_of,
        category_name: &|category| ["none", "Dairy", "Fruit", "Bakery"][category as usize],
        product_id: &|product| NAMES[product as usize],
    }
}

fn nothing_alike(_: u32) -> Likeness {
    Likeness::default()
}

fn list(arranged: &Arranged) -> Vec<u32> {
    arranged.pool[..arranged.length].iter().map(|pooled| pooled.product).collect()
}

fn told(arranged: &Arranged) -> Vec<String> {
    arranged.relaxations.iter().map(|given_up| format!("{}: {}", given_up.wish, given_up.detail)).collect()
}

#[test]
fn without_wishes_the_best_come_first_and_the_rest_is_kept() {
    let arranged = arrange(pool_of(&[1, 1, 2, 3]), &wishes(2, &nothing_alike));
    assert_eq!(list(&arranged), [0, 1]);
    assert_eq!(arranged.pool.iter().map(|pooled| pooled.product).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(arranged.relaxations.is_empty() && arranged.pinned.is_empty());
    assert!(list(&arrange(Vec::new(), &wishes(5, &nothing_alike))).is_empty());
    assert!(list(&arrange(pool_of(&[1]), &wishes(0, &nothing_alike))).is_empty());
}

#[test]
fn caps_hold_while_others_are_left_and_give_way_last() {
    let capped = Wishes { caps: vec![(1, 2)], ..wishes(4, &nothing_alike) };
    let arranged = arrange(pool_of(&[1, 1, 1, 1, 2, 3]), &capped);
    assert_eq!(list(&arranged), [0, 1, 4, 5]);
    assert!(arranged.relaxations.is_empty());

    let arranged = arrange(pool_of(&[1, 1, 1, 1, 2]), &capped);
    assert_eq!(list(&arranged), [0, 1, 4, 2]);
    assert_eq!(told(&arranged), ["category_cap: 1 more of Dairy than the 2 wished for, to fill the list"]);

    let others = Wishes { caps: vec![(1, 3)], other_cap: Some(1), ..wishes(5, &nothing_alike) };
    let arranged = arrange(pool_of(&[1, 1, 1, 2, 2, 0, 0]), &others);
    assert_eq!(list(&arranged), [0, 1, 2, 3, 5], "what is in no category has no cap");
}

#[test]
fn pins_stand_at_their_places_and_move_when_they_must() {
    let pinned = Wishes { pins: vec![(3, 1), (5, 3)], ..wishes(4, &nothing_alike) };
    let arranged = arrange(pool_of(&[1, 1, 1, 1, 1, 1]), &pinned);
    assert_eq!(list(&arranged), [3, 0, 5, 1]);
    assert_eq!(arranged.pinned, [0, 2]);
    assert!(arranged.relaxations.is_empty());

    let crowded = Wishes { pins: vec![(3, 2), (5, 2), (0, 9), (1, 4)], ..wishes(4, &nothing_alike) };
    let arranged = arrange(pool_of(&[1, 1, 1, 1, 1, 1]), &crowded);
    assert_eq!(list(&arranged), [0, 3, 5, 1]);
    let expected = [
        "pin: p5 is at place 3: place 2 is taken, or beyond the end of the list",
        "pin: p0 is pinned to place 9, but the list has 4",
    ];
    assert_eq!(told(&arranged), expected);

    let late = Wishes { pins: vec![(0, 4)], ..wishes(5, &nothing_alike) };
    let arranged = arrange(pool_of(&[1, 1]), &late);
    assert_eq!(list(&arranged), [1, 0]);
    assert_eq!(told(&arranged), ["pin: p0 is at place 2: place 4 is taken, or beyond the end of the list"]);
}

#[test]
fn a_pin_counts_for_its_category_and_needs_no_relevance() {
    let pinned =
        Wishes { pins: vec![(5, 1)], caps: vec![(1, 1)], min_relevance: 0.75, ..wishes(4, &nothing_alike) };
    let arranged = arrange(pool_of(&[1, 2, 3, 2, 2, 1]), &pinned);
    assert_eq!(list(&arranged), [5, 1, 2, 0], "the second of the capped category comes last");
    assert_eq!(arranged.left_out, 2);
    assert_eq!(told(&arranged), ["category_cap: 1 more of Dairy than the 1 wished for, to fill the list"]);
}

#[test]
fn the_lowest_relevance_leaves_the_list_short() {
    let relevant = Wishes { min_relevance: 0.85, ..wishes(4, &nothing_alike) };
    let arranged = arrange(pool_of(&[1, 1, 1, 1]), &relevant);
    assert_eq!((list(&arranged), arranged.left_out), (vec![0, 1], 2));
}

#[test]
fn diversity_brings_other_categories_and_says_when_it_cannot() {
    let records: Vec<ProductRecord> =
        ["Dairy", "Dairy", "Dairy", "Fruit", "Bakery"].iter().map(|name| product("same", name)).collect();
    let likeness_of = |product: u32| Likeness::of(&records[product as usize]);
    let pool = || pool_of(&[1, 1, 1, 2, 3]);
    let varied = |diversity| Wishes { diversity, ..wishes(3, &likeness_of) };
    assert_eq!(list(&arrange(pool(), &varied(0.0))), [0, 1, 2]);
    assert_eq!(list(&arrange(pool(), &varied(1.0))), [0, 3, 4]);
    let all = arrange(pool(), &Wishes { diversity: 0.5, ..wishes(5, &likeness_of) });
    assert_eq!(told(&all), ["diversity: all 5 products that fit are shown, there is nothing to choose from"]);
}

#[test]
fn boosts_promotions_and_rotation_leave_named_deltas() {
    let arrangement = Arrangement {
        boosts: vec![
            Boost {
                expression: Arc::new(Expression::compile("product.category == 'Dairy'").unwrap()),
                strength: 1.0,
            },
            Boost {
                expression: Arc::new(Expression::compile("product.price > 0.0").unwrap()),
                strength: -0.25,
            },
        ],
        promotion_strength: 2.0,
        promoted: Some(Arc::new(Promoted { categories: ["Dairy".to_owned()].into(), ..Promoted::default() })),
        rotation: 0.5,
        ..Arrangement::default()
    };
    let mut pool = pool_of(&[1, 2]);
    let spread = spread_of(pool.iter().map(|pooled| pooled.score));
    assert!((spread - 0.05).abs() < 1e-12);
    let adjustments = Adjustments::new(&arrangement, spread, NOW_US);
    let shown = Impression { product_id: "milk".into(), times: 3, last_shown_us: NOW_US };
    adjustments.apply(&mut pool[0], &product("milk", "Dairy"), Some(&shown));
    adjustments.apply(&mut pool[1], &product("pear", "Fruit"), None);
    let named: Vec<(&str, f64)> =
        pool[0].deltas.named().map(|delta| (delta.name, delta.value / spread)).collect();
    let expected = [("boost", 0.75), ("promotion", 2.0), ("rotation", -0.75)];
    for (found, wanted) in named.iter().zip(expected) {
        assert!(found.0 == wanted.0 && (found.1 - wanted.1).abs() < 1e-12, "{named:?}");
    }
    assert_eq!(pool[0].score, 1.0 + pool[0].deltas.sum());
    let of_pear: Vec<_> = pool[1].deltas.named().map(|delta| delta.name).collect();
    assert_eq!(of_pear, ["boost"]);
}

#[test]
fn what_fits_a_goal_rises_what_does_not_falls_and_the_unknown_stays() {
    let fit = Fit([("milk".to_owned(), 1.0), ("cake".to_owned(), -0.5), ("oil".to_owned(), f32::NAN)].into());
    let arrangement = Arrangement { fit_strength: 0.4, fit: Some(Arc::new(fit)), ..Arrangement::default() };
    assert!(arrangement.moves_scores() && !arrangement.is_plain());
    let nobodys = Arrangement { fit: None, ..arrangement.clone() };
    assert!(nobodys.is_plain(), "without a goal nothing moves");
    let adjustments = Adjustments::new(&arrangement, 2.0, NOW_US);
    let moved = |product_id: &str| {
        let mut pooled = pool_of(&[1]).remove(0);
        adjustments.apply(&mut pooled, &product(product_id, "Dairy"), None);
        pooled.deltas.named().map(|delta| (delta.name, delta.value)).collect::<Vec<_>>()
    };
    assert_eq!(moved("milk"), [("nutrition", 0.8)]);
    assert_eq!(moved("cake"), [("nutrition", -0.4)]);
    assert!(moved("pear").is_empty() && moved("oil").is_empty());
}

#[test]
fn fading_grows_with_what_is_ignored_and_passes_with_time() {
    let arrangement = Arrangement { rotation: 1.0, ..Arrangement::default() };
    let adjustments = Adjustments::new(&arrangement, 1.0, NOW_US);
    let fade = |times, days_ago: i64| {
        let mut pooled = pool_of(&[1])[0];
        let shown = Impression { product_id: "p".into(), times, last_shown_us: NOW_US - days_ago * DAY_US };
        adjustments.apply(&mut pooled, &product("p", "Dairy"), Some(&shown));
        -pooled.deltas.rotation
    };
    assert!(fade(1, 0) < fade(2, 0) && fade(2, 0) < fade(20, 0) && fade(20, 0) <= 3.0);
    assert!((fade(3, 0) - 1.5).abs() < 1e-9 && (fade(3, 7) - 0.375).abs() < 1e-9);
    assert_eq!(fade(3, -5), fade(3, 0), "what is shown in the future is shown now");

    let faded = Pooled { deltas: super::Deltas { rotation: -1.0, ..Default::default() }, ..pool_of(&[1])[0] };
    let arranged = arrange(vec![faded], &wishes(2, &nothing_alike));
    assert_eq!(
        told(&arranged),
        ["rotation: 1 products that were shown before are shown again, for want of others"]
    );
    assert_eq!(arranged.relaxations[0].wish, Wish::Rotation);
}

#[test]
fn the_spread_is_the_standard_deviation_and_never_nothing() {
    assert_eq!(spread_of([1.0, 3.0].into_iter()), 1.0);
    assert_eq!(spread_of([2.0, 2.0, 2.0].into_iter()), 1.0);
    assert_eq!(spread_of(std::iter::empty()), 1.0);
    assert_eq!(spread_of([f64::INFINITY, 1.0].into_iter()), 1.0);
}

#[test]
fn impressions_are_bounded_and_end_with_an_interaction() {
    let mut impressions = Impressions::new(500);
    impressions.show("ann", ["milk", "bread"], 1);
    impressions.show("ann", ["milk"], 5);
    let milk = impressions.of("ann").iter().find(|shown| &*shown.product_id == "milk").unwrap();
    assert_eq!((milk.times, milk.last_shown_us), (2, 5));
    impressions.interact("ann", "milk");
    assert_eq!(impressions.of("ann").len(), 1);
    impressions.interact("ann", "bread");
    impressions.interact("nobody", "bread");
    assert!(impressions.is_empty() && impressions.of("ann").is_empty());

    let ids: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
    for (time, id) in ids.iter().enumerate() {
        impressions.show("bob", [id.as_str()], time as i64);
    }
    assert_eq!(impressions.of("bob").len(), 200);
    assert!(impressions.of("bob").iter().all(|shown| shown.last_shown_us >= 800));
    for customer in &ids {
        impressions.show(customer, ["milk"], 2_000);
    }
    assert_eq!(impressions.len(), 500);
    assert!(impressions.of("bob").is_empty() && impressions.of("0").is_empty(), "longest ago is forgotten");
    assert_eq!(impressions.of("999").len(), 1);
    impressions.forget("999");
    assert_eq!((impressions.len(), impressions.of("999").len()), (499, 0));
}
