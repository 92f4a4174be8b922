//! What a shopper sees, and the laws every answer keeps.

mod arranged;
mod laws;
mod newcomers;

use crate::{
    Event, Filter, InteractionKind, ProductRecord, RepeatPolicy, Serving, Shortfall, Source,
    fixtures::{DAY_US, NOW_US, ask, ask_with, bought, event, ids, product, serving},
};

fn shelf() -> Vec<ProductRecord> {
    vec![
        product("apples", "Fruit"),
        product("bread", "Bakery"),
        product("butter", "Dairy"),
        product("milk", "Dairy"),
        product("pears", "Fruit"),
        product("yogurt", "Dairy"),
    ]
}

/// Three customers who buy milk and yogurt together, and one who buys bread and butter.
fn habits() -> Vec<Event> {
    let mut events = Vec::new();
    for customer in ["ann", "bob", "cleo"] {
        events.extend([bought(customer, "milk", 6), bought(customer, "yogurt", 6)]);
    }
    events.extend([bought("dora", "bread", 5), bought("dora", "butter", 5)]);
    events
}

fn shop() -> Serving {
    serving(&shelf(), &habits())
}

#[test]
fn an_unknown_customer_gets_what_is_popular_and_why() {
    let answer = ask(&shop(), "nobody", 3);
    assert_eq!(ids(&answer), ["milk", "yogurt", "bread"]);
    assert_eq!(answer.shortfall, None);
    assert!(answer.items.iter().all(|item| item.source == Source::Popular));
    assert_eq!(answer.items[0].reasons, ["popular: 3 customers bought it in the last 5 weeks"]);
}

#[test]
fn what_is_bought_often_and_lately_comes_first() {
    let mut events = habits();
    events.extend((1..=8).map(|week| bought("ann", "pears", week * 7 - 1)));
    events.extend((1..=8).map(|week| bought("ann", "apples", week * 7 + 300)));
    let answer = ask(&serving(&shelf(), &events), "ann", 6);
    assert_eq!(answer.items[0].product_id, "pears");
    assert_eq!(answer.items[0].source, Source::Personal);
    let reasons = &answer.items[0].reasons;
    assert_eq!(reasons[..2], ["you bought it 8 times, last 6 days ago", "you buy it about every 7 days"]);
    let apples = answer.items.iter().find(|item| item.product_id == "apples").unwrap();
    assert_eq!(apples.reasons[0], "you bought it 8 times, last in May 2021");
}

#[test]
fn a_purchase_just_recorded_changes_the_next_answer() {
    let mut serving = shop();
    assert!(serving.record(&bought("eve", "milk", 0)));
    let answer = ask(&serving, "eve", 4);
    assert_eq!(ids(&answer), ["milk", "yogurt", "butter", "bread"]);
    let sources: Vec<Source> = answer.items.iter().map(|item| item.source).collect();
    assert_eq!(sources, [Source::Personal, Source::Similar, Source::PopularInCategory, Source::Popular]);
    assert_eq!(answer.items[0].reasons[0], "you bought it once, less than a day ago");
    assert_eq!(answer.items[1].reasons, ["3 customers who bought The milk bought it too"]);
    assert_eq!(answer.items[2].reasons, ["popular in Dairy: one customer bought it in the last 5 weeks"]);
}

#[test]
fn the_same_event_is_counted_once() {
    let mut serving = shop();
    assert!(serving.record(&bought("eve", "milk", 0)));
    let once = ask(&serving, "eve", 6);
    assert!(!serving.record(&bought("eve", "milk", 0)));
    assert_eq!(ask(&serving, "eve", 6), once);
}

#[test]
fn a_late_event_counts_for_its_own_time() {
    let mut serving = shop();
    serving.record(&bought("eve", "apples", 2));
    serving.record(&bought("eve", "pears", 200));
    serving.record(&bought("eve", "apples", 40));
    let answer = ask(&serving, "eve", 2);
    assert_eq!(ids(&answer), ["apples", "pears"]);
    assert_eq!(answer.items[0].reasons[0], "you bought it twice, last 2 days ago");
    let popular = serving.popular(1, &Filter::default(), NOW_US);
    assert_eq!(ids(&popular), ["milk"], "one purchase long ago makes nothing popular");
}

#[test]
fn answers_without_any_model() {
    let mut serving = Serving::empty("demo");
    assert_eq!(ask(&serving, "eve", 5).shortfall, Some(Shortfall::EmptyCatalogue));
    serving.record(&bought("eve", "milk", 1));
    serving.upsert_product(product("milk", "Dairy"));
    serving.upsert_product(product("new", ""));
    let answer = ask(&serving, "eve", 2);
    assert_eq!(ids(&answer), ["milk", "new"]);
    assert_eq!(answer.items[1].reasons, ["not bought by anybody yet"]);
    let popular = serving.popular(1, &Filter::default(), NOW_US);
    assert_eq!(popular.items[0].reasons, ["popular: one customer bought it"]);
    assert!(serving.snapshot().is_none());
}

