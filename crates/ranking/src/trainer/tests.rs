//! What a trainer keeps in memory: bounded days, the same whatever order they came in.

use proptest::prelude::*;

use super::*;
use crate::{
    InteractionKind,
    fixtures::{DAY_US, NOW_US, TODAY, bought, header},
};

/// A trainer whose log may have so many days.
fn trainer_of(days: usize) -> Trainer {
    let log_limit_bytes = days * size_of::<Occasion>();
    Trainer::new(TrainingSettings { log_limit_bytes, ..TrainingSettings::default() }, NOW_US)
}

fn days_of(snapshot: &Snapshot) -> Vec<i32> {
    snapshot.customers.occasions.iter().map(|occasion| occasion.day).collect()
}

#[test]
fn the_oldest_days_of_all_customers_are_left_out_first() {
    let mut trainer = trainer_of(4);
    for (customer, ago) in [("ann", 40), ("ben", 30), ("ann", 20), ("eve", 10), ("ben", 10), ("ann", 1)] {
        trainer.add_event(&bought(customer, "bread", ago));
    }
    let today = i32::try_from(TODAY).unwrap();
    assert_eq!(trainer.shorten_log(), Some(today - 29), "the day after the newest that had to go");
    let snapshot = trainer.finish(header());
    let mut days = days_of(&snapshot);
    days.sort_unstable();
    assert_eq!(days, [today - 20, today - 10, today - 10, today - 1]);
    let bread: u32 = snapshot.customers.rows.iter().map(|row| row.facts.purchases).sum();
    assert_eq!(bread, 6, "how often it was bought is still known");
}

#[test]
fn a_short_log_stays_whole() {
    let mut trainer = trainer_of(4);
    (1..=4).for_each(|ago| trainer.add_event(&bought("ann", "bread", ago)));
    assert_eq!(trainer.shorten_log(), None);
    assert_eq!(days_of(&trainer.finish(header())).len(), 4);
}

proptest! {
    #[test]
    fn what_is_left_does_not_depend_on_the_order(
        events in prop::collection::vec((0u8..4, 0u8..3, 0i64..90), 0..200),
        most in 1usize..120,
        turn in 0usize..200,
    ) {
        let snapshot = |events: &[(u8, u8, i64)]| {
            let mut trainer = trainer_of(most);
            for (customer, product, ago) in events {
                trainer.add_event(&bought(&format!("c{customer}"), &format!("p{product}"), *ago));
            }
            trainer.finish(header())
        };
        let mut turned = events.clone();
        turned.rotate_left(turn.min(events.len()));
        turned.reverse();
        let one = snapshot(&events);
        prop_assert!(one.customers.occasions.len() <= most);
        prop_assert_eq!(one, snapshot(&turned));
    }
}

/// Events of one customer, one at a time, over ten years and 20,000 products.
fn feed_one_customer(events: u64) -> Trainer {
    let products: Vec<String> = (0..20_000).map(|number| format!("product-{number}")).collect();
    let mut trainer = Trainer::new(TrainingSettings::default(), NOW_US);
    let mut event = bought("ann", "bread", 0);
    let mut bits = 1u64;
    for _ in 0..events {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        event.product_id.clone_from(&products[(bits >> 33) as usize % products.len()]);
        event.occurred_at_us = NOW_US - (bits >> 40) as i64 % 3_650 * DAY_US;
        event.kind = if bits >> 63 == 0 { InteractionKind::Purchase } else { InteractionKind::View };
        trainer.add_event(&event);
    }
    trainer
}

#[test]
fn one_customer_with_any_number_of_events_has_a_bounded_history() {
    let snapshot = feed_one_customer(100_000).finish(header());
    assert_eq!(snapshot.interaction_count(), 100_000);
    assert_eq!(snapshot.customers.occasions.len(), MOST_DAYS_PER_CUSTOMER);
}

/// The most memory this process has had, in bytes.
#[cfg(target_os = "linux")]
fn peak_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim_matches(|sign: char| !sign.is_ascii_digit()).parse::<usize>().unwrap_or(0) * 1_024
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes half a minute without optimisation; run it alone, since it looks at the memory of the process"]
fn ten_million_events_of_one_customer_take_little_memory() {
    let before = peak_bytes();
    let trainer = feed_one_customer(10_000_000);
    assert_eq!(trainer.logged_days, 20_000 * crate::occasion::MOST_DAYS_PER_PAIR);
    let snapshot = trainer.finish(header());
    assert_eq!(snapshot.interaction_count(), 10_000_000);
    assert_eq!(snapshot.customers.occasions.len(), MOST_DAYS_PER_CUSTOMER);
    let grown = peak_bytes() - before;
    assert!(grown < 200 << 20, "{grown} bytes");
    println!("{} MiB", grown >> 20);
}
