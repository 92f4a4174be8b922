//! How fast alerts are taken durably, told, shown and acknowledged, in how much memory, and how soon a source that
//! died is missed: `larder serve alerting` as released, on a PostgreSQL that syncs every commit, beside Alertmanager
//! from the distribution, which keeps alerts in memory. Prints one JSON object a row; `cargo xtask bench alerting`
//! builds it, judges the rows and prints the table. With `-- NAME…` only those of `ingest`, `storm` and `silence`.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod alerts;
mod ingest;
mod peer;
mod receiver;
mod service;
mod silence;
mod storm;
mod times;

use std::error::Error;

type Measured<T> = Result<T, Box<dyn Error>>;

/// Alerts of each round and of the storm.
const ALERTS: usize = 10_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Measured<()> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let asked = |name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
    if asked("ingest") {
        ingest::measure().await?;
    }
    if asked("storm") {
        storm::measure().await?;
    }
    if asked("silence") {
        silence::measure().await?;
    }
    Ok(())
}