#[test]
fn changes_of_a_product_are_respected_at_once() {
    let mut serving = shop();
    serving.upsert_product(ProductRecord { hidden: true, ..product("milk", "Dairy") });
    assert!(!ids(&ask(&serving, "ann", 6)).contains(&"milk"));
    assert_eq!(serving.product_count(), 5);
    assert!(serving.product("milk").is_some_and(|record| record.hidden));
    assert!(serving.similar("milk", 3, &Filter::default(), NOW_US).is_err());

    serving.upsert_product(ProductRecord { in_stock: false, ..product("milk", "Dairy") });
    let in_stock = Filter { in_stock_only: true, ..Filter::default() };
    assert_eq!(ids(&ask(&serving, "ann", 2))[0], "milk");
    let answer = ask_with(&serving, "ann", 6, &in_stock, RepeatPolicy::Allow);
    assert!(!ids(&answer).contains(&"milk"));

    serving.upsert_product(product("milk", "Drinks"));
    let drinks = Filter { categories: vec!["Drinks".to_owned()], ..Filter::default() };
    assert_eq!(ids(&serving.popular(5, &drinks, NOW_US)), ["milk"]);
    let dairy = Filter { categories: vec!["Dairy".to_owned()], ..Filter::default() };
    assert!(!ids(&serving.popular(5, &dairy, NOW_US)).contains(&"milk"));
}

#[test]
fn prices_and_currencies_are_bounds() {
    let mut serving = shop();
    serving.upsert_product(ProductRecord { price_micros: None, ..product("milk", "Dairy") });
    serving.upsert_product(ProductRecord { price_micros: Some(9), ..product("bread", "Bakery") });
    serving.upsert_product(ProductRecord { currency: "EUR".to_owned(), ..product("yogurt", "Dairy") });
    let dollars = Filter {
        min_price_micros: Some(10),
        max_price_micros: Some(1_000_000),
        currency: Some("USD".to_owned()),
        ..Filter::default()
    };
    let answer = ask_with(&serving, "ann", 9, &dollars, RepeatPolicy::Allow);
    assert_eq!(ids(&answer), ["butter", "apples", "pears"]);
    assert_eq!(answer.shortfall, Some(Shortfall::FewerThanAsked));
}

#[test]
fn a_dislike_pushes_the_product_out_and_its_neighbours_down() {
    let mut events = habits();
    for customer in ["ann", "bob", "cleo"] {
        events.extend([bought(customer, "pears", 6), bought(customer, "apples", 6)]);
    }
    events.extend([bought("dora", "pears", 5), bought("dora", "milk", 5)]);
    let mut serving = serving(&shelf(), &events);
    serving.record(&bought("eve", "milk", 0));
    let before = ask(&serving, "eve", 9);
    serving.record(&event("eve", InteractionKind::Dislike, "yogurt", 0));
    let after = ask(&serving, "eve", 9);
    assert!(ids(&before).contains(&"yogurt") && !ids(&after).contains(&"yogurt"));
    let share = |answer: &crate::Ranked, id: &str| {
        answer.items.iter().find(|item| item.product_id == id).unwrap().score
    };
    assert!(share(&after, "apples") < share(&before, "apples"));

    let mut later = event("eve", InteractionKind::Like, "yogurt", 0);
    later.occurred_at_us += 1;
    serving.record(&later);
    let liked = ask(&serving, "eve", 9);
    let yogurt = liked.items.iter().find(|item| item.product_id == "yogurt").unwrap();
    assert_eq!(yogurt.reasons[0], "you said that you like it");
}

#[test]
fn stars_count_around_the_middle() {
    let mut serving = shop();
    let rated = |product_id: &str, stars: f64| Event {
        value: Some(stars),
        ..event("eve", InteractionKind::Rating, product_id, 1)
    };
    serving.record(&rated("apples", 5.0));
    serving.record(&rated("pears", 2.5));
    serving.record(&rated("milk", 0.0));
    serving.record(&rated("bread", 2.0));
    let answer = ask(&serving, "eve", 9);
    assert_eq!(answer.items[0].product_id, "apples");
    assert_eq!(answer.items[0].reasons, ["you rated it well"]);
    assert!(!ids(&answer).contains(&"milk") && !ids(&answer).contains(&"bread"));
}

#[test]
fn views_and_carts_count_less_than_purchases() {
    let mut serving = shop();
    serving.record(&event("eve", InteractionKind::View, "apples", 0));
    serving.record(&event("eve", InteractionKind::Cart, "pears", 0));
    serving.record(&bought("eve", "bread", 0));
    let answer = ask(&serving, "eve", 3);
    assert_eq!(ids(&answer), ["bread", "pears", "apples"]);
    assert_eq!(answer.items[1].reasons, ["you put it into your cart"]);
    assert_eq!(answer.items[2].reasons, ["you looked at it, last less than a day ago"]);
}

