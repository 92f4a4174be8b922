//! Larder's side, through the same calls the service makes: a trainer, a snapshot that is written
//! and read again, a serving.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use larder_ranking::{
    Arrangement, Event, Filter, InteractionKind, Ranker, RecommendQuery, RepeatPolicy, Serving, Snapshot,
    SnapshotHeader, Target, Trainer, TrainingSettings,
};

use crate::{
    Outcome,
    arguments::Protocol,
    cut::{Cut, Task},
    data::{Line, Purchases},
};

/// A trained Larder.
pub(crate) struct Larder {
    pub(crate) serving: Serving,
    pub(crate) seconds: f64,
    pub(crate) snapshot_bytes: usize,
}

/// Products in order, by number.
pub(crate) type Lists = Vec<Vec<u32>>;

/// Trains all models on what is known.
pub(crate) fn train(
    purchases: &Purchases,
    known: &[Line],
    trained_at_us: i64,
    protocol: Protocol,
) -> Outcome<Larder> {
    let target = match protocol {
        Protocol::LastBasket => Target::NextBasket,
        Protocol::RandomHoldout => Target::Unseen,
        Protocol::NextMonth | Protocol::Cold => Target::default(),
    };
    let settings = TrainingSettings { ranker: Some(target), ..TrainingSettings::default() };
    let started = stopwatch();
    let mut trainer = Trainer::new(settings, trained_at_us);
    for product in &purchases.products {
        trainer.add_product(product.clone());
    }
    for (number, line) in known.iter().enumerate() {
        trainer.add_event(&event(purchases, line, number));
    }
    let header = SnapshotHeader { tenant: "bench".to_owned(), ..SnapshotHeader::default() };
    let snapshot = trainer.finish(header);
    let seconds = started.elapsed().as_secs_f64();
    let bytes = snapshot.encode();
    let serving = Serving::new(Arc::new(Snapshot::decode(&bytes)?));
    Ok(Larder { serving, seconds, snapshot_bytes: bytes.len() })
}

/// A purchase as the service would tell of it.
pub(crate) fn event(purchases: &Purchases, line: &Line, number: usize) -> Event {
    Event {
        event_id: number.to_string(),
        customer_id: purchases.customers[line.customer as usize].clone(),
        product_id: purchases.products[line.product as usize].product_id.clone(),
        kind: InteractionKind::Purchase,
        quantity: f64::from(line.quantity),
        value: None,
        occurred_at_us: line.at_us,
    }
}

/// Asks for every target, and tells how long each call took.
pub(crate) fn ask(
    serving: &Serving,
    purchases: &Purchases,
    cut: &Cut,
    (task, length): (Task, usize),
    (ranker, filter): (Ranker, &Filter),
) -> (Lists, Vec<Duration>) {
    let numbers: HashMap<&str, u32> = (0..)
        .zip(&purchases.products)
        .map(|(number, product)| (product.product_id.as_str(), number))
        .collect();
    let repeat_policy = match task {
        Task::Allow => RepeatPolicy::Allow,
        Task::New => RepeatPolicy::Exclude,
    };
    let answers = cut.targets.iter().map(|target| {
        let customer_id = &purchases.customers[target.customer as usize];
        let query = RecommendQuery {
            customer_id,
            limit: length,
            filter,
            repeat_policy,
            ranker,
            arrangement: Arrangement::plain(),
            traits: &[],
            impressions: &[],
        };
        let (answer, took) = quickest(|| serving.recommend(&query, target.at_us));
        (answer.items.iter().map(|item| numbers[item.product_id.as_str()]).collect(), took)
    });
    answers.unzip()
}

/// The quickest of three calls, since other programs may hold up a call.
fn quickest<T>(mut call: impl FnMut() -> T) -> (T, Duration) {
    let mut time = || {
        let started = stopwatch();
        (call(), started.elapsed())
    };
    let (answer, first) = time();
    (answer, (0..2).map(|_| time().1).fold(first, Duration::min))
}

#[expect(clippy::disallowed_methods, reason = "a measurement has to read the clock")]
pub(crate) fn stopwatch() -> Instant {
    Instant::now()
}
