//! What an answer costs without any wire: the snapshot that the service wrote, asked in a
//! loop for every customer by turns.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hdrhistogram::Histogram;
use larder_ranking::{
    Arrangement, Expression, Filter, Ranker, RecommendQuery, RepeatPolicy, Serving, Snapshot,
};
use larder_testkit::Row;

use crate::middle;

const WARMUP: usize = 2_000;
const CALLS: usize = 20_000;
const ROUNDS: usize = 5;

/// Asks the demo shop's snapshot in `file`, as the service does by default.
pub(crate) fn measure(file: &Path) -> Result<(), Box<dyn Error>> {
    let serving = serve(file)?;
    Asking::new(&serving, Ranker::Learned, Filter::default())
        .measure("recommend-in-process", ("< 300", "< 1000"))
}

/// Asks the made-up shop's snapshot with a filter, with and without the learned ranker.
pub(crate) fn measure_big(file: &Path, expression: &str) -> Result<(), Box<dyn Error>> {
    let serving = serve(file)?;
    let expression = Expression::compile(expression).map_err(|error| error.to_string())?;
    let filter = Filter { expression: Some(Arc::new(expression)), in_stock_only: true, ..Filter::default() };
    Asking::new(&serving, Ranker::Linear, filter.clone())
        .measure("big-shop-in-process-linear", ("< 150", "< 1000"))?;
    Asking::new(&serving, Ranker::Learned, filter).measure("big-shop-in-process-learned", ("< 300", "< 1000"))
}

fn serve(file: &Path) -> Result<Serving, Box<dyn Error>> {
    Ok(Serving::new(Arc::new(Snapshot::decode(&std::fs::read(file)?)?)))
}

/// The same question for every customer by turns.
struct Asking<'a> {
    serving: &'a Serving,
    ranker: Ranker,
    filter: Filter,
    customers: Vec<String>,
    now_us: i64,
}

impl<'a> Asking<'a> {
    fn new(serving: &'a Serving, ranker: Ranker, filter: Filter) -> Self {
        let customers = serving.customer_ids().map(str::to_owned).collect();
        let now_us = serving.snapshot().map_or(0, |snapshot| snapshot.trained_at_us());
        Self { serving, ranker, filter, customers, now_us }
    }

    fn measure(&self, id: &str, (p50_target, p99_target): (&str, &str)) -> Result<(), Box<dyn Error>> {
        if self.customers.is_empty() {
            return Err("the snapshot knows no customers".into());
        }
        self.ask(WARMUP)?;
        let (mut p50_us, mut p99_us) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let times_ns = self.ask(CALLS)?;
            p50_us.push(times_ns.value_at_quantile(0.5) as f64 / 1_000.0);
            p99_us.push(times_ns.value_at_quantile(0.99) as f64 / 1_000.0);
        }
        Row::new(&format!("{id}-p50"), middle(p50_us), "us").target(p50_target).print();
        Row::new(&format!("{id}-p99"), middle(p99_us), "us").target(p99_target).print();
        Ok(())
    }

    /// The times of `calls` questions.
    fn ask(&self, calls: usize) -> Result<Histogram<u64>, Box<dyn Error>> {
        let mut times_ns = Histogram::<u64>::new(3)?;
        for customer_id in self.customers.iter().cycle().take(calls) {
            let query = RecommendQuery {
                customer_id,
                limit: 10,
                filter: &self.filter,
                repeat_policy: RepeatPolicy::Allow,
                ranker: self.ranker,
                arrangement: Arrangement::plain(),
                traits: &[],
                impressions: &[],
            };
            let started = Instant::now();
            let ranked = self.serving.recommend(&query, self.now_us);
            times_ns.record(started.elapsed().as_nanos() as u64)?;
            if ranked.items.is_empty() {
                return Err(format!("{customer_id} got no recommendation").into());
            }
        }
        Ok(times_ns)
    }
}
