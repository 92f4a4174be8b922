//! Market days: daily sales thinned to one and to two days a week. A store is a vendor with its products; of
//! each judged day the vendor knows the last 6 to 60 market days, no more. Days on which the store sold
//! nothing were no market days.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use larder_demand::{DemandModel, ForecastQuery, PastDay, SeriesHistory, VendorHistory};
use serde_json::json;

use crate::{
    Outcome,
    arguments::Arguments,
    data::{self, StoreProduct},
    judge::{self, Answer, LEVELS, Question, Scores},
    peers::{Peers, Task},
};

const LENGTHS: [usize; 5] = [6, 10, 20, 40, 60];
const KINDS: [(&str, &[Weekday]); 2] =
    [("one-a-week", &[Weekday::Saturday]), ("two-a-week", &[Weekday::Wednesday, Weekday::Saturday])];
/// Judged days of each store and length, spread over the judged period.
const ORIGINS: usize = 8;

/// What one vendor knows on the eve of a judged day.
struct Eve {
    store: usize,
    date: Date,
    /// By product: the known days, and the judged one.
    products: Vec<(String, Vec<PastDay>, PastDay)>,
}

/// Measures both kinds of thinning at each length.
pub(crate) fn measure(arguments: &Arguments) -> Outcome<()> {
    let mut series = data::read(&arguments.data)?;
    if !arguments.knows_weather {
        data::without_weather(&mut series);
    }
    let mut all: Vec<(String, Vec<Question>, Methods)> = Vec::new();
    let mut tasks = Vec::new();
    for (kind, weekdays) in KINDS {
        for length in LENGTHS {
            let eves = eves(&series, weekdays, length, arguments);
            let (questions, methods) = answer(&eves);
            for (eve, product) in
                eves.iter().flat_map(|eve| eve.products.iter().map(move |product| (eve, product)))
            {
                tasks.push(Task {
                    season: weekdays.len(),
                    values: product.1.iter().map(|day| day.sold).collect(),
                    date: eve.date,
                });
            }
            all.push((format!("{kind}.{length:02}"), questions, methods));
        }
    }
    let peers = Peers::new(arguments)?;
    if let Some(peers) = peers {
        let mut answers = peers.market_days(&tasks)?;
        for (_, questions, methods) in &mut all {
            for (name, rows) in &mut answers {
                methods.push((name.clone(), rows.drain(..questions.len()).collect()));
            }
        }
    }
    tell(arguments, &all);
    Ok(())
}

fn eves(series: &[StoreProduct], weekdays: &[Weekday], length: usize, arguments: &Arguments) -> Vec<Eve> {
    let mut stores: BTreeMap<&str, Vec<&StoreProduct>> = BTreeMap::new();
    for one in series {
        stores.entry(&one.store).or_default().push(one);
    }
    let last = series.iter().filter_map(|one| one.days.last()).map(|day| day.date).max();
    let split_at =
        arguments.split_at.or_else(|| last.map(|last| last.saturating_sub(jiff::Span::new().days(121))));
    let mut found = Vec::new();
    for (store, products) in stores.into_values().enumerate() {
        let days = market_days(&products, weekdays);
        let judged = |at: &usize| {
            *at >= length
                && split_at.is_none_or(|split_at| days[*at].0 >= split_at)
                && arguments.until.is_none_or(|until| days[*at].0 <= until)
        };
        let judged: Vec<usize> = (0..days.len()).filter(judged).collect();
        let origins = judged.len().min(ORIGINS);
        for at in (0..origins).map(|origin| judged[(2 * origin + 1) * judged.len() / (2 * origins)]) {
            let of_product = |(place, product): (usize, &&StoreProduct)| {
                let known: Vec<PastDay> =
                    days[at - length..at].iter().filter_map(|(_, days)| days[place].cloned()).collect();
                let actual = days[at].1[place]?.clone();
                let sold: f64 = known.iter().map(|day| day.sold).sum();
                (sold > 0.0).then(|| (product.product.clone(), known, actual))
            };
            let products: Vec<_> = products.iter().enumerate().filter_map(of_product).collect();
            found.push(Eve { store, date: days[at].0, products });
        }
    }
    found
}

/// The days of those weekdays on which the store sold something, with each product's day.
fn market_days<'a>(
    products: &[&'a StoreProduct],
    weekdays: &[Weekday],
) -> Vec<(Date, Vec<Option<&'a PastDay>>)> {
    let mut days: BTreeMap<Date, Vec<Option<&PastDay>>> = BTreeMap::new();
    for (place, product) in products.iter().enumerate() {
        for day in product.days.iter().filter(|day| weekdays.contains(&day.date.weekday())) {
            days.entry(day.date).or_insert_with(|| vec![None; products.len()])[place] = Some(day);
        }
    }
    days.retain(|_, days| days.iter().flatten().any(|day| day.sold > 0.0));
    days.into_iter().collect()
}

type Methods = Vec<(String, Vec<Answer>)>;

