//! Every day, seven days ahead: each judged day is forecast from what was known a week before, for all
//! stores and products at once, with the model learnt anew each day. Days without demand count like others.

use jiff::{ToSpan, civil::Date};
use larder_demand::{DemandModel, ForecastQuery, SeriesHistory, VendorHistory};
use serde_json::json;

use crate::{
    Outcome,
    arguments::Arguments,
    data::{self, StoreProduct},
    judge::{self, Answer, LEVELS, Question},
    peers::Peers,
};

const LEAD_DAYS: u32 = 7;
/// Same weekdays the simplest rule takes the mean of.
const SAME_WEEKDAYS: i32 = 4;

/// Measures the judged period.
pub(crate) fn measure(arguments: &Arguments) -> Outcome<()> {
    let mut series = data::read(&arguments.data)?;
    if !arguments.knows_weather {
        data::without_weather(&mut series);
    }
    let last = series.iter().filter_map(|one| one.days.last()).map(|day| day.date).max().ok_or("no days")?;
    let split_at = arguments.split_at.unwrap_or(last - 121.days());
    let until = arguments.until.unwrap_or(last).min(last);
    let stores: Vec<&str> = {
        let mut stores: Vec<&str> = series.iter().map(|one| one.store.as_str()).collect();
        stores.dedup();
        stores
    };
    let mut questions = Vec::new();
    let mut own: Vec<Answer> = Vec::new();
    let mut rule: Vec<Answer> = Vec::new();
    let mut keys = Vec::new();
    let mut date = split_at;
    while date <= until {
        let model = DemandModel::learn(&known(&series, date - i64::from(LEAD_DAYS).days()), LEAD_DAYS);
        for (number, one) in series.iter().enumerate() {
            let Ok(at) = one.days.binary_search_by_key(&date, |day| day.date) else { continue };
            let day = &one.days[at];
            let query =
                ForecastQuery { product: &one.product, market: &one.store, date, outlook: &day.outlook };
            let distribution = model.forecast(&query).distribution;
            own.push(LEVELS.map(|level| distribution.quantile(level)));
            rule.push([same_weekdays(one, date); 9]);
            let cluster = stores.iter().position(|store| *store == one.store).unwrap_or(0);
            questions.push(Question { cluster, scale: mean_before(one, split_at), actual: day.sold });
            keys.push((number, date));
        }
        date = date.tomorrow()?;
    }
    let mut methods = vec![("larder".to_owned(), own), ("same-weekday".to_owned(), rule)];
    if let Some(peers) = Peers::new(arguments)? {
        methods.extend(peers.daily(&series, &keys, split_at)?);
    }
    tell(arguments, &questions, &methods);
    Ok(())
}

fn known(series: &[StoreProduct], until: Date) -> VendorHistory {
    let series = series.iter().map(|one| SeriesHistory {
        product: one.product.clone(),
        market: one.store.clone(),
        category: None,
        days: one.days[..one.days.partition_point(|day| day.date <= until)].to_vec(),
    });
    VendorHistory { series: series.collect(), ..VendorHistory::default() }
}

fn same_weekdays(one: &StoreProduct, date: Date) -> f64 {
    let at = |weeks: i32| {
        let day = date - (7 * weeks).days();
        one.days.binary_search_by_key(&day, |day| day.date).ok().map(|at| one.days[at].sold)
    };
    let known: Vec<f64> = (1..=SAME_WEEKDAYS).filter_map(at).collect();
    known.iter().sum::<f64>() / known.len().max(1) as f64
}

fn mean_before(one: &StoreProduct, split_at: Date) -> f64 {
    let days = &one.days[..one.days.partition_point(|day| day.date < split_at)];
    (days.iter().map(|day| day.sold).sum::<f64>() / days.len().max(1) as f64).max(1.0)
}

fn tell(arguments: &Arguments, questions: &[Question], methods: &[(String, Vec<Answer>)]) {
    println!("\n{}: every day, {LEAD_DAYS} days ahead, {} forecasts", arguments.label, questions.len());
    println!("  WAPE, pinball(.8) by demand, bias, coverage of P90 and P10 to P90, cost");
    let scores: Vec<(&str, judge::Scores)> =
        methods.iter().map(|(name, answers)| (name.as_str(), judge::score(questions, answers))).collect();
    for (name, score) in &scores {
        println!(
            "  {name:<22} {:.4} {:.4} {:+.3} {:.3} {:.3} {:.4}",
            score.wape, score.pinball_at_80, score.bias, score.p90, score.middle_80, score.cost
        );
    }
    let own = &scores[0].1;
    let id = |figure: &str| format!("{}.daily.{figure}", arguments.label);
    let is_bakery = arguments.label.contains("bakery");
    let mut rows = vec![
        json!({"id": id("wape"), "value": own.wape, "unit": "of demand"}),
        json!({"id": id("pinball-80"), "value": own.pinball_at_80, "unit": "of demand"}),
    ];
    for (row, target) in rows.iter_mut().zip(["<= 0.2", "<= 0.08"]).filter(|_| is_bakery) {
        row["target"] = json!(target);
    }
    rows.into_iter().for_each(judge::print);
    judge::print_range(&id("coverage-p90"), own.p90, (0.88, 0.92));
    judge::print_range(&id("coverage-p10-p90"), own.middle_80, (0.78, 0.82));
    for (name, peer) in &scores[1..] {
        let found = judge::beside(&own.cost_of, &peer.cost_of, arguments.seed);
        judge::print(json!({
            "id": id(&format!("cost-by-{name}")),
            "value": own.cost / peer.cost,
            "unit": "of the peer's",
            "interval": found.ratio_interval.map(|interval| [interval.lower, interval.upper]),
            "target": "< 1",
        }));
        judge::print(json!({
            "id": id(&format!("wape-of-{name}")), "value": peer.wape, "unit": "of demand",
        }));
        judge::print(json!({
            "id": id(&format!("pinball-80-of-{name}")), "value": peer.pinball_at_80, "unit": "of demand",
        }));
    }
}
