//! Worlds of hidden products, and what a ranker taught by them foresees.

use super::World;
use crate::{
    Event, Filter, RepeatPolicy, Serving, Target, Trainer, TrainingSettings,
    fixtures::{NOW_US, ask, ask_with, bought, header, product},
    occasion::day_of,
};

/// Sixty customers of two tastes; each had twelve of the twenty products of theirs.
fn events() -> Vec<Event> {
    let mut events = Vec::new();
    for customer in 0..60u32 {
        for place in 0..12u32 {
            let number = (customer / 2 * 7 + place * 3) % 20 * 2 + customer % 2;
            events.push(bought(&format!("c{customer:02}"), &format!("p{number:02}"), i64::from(place + 1)));
        }
    }
    events
}

fn trained(target: Target) -> crate::Snapshot {
    let settings = TrainingSettings { ranker: Some(target), ..TrainingSettings::default() };
    let mut trainer = Trainer::new(settings, NOW_US);
    (0..40).for_each(|number| trainer.add_product(product(&format!("p{number:02}"), "Films")));
    events().iter().for_each(|event| trainer.add_event(event));
    trainer.finish(header())
}

#[test]
fn a_fifth_of_the_products_is_hidden_and_another_fifth_another_time() {
    let snapshot = trained(Target::Unseen);
    let customers = &snapshot.customers;
    let half_life = snapshot.tuning.personal_half_life;
    let worlds = [0, 1].map(|salt| World::of_hidden(customers, salt, day_of(NOW_US), half_life));
    for world in &worlds {
        let hidden: usize = world.bought.iter().map(Vec::len).sum();
        assert!((100..190).contains(&hidden), "{hidden} of 720 are hidden");
        for customer in 0..customers.ids.len() {
            let known = world.customers.rows_of(customer).iter().map(|row| row.product);
            let mut all: Vec<u32> = known.chain(world.bought[customer].iter().copied()).collect();
            all.sort_unstable();
            let had: Vec<u32> = customers.rows_of(customer).iter().map(|row| row.product).collect();
            assert_eq!(all, had);
        }
    }
    assert_ne!(worlds[0].bought, worlds[1].bought);
}

#[test]
fn who_hardly_buys_twice_is_shown_what_is_left_of_their_taste() {
    let serving = Serving::new(std::sync::Arc::new(trained(Target::Unseen)));
    assert_eq!(serving.snapshot().and_then(|snapshot| snapshot.ranker_target()), Some(Target::Unseen));
    let (mut own_taste, mut shown) = (0, 0);
    for customer in 0..60u32 {
        let id = format!("c{customer:02}");
        let answer = ask(&serving, &id, 5);
        let had = serving.has_bought(&id);
        for item in &answer.items {
            assert!(!had(&item.product_id), "{id} had {}", item.product_id);
            let number: u32 = item.product_id[1..].parse().unwrap();
            own_taste += u32::from(number % 2 == customer % 2);
            shown += 1;
        }
    }
    assert_eq!(shown, 300);
    assert!(own_taste > 270, "{own_taste} of {shown} are of the customer's taste");
    let answer = ask_with(&serving, "c00", 5, &Filter::default(), RepeatPolicy::Only);
    assert_eq!(answer.items.len(), 5);
    let had = serving.has_bought("c00");
    assert!(answer.items.iter().all(|item| had(&item.product_id)));
}

#[test]
fn a_newcomer_with_one_product_is_shown_what_its_buyers_have() {
    let mut serving = Serving::new(std::sync::Arc::new(trained(Target::Unseen)));
    for (newcomer, first, taste) in [("even", "p04", 0), ("odd", "p05", 1)] {
        serving.record(&Event { event_id: newcomer.to_owned(), ..bought(newcomer, first, 0) });
        let answer = ask(&serving, newcomer, 5);
        let of_taste = answer
            .items
            .iter()
            .filter(|item| item.product_id[1..].parse::<u32>().is_ok_and(|number| number % 2 == taste));
        assert!(of_taste.count() >= 4, "{:?}", answer.items);
    }
}

#[test]
fn customers_of_a_taste_are_alike_until_they_are_erased() {
    let mut serving = Serving::new(std::sync::Arc::new(trained(Target::Unseen)));
    let alike = serving.similar_customers("c04", 10);
    assert_eq!(alike.len(), 10);
    assert!(alike.is_sorted_by(|one, other| one.similarity >= other.similarity));
    for other in &alike {
        let number: u32 = other.customer_id[1..].parse().unwrap();
        assert!(number.is_multiple_of(2) && number != 4, "{alike:?}");
    }
    let nearest = alike[0].customer_id.clone();
    serving.erase_customer(&nearest);
    assert!(serving.similar_customers("c04", 60).iter().all(|other| other.customer_id != nearest));
    assert!(serving.similar_customers(&nearest, 10).is_empty());
}
