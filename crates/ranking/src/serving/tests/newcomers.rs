//! Products nobody had yet go by what they are.

use crate::{
    Event, Filter, ProductRecord, RepeatPolicy, Serving, Source,
    fixtures::{NOW_US, ask_with, bought, ids, product, serving},
};

fn named(id: &str, name: &str, category: &str) -> ProductRecord {
    ProductRecord { name: name.to_owned(), ..product(id, category) }
}

/// Forty customers, half of whom buy teas and half breads, each every ten days.
fn shop() -> Serving {
    let teas = ["Green tea", "Black tea", "Mint tea", "White tea"];
    let breads = ["Rye bread", "Wheat bread", "Corn bread", "Oat bread"];
    let shelf = |names: [&str; 4], category: &'static str| {
        names.map(|name| named(&name.replace(' ', "-").to_lowercase(), name, category))
    };
    let products = [shelf(teas, "Hot drinks"), shelf(breads, "Bakery")].concat();
    let buys = |customer: i64, visit: i64| -> Event {
        let half = if customer < 20 { 0 } else { 4 };
        let place = half + ((customer + visit) % 3) as usize;
        bought(&format!("c{customer}"), &products[place].product_id, visit * 10 + customer % 10)
    };
    let events: Vec<Event> = (0..40)
        .flat_map(|customer| (0..18).map(move |visit| (customer, visit)))
        .map(|(c, v)| buys(c, v))
        .collect();
    serving(&products, &events)
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
            && place("c21", "a-bread") < place("c21", "ginger-tea")
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
