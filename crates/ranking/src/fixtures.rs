//! A small shop for tests.

use std::sync::Arc;

use proptest::prelude::*;

use crate::{
    Arrangement, Event, Filter, InteractionKind, NutritionPer100g, ProductRecord, Ranked, Ranker,
    RecommendQuery, RepeatPolicy, Serving, Snapshot, SnapshotHeader, Trainer, TrainingSettings, Watermark,
};

pub(crate) const DAY_US: i64 = 86_400_000_000;

/// Tests ask on this day, counted from 1970: 17 March 2022.
pub(crate) const TODAY: i64 = 19_068;
pub(crate) const NOW_US: i64 = TODAY * DAY_US;

pub(crate) fn product(product_id: &str, category: &str) -> ProductRecord {
    ProductRecord {
        product_id: product_id.to_owned(),
        name: format!("The {product_id}"),
        category: category.to_owned(),
        price_micros: Some(1_000_000),
        currency: "USD".to_owned(),
        ..ProductRecord::default()
    }
}

/// An event so many days before today.
pub(crate) fn event(customer_id: &str, kind: InteractionKind, product_id: &str, days_ago: i64) -> Event {
    Event {
        event_id: format!("{customer_id}-{kind:?}-{product_id}-{days_ago}"),
        customer_id: customer_id.to_owned(),
        product_id: product_id.to_owned(),
        kind,
        quantity: 1.0,
        value: None,
        occurred_at_us: NOW_US - days_ago * DAY_US,
    }
}

pub(crate) fn bought(customer_id: &str, product_id: &str, days_ago: i64) -> Event {
    event(customer_id, InteractionKind::Purchase, product_id, days_ago)
}

pub(crate) fn header() -> SnapshotHeader {
    SnapshotHeader {
        tenant: "demo".to_owned(),
        version: "v1".to_owned(),
        watermark: Watermark { transaction_id: 7, sequence: 42 },
    }
}

pub(crate) fn trained(products: &[ProductRecord], events: &[Event]) -> Snapshot {
    let mut trainer = Trainer::new(TrainingSettings::default(), NOW_US);
    for product in products {
        trainer.add_product(product.clone());
    }
    for event in events {
        trainer.add_event(event);
    }
    trainer.finish(header())
}

pub(crate) fn serving(products: &[ProductRecord], events: &[Event]) -> Serving {
    Serving::new(Arc::new(trained(products, events)))
}

pub(crate) fn ask(serving: &Serving, customer_id: &str, limit: usize) -> Ranked {
    ask_with(serving, customer_id, limit, &Filter::default(), RepeatPolicy::Allow)
}

pub(crate) fn ask_with(
    serving: &Serving,
    customer_id: &str,
    limit: usize,
    filter: &Filter,
    repeat_policy: RepeatPolicy,
) -> Ranked {
    let arrangement = Arrangement::plain();
    let ranker = Ranker::Learned;
    let impressions = &[];
    let query = RecommendQuery {
        customer_id,
        limit,
        filter,
        repeat_policy,
        ranker,
        arrangement,
        traits: &[],
        impressions,
    };
    serving.recommend(&query, NOW_US)
}

pub(crate) fn ids(ranked: &Ranked) -> Vec<&str> {
    ranked.items.iter().map(|item| item.product_id.as_str()).collect()
}

/// Up to nine products in three categories, one of them empty; some hidden, sold out or unpriced.
pub(crate) fn any_products() -> impl Strategy<Value = Vec<ProductRecord>> {
    let one = (0u8..9, 0u8..3, prop::option::of(0i64..4), 0u8..8);
    prop::collection::vec(one, 0..9).prop_map(|rows| {
        let build = |(number, category, price, flags): (u8, u8, Option<i64>, u8)| ProductRecord {
            price_micros: price,
            currency: if price.is_some() { "USD".to_owned() } else { String::new() },
            brand: ["", "Acme"][usize::from(number % 2)].to_owned(),
            tags: vec!["organic".to_owned(); usize::from(number % 3 == 0)],
            allergens: vec!["milk".to_owned(); usize::from(flags & 2 != 0)],
            allergens_complete: flags & 4 != 0,
            diets: vec!["vegan".to_owned(); usize::from(flags & 2 == 0)],
            nutrition: NutritionPer100g {
                energy_kcal: Some(f32::from(number) * 50.0),
                sodium_mg: (number > 4).then_some(0.0),
                ..NutritionPer100g::default()
            },
            attributes: (0..number % 3).map(|key| (format!("key {key}"), format!("{number}"))).collect(),
            in_stock: flags & 1 == 0,
            hidden: flags == 7,
            ..product(&format!("p{number}"), ["", "Dairy", "Fruit"][category as usize])
        };
        rows.into_iter().map(build).collect()
    })
}

/// Events of five customers with ten products, each with its own id, most of the last 400 days.
pub(crate) fn any_events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let time_us = prop_oneof![
        20 => (0i64..400 * 24).prop_map(|hours| NOW_US - hours * DAY_US / 24),
        1 => Just(NOW_US + DAY_US),
    ];
    prop::collection::vec((0u8..5, 0u8..10, any_kind(), 0u8..6, time_us), 0..most).prop_map(|rows| {
        let build =
            |(number, (customer, product, kind, stars, time_us)): (usize, (u8, u8, _, u8, i64))| Event {
                event_id: format!("e{number}"),
                customer_id: format!("c{customer}"),
                product_id: format!("p{product}"),
                kind,
                quantity: 1.0,
                value: Some(f64::from(stars)),
                occurred_at_us: time_us,
            };
        rows.into_iter().enumerate().map(build).collect()
    })
}

fn any_kind() -> impl Strategy<Value = InteractionKind> {
    prop_oneof![
        1 => Just(InteractionKind::View),
        1 => Just(InteractionKind::Cart),
        6 => Just(InteractionKind::Purchase),
        1 => Just(InteractionKind::Like),
        1 => Just(InteractionKind::Dislike),
        1 => Just(InteractionKind::Rating),
    ]
}
