//! Judges the lists of all methods with the same code, and prints a table for people and a row for
//! each figure.

use std::collections::HashSet;

use larder_ranking::evaluation::{Evaluation, Interval, Metric, compare, coverage, novelty_bits, score_list};
use serde_json::{Value, json};

use crate::{
    cut::{Cut, Task},
    larder::Lists,
};

/// Names and lists; Larder's own are the first.
pub(crate) type Methods = Vec<(String, Lists)>;

/// What the lists are judged on.
pub(crate) struct Question<'a> {
    /// The rows' names begin with it.
    pub(crate) id: String,
    /// For people.
    pub(crate) title: String,
    pub(crate) cut: &'a Cut,
    pub(crate) task: Task,
    pub(crate) length: usize,
    pub(crate) seed: u64,
    /// How many products there are to choose from.
    pub(crate) product_count: usize,
    /// Names of peers and the least ratio of Larder's nDCG, or of its recall and nDCG, to theirs
    /// that is aimed at.
    pub(crate) targets: &'a [(&'a str, &'a str)],
    pub(crate) judges_recall: bool,
}

struct Judged<'a> {
    name: &'a str,
    evaluation: Evaluation,
    coverage: f64,
    novelty_bits: f64,
}

/// Prints how good the lists are, and every method beside Larder.
pub(crate) fn judge(question: &Question<'_>, methods: &Methods) {
    let judged: Vec<Judged<'_>> = methods.iter().map(|method| of(question, method)).collect();
    let Some((larder, peers)) = judged.split_first() else { return };
    print_table(question, &judged);
    for metric in Metric::ALL {
        let id = format!("{}.{}@{}", question.id, metric.name(), question.length);
        print_estimate(&id, larder, metric, question.seed);
        if matches!(metric, Metric::Recall | Metric::Ndcg) {
            for peer in peers {
                print_estimate(&format!("{id}.{}", peer.name), peer, metric, question.seed);
                print_ratio(&id, question, (larder, peer), metric);
            }
        }
    }
    let row = |name: &str, value: f64, unit: &str| {
        print(
            json!({"id": format!("{}.{name}@{}", question.id, question.length), "value": value, "unit": unit}),
        );
    };
    row("coverage", larder.coverage, "of products");
    row("novelty", larder.novelty_bits, "bits");
}

fn print_estimate(id: &str, judged: &Judged<'_>, metric: Metric, seed: u64) {
    let found = judged.evaluation.estimate(metric, seed);
    if found.customers > 0 {
        print(
            json!({"id": id, "value": found.mean, "unit": metric.name(), "interval": pair(found.interval)}),
        );
    }
}

/// Larder's mean over the peer's, with the interval of the pairs; nothing when the peer has no hits.
fn print_ratio(
    id: &str,
    question: &Question<'_>,
    (larder, peer): (&Judged<'_>, &Judged<'_>),
    metric: Metric,
) {
    let (a, b) = (larder.evaluation.values(metric), peer.evaluation.values(metric));
    let compared = compare(&a, &b, question.seed);
    let aimed = question.targets.iter().find(|(name, _)| *name == peer.name);
    let target = aimed.filter(|_| metric == Metric::Ndcg || question.judges_recall).map(|(_, target)| target);
    if let Some(ratio) = compared.ratio() {
        print(json!({
            "id": format!("{id}.over-{}", peer.name),
            "value": ratio,
            "unit": "times",
            "target": target,
            "interval": compared.ratio_interval.map(pair),
        }));
    }
}

fn of<'a>(question: &Question<'_>, (name, lists): &'a (String, Lists)) -> Judged<'a> {
    let targets = &question.cut.targets;
    let evaluation = targets
        .iter()
        .zip(lists)
        .map(|(target, list)| {
            score_list(list, &target.wanted_by(question.task), &target.bought_before, question.length)
        })
        .collect();
    let pairs: HashSet<(u32, u32)> =
        question.cut.known.iter().map(|line| (line.customer, line.product)).collect();
    let mut buyers =
        vec![0; question.cut.known.iter().map(|line| line.product as usize + 1).max().unwrap_or(0)];
    pairs.iter().for_each(|(_, product)| buyers[*product as usize] += 1);
    let customers: HashSet<u32> = pairs.iter().map(|(customer, _)| *customer).collect();
    let shown = || lists.iter().map(Vec::as_slice);
    Judged {
        name,
        evaluation,
        coverage: coverage(shown(), question.product_count),
        novelty_bits: novelty_bits(
            shown(),
            |product| buyers.get(*product as usize).copied().unwrap_or(0),
            customers.len(),
        ),
    }
}

fn print_table(question: &Question<'_>, judged: &[Judged<'_>]) {
    let larder = &judged[0];
    println!("\n{} ({} customers)", question.title, larder.evaluation.customers().len());
    println!(
        "  {:<18} {:>21} {:>21}  {:>24}  {:>6} {:>6} {:>6} {:>7} {:>8} {:>7}",
        "method",
        format!("recall@{}", question.length),
        format!("nDCG@{}", question.length),
        "Larder / method (nDCG)",
        "prec.",
        "hit",
        "repeat",
        "explore",
        "coverage",
        "novelty"
    );
    for method in judged {
        let mean = |metric| method.evaluation.estimate(metric, question.seed).mean;
        let with_interval = |metric| {
            let found = method.evaluation.estimate(metric, question.seed);
            format!("{} ({}–{})", short(found.mean), short(found.interval.lower), short(found.interval.upper))
        };
        println!(
            "  {:<18} {:>21} {:>21}  {:>24}  {:>6} {:>6} {:>6} {:>7} {:>8} {:>7.2}",
            method.name,
            with_interval(Metric::Recall),
            with_interval(Metric::Ndcg),
            ratio(larder, method, question.seed),
            short(mean(Metric::Precision)),
            short(mean(Metric::HitRate)),
            short(mean(Metric::RepeatRecall)),
            short(mean(Metric::ExploreRecall)),
            short(method.coverage),
            method.novelty_bits
        );
    }
}

fn ratio(larder: &Judged<'_>, method: &Judged<'_>, seed: u64) -> String {
    if std::ptr::eq(larder, method) {
        return String::new();
    }
    let values = |judged: &Judged<'_>| judged.evaluation.values(Metric::Ndcg);
    let compared = compare(&values(larder), &values(method), seed);
    match (compared.ratio(), compared.ratio_interval) {
        (Some(ratio), Some(interval)) => {
            format!("{ratio:.3} ({:.3}–{:.3})", interval.lower, interval.upper)
        }
        _ => "no hits".to_owned(),
    }
}

/// `.163`, as papers write it; a dash for a metric nobody has.
fn short(value: f64) -> String {
    match value {
        value if value.is_nan() => "–".to_owned(),
        value if value < 1.0 => format!("{value:.4}").trim_start_matches('0').to_owned(),
        value => format!("{value:.3}"),
    }
}

/// A row for programs.
pub(crate) fn print(row: Value) {
    println!("{row}");
}

fn pair(interval: Interval) -> Value {
    json!([interval.lower, interval.upper])
}