fn answer(eves: &[Eve]) -> (Vec<Question>, Methods) {
    let mut questions = Vec::new();
    let mut methods: Methods = ["larder", "last-four", "last-four+15%", "order-statistic"]
        .map(|name| (name.to_owned(), Vec::new()))
        .into();
    for eve in eves {
        let series = eve.products.iter().map(|(product, days, _)| SeriesHistory {
            product: product.clone(),
            market: "market".to_owned(),
            category: None,
            days: days.clone(),
        });
        let history = VendorHistory { series: series.collect(), ..VendorHistory::default() };
        let model = DemandModel::learn(&history, 1);
        for (product, days, actual) in &eve.products {
            let query =
                ForecastQuery { product, market: "market", date: actual.date, outlook: &actual.outlook };
            let distribution = model.forecast(&query).distribution;
            let sold: Vec<f64> = days.iter().map(|day| day.sold).collect();
            let scale = sold.iter().sum::<f64>() / sold.len() as f64;
            questions.push(Question { cluster: eve.store, scale, actual: actual.sold });
            let four = &sold[sold.len().saturating_sub(4)..];
            let last_four = four.iter().sum::<f64>() / four.len() as f64;
            methods[0].1.push(LEVELS.map(|level| distribution.quantile(level)));
            // As much more as a vendor takes who is told how sure it has to be: .7 is +10 %, .9 is +20 %.
            methods[1].1.push(LEVELS.map(|level| last_four * (1.0 + (level - 0.5) / 2.0)));
            methods[2].1.push([last_four * 1.15; 9]);
            methods[3].1.push(order_statistic(&sold));
        }
    }
    (questions, methods)
}

fn order_statistic(sold: &[f64]) -> Answer {
    let mut sorted = sold.to_vec();
    sorted.sort_by(f64::total_cmp);
    LEVELS.map(|level| {
        let place = (level * (sorted.len() + 1) as f64).ceil() as usize;
        sorted[place.clamp(1, sorted.len()) - 1]
    })
}

fn tell(arguments: &Arguments, all: &[(String, Vec<Question>, Methods)]) {
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let mut own_scores = Vec::new();
    println!(
        "\n{}: market days, scaled pinball (WAPE, bias; coverage of P90 and P10 to P90; cost)",
        arguments.label
    );
    for (id, questions, methods) in all.iter().filter(|(_, questions, _)| !questions.is_empty()) {
        let scores: Vec<(&str, Scores)> =
            methods.iter().map(|(name, answers)| (name.as_str(), judge::score(questions, answers))).collect();
        println!("  {id}: {} forecasts", questions.len());
        for (name, score) in &scores {
            let sum = sums.entry(name).or_default();
            *sum = (sum.0 + score.pinball, sum.1 + score.cost);
            println!(
                "    {name:<16} {:.4} (WAPE {:.3}, bias {:+.3}; {:.3}, {:.3}; {:.4})",
                score.pinball, score.wape, score.bias, score.p90, score.middle_80, score.cost
            );
        }
        rows(arguments, id, &scores);
        own_scores.push((questions.len() as f64, scores[0].1.p90, scores[0].1.middle_80));
    }
    println!("  mean over lengths and kinds: pinball, cost");
    let count = own_scores.len() as f64;
    for (name, (pinball, cost)) in &sums {
        println!("    {name:<16} {:.4} {:.4}", pinball / count, cost / count);
    }
    let own = sums["larder"];
    for (name, sum) in sums.iter().filter(|(name, _)| **name != "larder") {
        let better = if name.starts_with("auto") { "<= 0.95" } else { "< 1" };
        let id = format!("{}.market-days.pinball-by-{name}", arguments.label);
        judge::print(json!({"id": id, "value": own.0 / sum.0, "unit": "of the peer's", "target": better}));
        let id = format!("{}.market-days.cost-by-{name}", arguments.label);
        judge::print(json!({"id": id, "value": own.1 / sum.1, "unit": "of the peer's", "target": "< 1"}));
    }
    let total: f64 = own_scores.iter().map(|scores| scores.0).sum();
    let p90 = own_scores.iter().map(|scores| scores.0 * scores.1).sum::<f64>() / total;
    let middle = own_scores.iter().map(|scores| scores.0 * scores.2).sum::<f64>() / total;
    judge::print_range(&format!("{}.market-days.coverage-p90", arguments.label), p90, (0.88, 0.92));
    judge::print_range(&format!("{}.market-days.coverage-p10-p90", arguments.label), middle, (0.78, 0.82));
}

/// Larder's pinball at one length, beside each peer's.
fn rows(arguments: &Arguments, id: &str, scores: &[(&str, Scores)]) {
    let own = &scores[0].1;
    for (name, peer) in &scores[1..] {
        let found = judge::beside(&own.pinball_of, &peer.pinball_of, arguments.seed);
        let ratio = found.ratio_interval.map(|interval| [interval.lower, interval.upper]);
        judge::print(json!({
            "id": format!("{}.{id}.pinball-by-{name}", arguments.label),
            "value": found.ratio().unwrap_or(f64::NAN),
            "unit": "of the peer's",
            "interval": ratio,
            "target": "< 1",
        }));
    }
    judge::print(json!({
        "id": format!("{}.{id}.pinball", arguments.label),
        "value": own.pinball,
        "unit": "of the mean",
        "interval": judge::interval(&own.pinball_of, arguments.seed),
    }));
}
