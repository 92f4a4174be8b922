//! What an answer costs without any wire: the snapshot that the service wrote, asked in a
//! loop for every customer of the demo shop by turns.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hdrhistogram::Histogram;
use larder_ranking::{Filter, Ranker, RecommendQuery, RepeatPolicy, Serving, Snapshot};

use crate::middle;
use crate::row::Row;

const WARMUP: usize = 2_000;
const CALLS: usize = 20_000;
const ROUNDS: usize = 5;

/// Asks the snapshot in `file`.
pub(crate) fn measure(file: &Path) -> Result<(), Box<dyn Error>> {
    let snapshot = Arc::new(Snapshot::decode(&std::fs::read(file)?)?);
    let now_us = snapshot.trained_at_us();
    let serving = Serving::new(snapshot);
    let customers: Vec<String> = serving.customer_ids().map(str::to_owned).collect();
    if customers.is_empty() {
        return Err("the snapshot knows no customers".into());
    }
    ask(&serving, &customers, now_us, WARMUP)?;
    let (mut p50_us, mut p99_us) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let times_ns = ask(&serving, &customers, now_us, CALLS)?;
        p50_us.push(times_ns.value_at_quantile(0.5) as f64 / 1_000.0);
        p99_us.push(times_ns.value_at_quantile(0.99) as f64 / 1_000.0);
    }
    Row::new("recommend-in-process-p50", middle(p50_us), "us").print();
    Row::new("recommend-in-process-p99", middle(p99_us), "us").target("< 200").print();
    Ok(())
}

/// The times of `calls` questions, for every customer by turns.
fn ask(
    serving: &Serving,
    customers: &[String],
    now_us: i64,
    calls: usize,
) -> Result<Histogram<u64>, Box<dyn Error>> {
    let mut times_ns = Histogram::<u64>::new(3)?;
    let filter = Filter::default();
    for customer_id in customers.iter().cycle().take(calls) {
        let query = RecommendQuery {
            customer_id,
            limit: 10,
            filter: &filter,
            repeat_policy: RepeatPolicy::Allow,
            ranker: Ranker::Learned,
            arrangement: larder_ranking::Arrangement::plain(),
            impressions: &[],
        };
        let started = Instant::now();
        let ranked = serving.recommend(&query, now_us);
        times_ns.record(started.elapsed().as_nanos() as u64)?;
        if ranked.items.is_empty() {
            return Err(format!("{customer_id} got no recommendation").into());
        }
    }
    Ok(times_ns)
}
