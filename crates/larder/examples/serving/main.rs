//! How fast Larder answers with the demo shop: over gRPC at a fixed rate, in process, over
//! JSON beside gRPC; how soon after a start, and in how much memory. Prints one JSON object
//! a row; `cargo xtask bench serving` builds it, judges the rows and prints the table. With
//! `-- --big-shop [--keep FOLDER]` the same for 100,000 products, with `-- --soak` whether memory stays flat over
//! a million calls, with `-- --in-process` only what an answer costs without a wire, out
//! of a model that is trained first or of `--snapshot FILE`; with `-- --from-clone` how long a
//! newcomer waits; with `-- --stand` what market days cost, which `cargo xtask bench demand` asks for, and with
//! `-- --imports [--rows N]` what an import costs, which `cargo xtask bench exchange` asks for.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod big_shop;
mod from_clone;
mod imports;
mod in_process;
mod open_shop;
mod program;
mod shop;
mod soak;
mod stand;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use larder_testkit::Row;

use program::{Larder, Loads};

/// The rate of the open loop, in calls a second.
const RATE: u32 = 2_000;
/// Starts that are measured; the middle one counts.
const STARTS: usize = 3;
/// Rounds of what is measured more than once; the middle one counts.
const ROUNDS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let larder = Larder::from_environment()?;
    let asked = |name: &str| std::env::args().any(|argument| argument == name);
    let path_of = |name: &str| std::env::args().skip_while(|word| word != name).nth(1).map(PathBuf::from);
    if asked("--from-clone") {
        from_clone::measure(&larder)?;
    }
    if asked("--in-process") {
        return big_shop::measure_in_process(&larder, path_of("--snapshot"));
    }
    if asked("--stand") {
        return stand::measure(&larder);
    }
    if asked("--imports") {
        let rows = std::env::args().skip_while(|word| word != "--rows").nth(1);
        return imports::measure(&larder, rows.map_or(Ok(1_000_000), |rows| rows.parse())?);
    }
    if asked("--big-shop") {
        return big_shop::measure(&larder, path_of("--keep"));
    }
    if asked("--soak") {
        return soak::measure(&larder);
    }
    let running = larder.start(&["--demo"])?;
    let loads = running.loads();
    over_grpc(&loads)?;
    over_json(&loads)?;
    listing(&loads)?;
    memory(&running)?;
    running.stop()?;
    in_process::measure(&larder.newest_snapshot()?)?;
    starting(&larder)
}

/// Several rounds, of which the middle one by its p99 counts: what else the machine did for a
/// moment is not what Larder takes.
fn over_grpc(loads: &Loads) -> Result<(), Box<dyn Error>> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let figures = loads.grpc(&["--rate", &RATE.to_string(), "--duration-s", "8", "--warmup-s", "2"])?;
        rounds.push((figures.number("p99_ms")?, figures));
    }
    rounds.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let failed: Vec<f64> =
        rounds.iter().map(|(_, figures)| figures.number("failed_count")).collect::<Result<_, _>>()?;
    let (p99_ms, figures) = rounds.swap_remove(ROUNDS / 2);
    Row::new("recommend-grpc-p50", figures.number("p50_ms")?, "ms").print();
    Row::new("recommend-grpc-p99", p99_ms, "ms").target("< 5").print();
    Row::new("recommend-grpc-p999", figures.number("p999_ms")?, "ms").print();
    Row::new("recommend-grpc-rate", figures.number("answered_per_s")?, "1/s").target(">= 1980").print();
    Row::new("recommend-grpc-failed", failed.iter().sum(), "calls").target("<= 0").print();
    Ok(())
}

/// As fast as the answers come, the JSON route and the direct call by turns, so that a slow
/// moment of the machine meets both.
fn over_json(loads: &Loads) -> Result<(), Box<dyn Error>> {
    let arguments = ["--rate", "0", "--callers", "32", "--duration-s", "5", "--warmup-s", "1"];
    let (mut json, mut grpc) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        grpc.push(loads.grpc(&arguments)?.number("answered_per_s")?);
        json.push(loads.http(&arguments)?.number("answered_per_s")?);
    }
    let (json, grpc) = (middle(json), middle(grpc));
    Row::new("recommend-json-throughput", json, "1/s").peer("direct gRPC", grpc).print();
    Row::new("recommend-json-share", json / grpc, "of direct gRPC").target(">= 0.5").print();
    Ok(())
}

fn listing(loads: &Loads) -> Result<(), Box<dyn Error>> {
    let arguments = ["--call", "list-products", "--rate", "0", "--callers", "1", "--duration-s", "5"];
    let figures = loads.http(&arguments)?;
    Row::new("list-100-products-p50", figures.number("p50_ms")?, "ms").target("< 45").print();
    Row::new("list-100-products-p95", figures.number("p95_ms")?, "ms").target("< 45").print();
    Ok(())
}

fn memory(running: &program::Running) -> Result<(), Box<dyn Error>> {
    Row::new("resident-memory", running.memory_mb("VmRSS")?, "MB").target("< 300").print();
    Row::new("resident-memory-peak", running.memory_mb("VmHWM")?, "MB").print();
    Ok(())
}

/// From the start of the process, on a database that is there, to the first recommendation
/// over HTTP.
fn starting(larder: &Larder) -> Result<(), Box<dyn Error>> {
    let mut seconds = Vec::new();
    for _ in 0..STARTS {
        let (running, took) = larder.start_until_first_answer(Duration::from_secs(60))?;
        seconds.push(took.as_secs_f64());
        running.stop()?;
    }
    Row::new("start-to-first-recommendation", middle(seconds), "s").target("< 3").print();
    Ok(())
}

/// The middle of an odd number of values.
pub(crate) fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
