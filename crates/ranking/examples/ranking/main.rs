//! How good Larder's lists are beside those of other recommenders: the same known purchases, the same
//! customers, the same wanted products, the same metrics. `cargo xtask bench ranking` builds it,
//! sets up the peers and prints its rows; docs/benchmarks.md tells what the rows mean. Alone:
//! `cargo run --release -p larder-ranking --example ranking -- --data FOLDER [--protocol NAME]`.

mod arguments;
mod cold;
mod cost;
mod cut;
mod data;
mod judge;
mod larder;
mod peers;
mod times;

use std::{error::Error, process::ExitCode, time::Duration};

use larder_ranking::{Filter, Ranker};
use serde_json::json;

use crate::{
    arguments::{Arguments, Protocol},
    cut::{Cut, Task},
    data::Purchases,
    judge::Question,
    peers::Peers,
};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ranking: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Outcome<()> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    let purchases = data::read(&arguments.data)?;
    println!(
        "\n{}, {}: {} purchases of {} products by {} customers",
        arguments.label,
        arguments.protocol.name(),
        purchases.lines.len(),
        purchases.products.len(),
        purchases.customers.len()
    );
    let (test, worlds) = cut::all(&purchases, &arguments)?;
    if arguments.train_only {
        return cost::train_and_tell(&purchases, &test, arguments.protocol);
    }
    if test.targets.is_empty() || test.known.is_empty() {
        return Err("the cut leaves nothing to learn from, or nobody to ask for".into());
    }
    if arguments.protocol == Protocol::Cold {
        return cold::measure(&arguments, &purchases, &test);
    }
    let peers = Peers::prepare(&arguments, &purchases, &test, &worlds)?;
    drop(worlds);
    if let Some(peers) = &peers {
        peers.make_lists()?;
    }
    rank(&arguments, &purchases, &test, peers.as_ref())?;
    if arguments.cost {
        cost::measure(&arguments, peers.as_ref())?;
    }
    Ok(())
}

fn rank(arguments: &Arguments, purchases: &Purchases, test: &Cut, peers: Option<&Peers<'_>>) -> Outcome<()> {
    let larder = larder::train(purchases, &test.known, test.trained_at_us, arguments.protocol)?;
    let mib = larder.snapshot_bytes as f64 / 1_048_576.0;
    println!("  Larder trained in {:.1} s, snapshot of {mib:.1} MiB", larder.seconds);
    let length = arguments.protocol.length();
    for &task in Task::all_of(arguments.protocol) {
        let filter = Filter::default();
        let ask = |ranker| larder::ask(&larder.serving, purchases, test, (task, length), (ranker, &filter));
        let ((own, times), (linear, linear_times)) = (ask(Ranker::Learned), ask(Ranker::Linear));
        let mut methods = vec![("larder".to_owned(), own), ("larder-linear".to_owned(), linear)];
        if let Some(peers) = peers {
            methods.extend(peers.lists(task, test.targets.len())?);
        }
        let question = Question {
            id: format!("{}.{}.{}", arguments.label, arguments.protocol.name(), named(task)),
            title: format!("{}, {}, {}", arguments.label, arguments.protocol.name(), explained(task)),
            cut: test,
            task,
            length,
            seed: arguments.seed,
            product_count: purchases.products.len(),
            targets: aims(arguments.protocol, task),
            judges_recall: arguments.protocol == Protocol::LastBasket,
        };
        judge::judge(&question, &methods);
        print_times(&question.id, "", times);
        print_times(&question.id, "-linear", linear_times);
    }
    Ok(())
}

fn named(task: Task) -> &'static str {
    match task {
        Task::Allow => "anything",
        Task::New => "new-products",
    }
}

fn explained(task: Task) -> &'static str {
    match task {
        Task::Allow => "products bought before allowed",
        Task::New => "only products new to the customer",
    }
}

/// What Larder sets itself: its nDCG over the peer's.
fn aims(protocol: Protocol, task: Task) -> &'static [(&'static str, &'static str)] {
    match (protocol, task) {
        (Protocol::NextMonth, Task::Allow) => &[("decayed-frequency", ">= 1.05"), ("tifu-knn", ">= 1.05")],
        (Protocol::LastBasket, Task::Allow) => &[("frequency", ">= 1.1"), ("tifu-knn", ">= 1.1")],
        _ => &[("als", "> 1"), ("item-knn", "> 1")],
    }
}

fn print_times(id: &str, kind: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!("  one call of larder{kind} took {:.0} µs (p50), {:.0} µs (p99)", at(0.5), at(0.99));
    judge::print(json!({"id": format!("{id}.call{kind}-p50"), "value": at(0.5), "unit": "µs"}));
}