#[test]
fn the_repeat_policy_decides_about_products_bought_before() {
    let serving = shop();
    let all = Filter::default();
    let new = ask_with(&serving, "ann", 9, &all, RepeatPolicy::Exclude);
    assert_eq!(ids(&new), ["butter", "bread", "apples", "pears"]);
    let again = ask_with(&serving, "ann", 9, &all, RepeatPolicy::Only);
    assert_eq!(ids(&again), ["milk", "yogurt"]);
    assert_eq!(again.shortfall, Some(Shortfall::FewerThanAsked));
    let unknown = ask_with(&serving, "nobody", 9, &all, RepeatPolicy::Only);
    assert_eq!(unknown.shortfall, Some(Shortfall::UnknownCustomer));
}

#[test]
fn an_empty_answer_says_why() {
    let mut serving = shop();
    let none = Filter { categories: vec!["Toys".to_owned()], ..Filter::default() };
    assert_eq!(
        ask_with(&serving, "ann", 5, &none, RepeatPolicy::Allow).shortfall,
        Some(Shortfall::FilterExcludesAll)
    );
    assert_eq!(serving.popular(5, &none, NOW_US).shortfall, Some(Shortfall::FilterExcludesAll));
    serving.record(&event("eve", InteractionKind::View, "milk", 0));
    let only = ask_with(&serving, "eve", 5, &Filter::default(), RepeatPolicy::Only);
    assert_eq!(only.shortfall, Some(Shortfall::NoHistoryForRepeat));
    assert_eq!(ask(&serving, "ann", 0).shortfall, None);
}

#[test]
fn one_customer_cannot_make_a_product_popular() {
    let mut serving = shop();
    for number in 0..5_000 {
        let mut again = bought("ann", "bread", 0);
        again.event_id = number.to_string();
        again.quantity = 1e6;
        serving.record(&again);
    }
    assert_eq!(ids(&serving.popular(2, &Filter::default(), NOW_US)), ["milk", "yogurt"]);
}

#[test]
fn an_erased_customer_is_nobody() {
    let mut serving = shop();
    serving.record(&bought("ann", "pears", 0));
    serving.erase_customer("ann");
    assert_eq!(ask(&serving, "ann", 9), ask(&serving, "nobody", 9));
    let popular = serving.popular(9, &Filter::default(), NOW_US);
    assert_eq!(popular.items[0].reasons, ["popular: 2 customers bought it in the last 5 weeks"]);
    let pears = popular.items.iter().find(|item| item.product_id == "pears").unwrap();
    assert_eq!(pears.reasons, ["not bought by anybody yet"]);

    serving.record(&bought("ann", "apples", 0));
    let answer = ask_with(&serving, "ann", 9, &Filter::default(), RepeatPolicy::Only);
    assert_eq!(ids(&answer), ["apples"], "what was erased stays erased");
}

#[test]
fn similar_products_are_bought_by_the_same_people() {
    let serving = shop();
    let answer = serving.similar("milk", 4, &Filter::default(), NOW_US).unwrap();
    assert_eq!(ids(&answer), ["yogurt", "butter", "bread", "apples"]);
    let sources: Vec<Source> = answer.items.iter().map(|item| item.source).collect();
    assert_eq!(sources, [Source::Similar, Source::PopularInCategory, Source::Popular, Source::Popular]);
    let missing = serving.similar("caviar", 4, &Filter::default(), NOW_US).unwrap_err();
    assert_eq!(missing.to_string(), "product caviar is not in the catalogue");
}

#[test]
fn a_product_most_buyers_buy_again_says_so() {
    let mut events = Vec::new();
    for number in 0..12 {
        let customer = format!("c{number}");
        events.push(bought(&customer, "milk", 3));
        if number < 7 {
            events.push(bought(&customer, "milk", 10));
        }
    }
    let answer = ask(&serving(&shelf(), &events), "c11", 1);
    let told = "7 of the 12 customers who bought it bought it again".to_owned();
    assert!(answer.items[0].reasons.contains(&told), "{:?}", answer.items[0].reasons);
}

#[test]
fn an_old_history_still_has_an_order_and_tells_its_dates() {
    let old: Vec<Event> = habits()
        .into_iter()
        .map(|event| Event { occurred_at_us: event.occurred_at_us - 9 * 365 * DAY_US, ..event })
        .collect();
    let serving = serving(&shelf(), &old);
    let popular = serving.popular(3, &Filter::default(), NOW_US);
    assert_eq!(ids(&popular), ["milk", "yogurt", "bread"]);
    assert_eq!(popular.items[0].reasons, ["popular: 3 customers bought it since 12 February 2013"]);
    assert_eq!(ask(&serving, "ann", 1).items[0].reasons[0], "you bought it once, in March 2013");
}

#[test]
fn the_ends_of_time_do_no_harm() {
    let mut serving = shop();
    for (number, time_us) in [i64::MIN, i64::MAX, 0, -1].into_iter().enumerate() {
        let mut odd = bought("eve", "milk", 0);
        odd.event_id = number.to_string();
        odd.occurred_at_us = time_us;
        serving.record(&odd);
    }
    for item in ask(&serving, "eve", 9).items {
        assert!(item.score.is_finite() && item.score >= 0.0, "{item:?}");
    }
}
