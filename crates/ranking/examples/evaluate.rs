//! Measures the models on a folder of grocery purchases: trains on everything before a day, then
//! asks for 20 products for every household that buys in the month after it.
//!
//! `cargo run --release -p larder-ranking --example evaluate -- FOLDER [YYYY-MM-DD]`
//! FOLDER holds transactions.csv.gz (household_id, ts, product_id, quantity) and products.csv.gz
//! (product_id, product_category, product_type). Every distinct product of the month counts.

use std::{
    collections::{HashMap, HashSet},
    error::Error,
    fs::File,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use flate2::read::GzDecoder;
use jiff::{
    ToSpan,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use larder_ranking::{
    Event, Filter, InteractionKind, ProductRecord, RecommendQuery, RepeatPolicy, Serving, Snapshot,
    SnapshotHeader, Trainer, TrainingSettings,
};

const LENGTH: usize = 20;
const PERSONAL_HALF_LIFE_DAYS: f64 = 120.0;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: evaluate FOLDER [YYYY-MM-DD]")?;
    let split: Date = arguments.next().unwrap_or_else(|| "2017-10-01".to_owned()).parse()?;
    let split_us = microseconds(split.at(0, 0, 0, 0))?;
    let end_us = microseconds(split.checked_add(1.month())?.at(0, 0, 0, 0))?;
    let events = read_events(Path::new(&folder))?;
    let (past, future): (Vec<_>, Vec<_>) = events
        .iter()
        .filter(|event| event.occurred_at_us < end_us)
        .partition(|event| event.occurred_at_us < split_us);
    let mut wanted: HashMap<&str, HashSet<&str>> = HashMap::new();
    for event in &future {
        wanted.entry(&event.customer_id).or_default().insert(&event.product_id);
    }
    println!("{} events before {split}, {} households after it", past.len(), wanted.len());

    let started = stopwatch();
    let mut trainer = Trainer::new(TrainingSettings::default(), split_us);
    for product in read_products(Path::new(&folder))? {
        trainer.add_product(product);
    }
    for event in &past {
        trainer.add_event(event);
    }
    let snapshot =
        trainer.finish(SnapshotHeader { tenant: "evaluate".to_owned(), ..SnapshotHeader::default() });
    println!("trained in {:.2} s", started.elapsed().as_secs_f64());
    let bytes = snapshot.encode();
    let started = stopwatch();
    let snapshot = Snapshot::decode(&bytes)?;
    let serving = Serving::new(Arc::new(snapshot));
    let size_mib = bytes.len() as f64 / 1_048_576.0;
    println!("snapshot of {size_mib:.1} MiB served after {:.2} s", started.elapsed().as_secs_f64());

    report("popularity", &wanted, |_| answer_popular(&serving, split_us));
    let personal = personal_frequency(&past, split_us);
    report("personal frequency, then popularity", &wanted, |customer| {
        let mut list = personal.get(customer).cloned().unwrap_or_default();
        list.extend(answer_popular(&serving, split_us));
        let mut seen = HashSet::new();
        list.retain(|product| seen.insert(product.clone()));
        list
    });
    report("blend", &wanted, |customer| answer(&serving, customer, RepeatPolicy::Allow, split_us));
    print_times(wanted.keys().map(|customer| quickest(&serving, customer, split_us)).collect());
    let bought: HashSet<(&str, &str)> =
        past.iter().map(|event| (event.customer_id.as_str(), event.product_id.as_str())).collect();
    for (customer, products) in &mut wanted {
        products.retain(|product| !bought.contains(&(*customer, *product)));
    }
    wanted.retain(|_, products| !products.is_empty());
    println!("only products new to the household:");
    report("blend", &wanted, |customer| answer(&serving, customer, RepeatPolicy::Exclude, split_us));
    Ok(())
}

fn answer(serving: &Serving, customer_id: &str, repeat_policy: RepeatPolicy, now_us: i64) -> Vec<String> {
    let filter = Filter::default();
    let query = RecommendQuery { customer_id, limit: LENGTH, filter: &filter, repeat_policy };
    serving.recommend(&query, now_us).items.into_iter().map(|item| item.product_id).collect()
}

fn answer_popular(serving: &Serving, now_us: i64) -> Vec<String> {
    let items = serving.popular(LENGTH, &Filter::default(), now_us).items;
    items.into_iter().map(|item| item.product_id).collect()
}

/// The baseline: purchases decayed with the half-life and nothing else.
fn personal_frequency(past: &[&Event], split_us: i64) -> HashMap<String, Vec<String>> {
    let mut weights: HashMap<&str, HashMap<&str, f64>> = HashMap::new();
    for event in past {
        let age_days = (split_us - event.occurred_at_us) as f64 / 86_400e6;
        let weight = weights.entry(&event.customer_id).or_default().entry(&event.product_id).or_default();
        *weight += (-age_days / PERSONAL_HALF_LIFE_DAYS).exp2();
    }
    let sorted = weights.into_iter().map(|(customer, weights)| {
        let mut list: Vec<(&str, f64)> = weights.into_iter().collect();
        list.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(other.0)));
        (customer.to_owned(), list.into_iter().map(|(product, _)| product.to_owned()).collect())
    });
    sorted.collect()
}

