//! The same questions in a shop of 100,000 products and 20,000 customers: with and without
//! the learned ranker, filters on, over gRPC and in process; how soon an answer knows an
//! event; whether memory stays flat; how soon the newest snapshot serves after a start.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::program::{Figures, Larder, Loads, Running};
use crate::row::Row;
use crate::{in_process, middle, shop};

/// Selects most of the shop, and looks at a price and a stock for it.
const FILTER: &str = "product.price < 25.0 && product.in_stock";
const RATE_LINEAR: u32 = 8_000;
const RATE_LEARNED: u32 = 3_000;
const ROUNDS: usize = 3;
const FRESHNESS_TRIES: usize = 200;
/// What is asked and recorded while memory is watched, in millions of requests and events.
const SOAK_ROUNDS: u64 = 5;
/// Before that, small rounds until as many models are in memory as are kept for going back.
const SOAK_WARMUP: u64 = 3;
const SOAK_REQUESTS: u64 = 1_000_000;
const SOAK_EVENTS: u64 = 1_000_000;

const MODEL_SETTINGS: &str =
    r#"{"placements": {"learned": {"use_ranker": true}, "linear": {"use_ranker": false}}}"#;

/// Opens the shop in a folder of its own and measures.
pub(crate) fn measure(larder: &Larder, soak: bool) -> Result<(), Box<dyn Error>> {
    let larder = larder.on_folder("big-shop");
    let files = shop::write(&larder.folder.join("big-shop-files"))?;
    let settings = larder.folder.join("model-settings.json");
    fs::write(&settings, MODEL_SETTINGS)?;
    let larder = larder.with("LARDER_RECOMMENDATION__MODEL_SETTINGS_FILE", &settings.to_string_lossy());
    let running = larder.start(&[])?;
    let started = Instant::now();
    running.import("products", &files.products)?;
    running.import("customers", &files.customers)?;
    running.import("interactions", &files.interactions)?;
    let import_s = started.elapsed().as_secs_f64();
    Row::new("import-rate", files.interaction_count as f64 / import_s, "events/s").print();
    let started = Instant::now();
    running.train()?;
    Row::new("train-100k-products", started.elapsed().as_secs_f64(), "s").print();
    let customers = files.customer_ids.to_string_lossy().into_owned();
    let asked = Asked { customers: &customers };
    asked.over_grpc(&running.loads(), "linear", RATE_LINEAR)?;
    asked.over_grpc(&running.loads(), "learned", RATE_LEARNED)?;
    freshness(&running)?;
    if soak {
        asked.memory_stays_flat(&larder, &running)?;
    }
    running.stop()?;
    in_process::measure_big(&larder.newest_snapshot()?, FILTER)?;
    cold_start(&larder)
}

/// Without service and wire: asks the shop's model, which is trained here unless a file has it.
pub(crate) fn measure_in_process(larder: &Larder, trained: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    if let Some(file) = trained {
        return in_process::measure_big(&file, FILTER);
    }
    let started = Instant::now();
    let snapshot = shop::snapshot();
    Row::new("big-shop-train-in-process", started.elapsed().as_secs_f64(), "s").print();
    let file = larder.folder.join("big-shop.snapshot");
    fs::write(&file, snapshot.encode())?;
    drop(snapshot);
    in_process::measure_big(&file, FILTER)
}

struct Asked<'a> {
    customers: &'a str,
}

impl Asked<'_> {
    /// An open loop at a fixed rate; the round in the middle by its p99 counts.
    fn over_grpc(&self, loads: &Loads, placement: &str, rate: u32) -> Result<(), Box<dyn Error>> {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let figures = self.load(loads, placement, &rate.to_string(), "8")?;
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

    fn load(
        &self,
        loads: &Loads,
        placement: &str,
        rate: &str,
        duration_s: &str,
    ) -> Result<Figures, Box<dyn Error>> {
        let named = ["--customers", self.customers, "--placement", placement, "--filter", FILTER];
        // One connection carries them all, as a gateway's would: that is the least work for both ends.
        let paced = ["--rate", rate, "--duration-s", duration_s, "--warmup-s", "2", "--connections", "1"];
        loads.grpc(&[&named[..], &paced[..]].concat())
    }

    /// A million questions and a million events between two looks at the resident memory, the shop
    /// being trained after each share of them, as it is by itself where training is on.
    fn memory_stays_flat(&self, larder: &Larder, running: &Running) -> Result<(), Box<dyn Error>> {
        let file = larder.folder.join("more-interactions.csv");
        let (mut resident_mb, mut untrained_mb) = (Vec::new(), Vec::new());
        for round in 0..SOAK_WARMUP + SOAK_ROUNDS {
            let share = if round < SOAK_WARMUP { SOAK_ROUNDS } else { 1 };
            shop::more_interactions(&file, round, SOAK_EVENTS / SOAK_ROUNDS / share)?;
            running.import("interactions", &file)?;
            let seconds = (SOAK_REQUESTS / SOAK_ROUNDS / share / u64::from(RATE_LEARNED)).max(1);
            self.load(&running.loads(), "learned", &RATE_LEARNED.to_string(), &seconds.to_string())?;
            untrained_mb.push(running.memory_mb("VmRSS")?);
            running.train()?;
            self.load(&running.loads(), "learned", &RATE_LEARNED.to_string(), "5")?;
            resident_mb.push(running.memory_mb("VmRSS")?);
        }
        let first = resident_mb[SOAK_WARMUP as usize - 1];
        let last = resident_mb[resident_mb.len() - 1];
        println!(
            "resident memory by round, in MB: {resident_mb:.0?}, before each training {untrained_mb:.0?}"
        );
        let added = untrained_mb
            .iter()
            .skip(1)
            .zip(&resident_mb)
            .map(|(untrained, trained)| untrained / trained - 1.0);
        let most_added = added.fold(0.0, f64::max);
        Row::new("soak-untrained-events-add", most_added, "of the memory, 200,000 of them").print();
        Row::new("soak-resident-memory-first", first, "MB").print();
        Row::new("soak-resident-memory-growth", last / first - 1.0, "of the first").target("<= 0.05").print();
        Ok(())
    }
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
