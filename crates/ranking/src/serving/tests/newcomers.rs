//! Products nobody had yet go by what they are.

use std::sync::Arc;

use crate::{
    Arrangement, CustomerProfile, Event, Filter, ProductRecord, Ranked, Ranker, RecommendQuery, RepeatPolicy,
    Serving, Snapshot, Source, Trainer, TrainingSettings,
    fixtures::{NOW_US, ask_with, bought, header, ids, product},
};

fn named(id: &str, name: &str, category: &str) -> ProductRecord {
    ProductRecord { name: name.to_owned(), ..product(id, category) }
}

/// So many customers come to the shop.
const MOST: i64 = 160;

/// Many customers, half of whom buy teas and are vegan, and half breads, each every ten days.
fn shop() -> Serving {
    let teas = ["Green tea", "Black tea", "Mint tea", "White tea"];
    let breads = ["Rye bread", "Wheat bread", "Corn bread", "Oat bread"];
    let shelf = |names: [&str; 4], category: &'static str| {
        names.map(|name| named(&name.replace(' ', "-").to_lowercase(), name, category))
    };
    let products = [shelf(teas, "Hot drinks"), shelf(breads, "Bakery")].concat();
    let buys = |customer: i64, visit: i64| -> Event {
        let half = if customer < MOST / 2 { 0 } else { 4 };
        let place = half + ((customer + visit) % 3) as usize;
        bought(&format!("c{customer}"), &products[place].product_id, visit * 10 + customer % 10)
    };
    let mut trainer = Trainer::new(TrainingSettings::default(), NOW_US);
    products.iter().for_each(|product| trainer.add_product(product.clone()));
    for customer in 0..MOST {
        (0..18).for_each(|visit| trainer.add_event(&buys(customer, visit)));
        let diets = if customer < MOST / 2 { vec!["vegan".to_owned()] } else { Vec::new() };
        trainer.add_customer(
            &format!("c{customer}"),
            CustomerProfile { diets, ..CustomerProfile::default() }.traits(),
        );
    }
    let snapshot = trainer.finish(header());
    let bytes = snapshot.encode();
    assert_eq!(Snapshot::decode(&bytes).as_ref(), Ok(&snapshot), "profiles are part of the file");
    Serving::new(Arc::new(snapshot))
}

#[test]
fn what_came_after_the_training_is_offered_to_who_buys_what_is_like_it() {
    let mut serving = shop();
    assert!(serving.snapshot().is_some_and(|snapshot| snapshot.ranker_target().is_some()));
    let ask = |serving: &Serving, customer: &str| {
        ask_with(serving, customer, 3, &Filter::default(), RepeatPolicy::Exclude)
    };
    assert!(!ids(&ask(&serving, "c1")).contains(&"ginger-tea"));
    serving.upsert_product(named("ginger-tea", "Ginger tea", "Hot drinks"));
    serving.upsert_product(named("a-bread", "Spelt bread", "Bakery"));
    let of_tea = ask(&serving, "c1");
    let found = of_tea.items.iter().find(|item| item.product_id == "ginger-tea").expect("it is like tea");
    assert_eq!(found.source, Source::Similar);
    assert!(found.reasons[0].starts_with("new, and like "), "{:?}", found.reasons);
    assert!(found.reasons[0].ends_with(" tea, which you bought"), "{:?}", found.reasons);
    let place = |customer: &str, id: &str| {
        let ranked = ask_with(&serving, customer, 20, &Filter::default(), RepeatPolicy::Exclude);
        ids(&ranked).iter().position(|known| *known == id).unwrap_or(usize::MAX)
    };
    assert!(
        place("c1", "ginger-tea") < place("c1", "a-bread")
            && place("c151", "a-bread") < place("c151", "ginger-tea")
    );
}

#[test]
fn what_nobody_had_is_similar_to_what_it_is_like() {
    let mut serving = shop();
    serving.upsert_product(named("ginger-tea", "Ginger tea", "Hot drinks"));
    let answer = serving.similar("ginger-tea", 2, &Filter::default(), NOW_US).unwrap();
    assert!(ids(&answer).iter().all(|id| id.ends_with("-tea")), "{:?}", ids(&answer));
    assert_eq!(answer.items[0].reasons, ["like Ginger tea by what it is"]);
    assert!(answer.items[0].score >= answer.items[1].score);
}

#[test]
fn a_filter_that_leaves_little_is_answered_by_what_is_like_the_customers_products() {
    let mut serving = shop();
    for (id, name) in [("a-screw", "Screws"), ("b-nail", "Nails"), ("z-tea", "Tea of herbs")] {
        serving.upsert_product(named(id, name, "New"));
    }
    let filter = Filter { categories: vec!["New".to_owned()], ..Filter::default() };
    let ranked = ask_with(&serving, "c2", 3, &filter, RepeatPolicy::Allow);
    assert_eq!(ids(&ranked)[0], "z-tea");
}

fn ask_by_profile(serving: &Serving, traits: &[String], ranker: Ranker) -> Ranked {
    let query = RecommendQuery {
        customer_id: "nobody",
        limit: 3,
        filter: &Filter::default(),
        repeat_policy: RepeatPolicy::Allow,
        ranker,
        arrangement: Arrangement::plain(),
        traits,
        impressions: &[],
    };
    serving.recommend(&query, NOW_US)
}

#[test]
fn somebody_new_is_offered_what_those_buy_who_say_the_same_of_themselves() {
    let serving = shop();
    let vegan = ["diet=vegan".to_owned()];
    let linear = ask_by_profile(&serving, &vegan, Ranker::Linear);
    assert!(ids(&linear).iter().all(|id| id.ends_with("-tea")), "{:?}", ids(&linear));
    assert_eq!(linear.items[0].reasons[0], "bought more often by customers with a profile like yours");
    let learned = ask_by_profile(&serving, &vegan, Ranker::Learned);
    assert!(ids(&learned).iter().all(|id| id.ends_with("-tea")), "{:?}", ids(&learned));
    let rare = ["diet=keto".to_owned()];
    let [unknown, silent] = [&rare[..], &[]].map(|traits| ask_by_profile(&serving, traits, Ranker::Linear));
    assert_eq!(ids(&unknown), ids(&silent), "a trait nobody shares says nothing");
    assert_ne!(ids(&silent), ids(&linear));
}

#[test]
fn explanations_add_up_for_who_is_known_by_a_profile_alone() {
    let serving = shop();
    let vegan = ["diet=vegan".to_owned()];
    let rankers = [Ranker::Learned, Ranker::Linear];
    let all = rankers.map(|ranker| {
        ask_by_profile(&serving, &vegan, ranker).items.into_iter().map(move |item| (ranker, item))
    });
    for (ranker, item) in all.into_iter().flatten() {
        let told = serving.explain("nobody", &item.product_id, ranker, &vegan, NOW_US).unwrap();
        let sum: f64 = told.base + told.contributions.iter().map(|part| part.amount).sum::<f64>();
        assert!((sum - item.score).abs() < 1e-4, "{sum} {}", item.score);
    }
}
