//! What an answer costs without any wire: the snapshot that the service wrote, asked in a
//! loop for every customer of the demo shop by turns.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hdrhistogram::Histogram;
use larder_ranking::{Filter, RecommendQuery, RepeatPolicy, Serving, Snapshot};

use crate::row::Row;

const WARMUP: usize = 2_000;
const CALLS: usize = 50_000;

/// Asks the snapshot in `file`.
pub(crate) fn measure(file: &Path) -> Result<(), Box<dyn Error>> {
    let snapshot = Arc::new(Snapshot::decode(&std::fs::read(file)?)?);
    let now_us = snapshot.trained_at_us();
    let serving = Serving::new(snapshot);
    let customers: Vec<String> = serving.customer_ids().map(str::to_owned).collect();
    if customers.is_empty() {
        return Err("the snapshot knows no customers".into());
    }
    let mut times_ns = Histogram::<u64>::new(3)?;
    for call in 0..WARMUP + CALLS {
        let customer_id = &customers[call % customers.len()];
        let filter = Filter::default();
        let query =
            RecommendQuery { customer_id, limit: 10, filter: &filter, repeat_policy: RepeatPolicy::Allow };
        let started = Instant::now();
        let ranked = serving.recommend(&query, now_us);
        let took = started.elapsed();
        if ranked.items.is_empty() {
            return Err(format!("{customer_id} got no recommendation").into());
        }
        if call >= WARMUP {
            times_ns.record(took.as_nanos() as u64)?;
        }
    }
    let quantile_us = |quantile: f64| times_ns.value_at_quantile(quantile) as f64 / 1_000.0;
    Row::new("recommend-in-process-p50", quantile_us(0.5), "us").print();
    Row::new("recommend-in-process-p99", quantile_us(0.99), "us").target("< 200").print();
    Ok(())
}