/// Mean recall and nDCG with binary gains; the ideal list is as long as 20 lets it be.
fn report(name: &str, wanted: &HashMap<&str, HashSet<&str>>, mut list_of: impl FnMut(&str) -> Vec<String>) {
    let gain = |place: usize| 1.0 / (place as f64 + 2.0).log2();
    let (mut recall, mut ndcg) = (0.0, 0.0);
    for (customer, products) in wanted {
        let list = list_of(customer);
        let hits: Vec<usize> = list
            .iter()
            .take(LENGTH)
            .enumerate()
            .filter(|(_, product)| products.contains(product.as_str()))
            .map(|(place, _)| place)
            .collect();
        recall += hits.len() as f64 / products.len() as f64;
        let ideal: f64 = (0..products.len().min(LENGTH)).map(gain).sum();
        ndcg += hits.into_iter().map(gain).sum::<f64>() / ideal;
    }
    let count = wanted.len().max(1) as f64;
    println!("{name:<38} recall@20 {:.4}  nDCG@20 {:.4}", recall / count, ndcg / count);
}

/// The quickest of five calls, since other programs may hold up a call.
fn quickest(serving: &Serving, customer: &str, now_us: i64) -> Duration {
    let time = |_| {
        let started = stopwatch();
        std::hint::black_box(answer(serving, customer, RepeatPolicy::Allow, now_us));
        started.elapsed()
    };
    (0..5).map(time).min().unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "a measurement has to read the clock")]
fn stopwatch() -> Instant {
    Instant::now()
}

fn print_times(mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!("recommend took {:.0} us (p50), {:.0} us (p99), {:.0} us (most)", at(0.5), at(0.99), at(1.0));
}

fn read_rows<T>(
    path: &Path,
    columns: &[&str],
    mut row: impl FnMut(&[&str]) -> Outcome<T>,
) -> Outcome<Vec<T>> {
    let mut reader = csv::Reader::from_reader(GzDecoder::new(File::open(path)?));
    let headers = reader.headers()?.clone();
    let places: Vec<usize> = columns
        .iter()
        .map(|column| {
            headers.iter().position(|header| header == *column).ok_or(format!("no column {column}"))
        })
        .collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let fields: Vec<&str> = places.iter().map(|&place| &record[place]).collect();
        rows.push(row(&fields)?);
    }
    Ok(rows)
}

fn read_products(folder: &Path) -> Outcome<Vec<ProductRecord>> {
    let columns = ["product_id", "product_category", "product_type"];
    read_rows(&folder.join("products.csv.gz"), &columns, |fields| {
        Ok(ProductRecord {
            product_id: fields[0].to_owned(),
            category: fields[1].to_owned(),
            name: fields[2].to_owned(),
            ..ProductRecord::default()
        })
    })
}

fn read_events(folder: &Path) -> Outcome<Vec<Event>> {
    let mut count = 0;
    let columns = ["household_id", "product_id", "quantity", "ts"];
    read_rows(&folder.join("transactions.csv.gz"), &columns, |fields| {
        count += 1;
        Ok(Event {
            event_id: count.to_string(),
            customer_id: fields[0].to_owned(),
            product_id: fields[1].to_owned(),
            kind: InteractionKind::Purchase,
            quantity: fields[2].parse()?,
            value: None,
            occurred_at_us: microseconds(DateTime::strptime("%Y-%m-%d %H:%M", fields[3])?)?,
        })
    })
}

fn microseconds(time: DateTime) -> Outcome<i64> {
    Ok(time.to_zoned(TimeZone::UTC)?.timestamp().as_microsecond())
}
