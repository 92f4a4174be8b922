//! The same questions in a shop of 100,000 products and 20,000 customers: with and without
//! the learned ranker, filters on, over gRPC and in process; how soon an answer knows an
//! event; how soon the newest snapshot serves after a start.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use larder_testkit::Row;

use crate::open_shop::{FILTER, OpenShop};
use crate::program::{Larder, Running};
use crate::{in_process, middle, shop};

const RATE_LINEAR: u32 = 8_000;
const RATE_LEARNED: u32 = 3_000;
const ROUNDS: usize = 3;
const FRESHNESS_TRIES: usize = 200;

/// Opens the shop in a folder of its own and measures. A `kept` folder is used again by the next
/// run, which then neither imports nor trains.
pub(crate) fn measure(larder: &Larder, kept: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    let larder = match kept {
        Some(folder) => larder.keeping(folder, "big-shop")?,
        None => larder.on_folder("big-shop"),
    };
    let shop = OpenShop::open(larder, shop::BIG)?;
    let is_new = !shop.is_trained();
    if is_new {
        prepare(&shop)?;
    }
    over_grpc(&shop, "linear", RATE_LINEAR)?;
    over_grpc(&shop, "learned", RATE_LEARNED)?;
    if is_new {
        // What a run before bought is known already.
        freshness(&shop.running)?;
    }
    let larder = shop.close()?;
    in_process::measure_big(&larder.newest_snapshot()?, FILTER)?;
    cold_start(&larder)
}

fn prepare(shop: &OpenShop) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    shop.import()?;
    let import_s = started.elapsed().as_secs_f64();
    Row::new("import-rate", shop.files.interaction_count as f64 / import_s, "events/s").print();
    let started = Instant::now();
    shop.running.train()?;
    Row::new("train-100k-products", started.elapsed().as_secs_f64(), "s").print();
    Ok(())
}

/// Without service and wire: asks the shop's model, which is trained here unless a file has it.
pub(crate) fn measure_in_process(larder: &Larder, trained: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    if let Some(file) = trained {
        return in_process::measure_big(&file, FILTER);
    }
    let started = Instant::now();
    let snapshot = shop::BIG.snapshot();
    Row::new("big-shop-train-in-process", started.elapsed().as_secs_f64(), "s").print();
    let file = larder.folder.join("big-shop.snapshot");
    fs::write(&file, snapshot.encode())?;
    drop(snapshot);
    in_process::measure_big(&file, FILTER)
}

/// An open loop at a fixed rate; the round in the middle by its p99 counts.
fn over_grpc(shop: &OpenShop, placement: &str, rate: u32) -> Result<(), Box<dyn Error>> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let figures = shop.load(placement, rate, 8)?;
        rounds.push((figures.number("p99_ms")?, figures));
    }
    rounds.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let (p99_ms, figures) = rounds.swap_remove(ROUNDS / 2);
    let id = |name: &str| format!("big-shop-grpc-{placement}-{name}");
    Row::new(&id("rate"), figures.number("answered_per_s")?, "1/s")
        .target(&format!(">= {}", f64::from(rate) * 0.99))
        .print();
    Row::new(&id("p50"), figures.number("p50_ms")?, "ms").print();
    Row::new(&id("p99"), p99_ms, "ms").target("< 3").print();
    Row::new(&id("failed"), figures.number("failed_count")?, "calls").target("<= 0").print();
    Ok(())
}

/// From the acknowledgement of an event to the first answer that knows it: a product nobody
/// buys is bought once, and asked for among what the customer bought before.
fn freshness(running: &Running) -> Result<(), Box<dyn Error>> {
    let mut waits_ms = Vec::new();
    for number in 0..FRESHNESS_TRIES {
        // One of those whose profile forbids nothing.
        let customer_id = format!("customer-{:05}", number * 20 + 7);
        let product_id = format!("p{:06}", 99_999 - number);
        running.record_purchase(&format!("fresh-{number}"), &customer_id, &product_id)?;
        let acknowledged = Instant::now();
        while !running.would_repeat(&customer_id, &product_id)? {
            if acknowledged.elapsed() > Duration::from_secs(5) {
                return Err(format!("{customer_id} bought {product_id} and no answer knows it").into());
            }
        }
        waits_ms.push(acknowledged.elapsed().as_secs_f64() * 1_000.0);
    }
    waits_ms.sort_by(f64::total_cmp);
    Row::new("event-to-answer-p50", waits_ms[FRESHNESS_TRIES / 2], "ms").print();
    Row::new("event-to-answer-p99", waits_ms[FRESHNESS_TRIES * 99 / 100], "ms").target("< 50").print();
    Ok(())
}

/// From the start of the process to the first answer out of the newest snapshot.
fn cold_start(larder: &Larder) -> Result<(), Box<dyn Error>> {
    let mut seconds = Vec::new();
    for _ in 0..ROUNDS {
        let (running, took) = larder.start_until_first_answer(Duration::from_secs(60))?;
        seconds.push(took.as_secs_f64());
        running.stop()?;
    }
    Row::new("big-shop-start-to-first-recommendation", middle(seconds), "s").target("< 2").print();
    Ok(())
}
