//! Seconds: 500 daily series of five years each, learnt from and forecast 28 days ahead, all of them; and
//! a plan for 100 products with three years of market days.

use std::time::Duration;

use jiff::{ToSpan, civil::Date};
use larder_demand::{DayOutlook, DemandModel, ForecastQuery, SeriesHistory, VendorHistory};
use serde_json::json;

use crate::{Outcome, arguments::Arguments, data, judge, peers::Peers};

const HORIZON_DAYS: i32 = 28;

/// Measures both.
pub(crate) fn measure(arguments: &Arguments) -> Outcome<()> {
    let all = data::read(&arguments.data)?;
    let days: usize = all.iter().map(|one| one.days.len()).sum();
    println!("\n{}: {} series, {days} days", arguments.label, all.len());
    let history = VendorHistory {
        series: all
            .iter()
            .map(|one| SeriesHistory {
                product: one.product.clone(),
                market: one.store.clone(),
                category: None,
                days: one.days.clone(),
            })
            .collect(),
        ..VendorHistory::default()
    };
    let last = all.iter().filter_map(|one| one.days.last()).map(|day| day.date).max().ok_or("no days")?;
    let mut seconds = Vec::new();
    for _ in 0..3 {
        seconds.push(timed(|| learn_and_ask(&history, last)).0.as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    println!("  larder: learnt and forecast {HORIZON_DAYS} days ahead in {:.2} s", seconds[1]);
    let mut row = json!({"id": format!("{}.speed", arguments.label), "value": seconds[1], "unit": "s", "target": "< 2"});
    if let Some(peers) = Peers::new(arguments)? {
        let peer = peers.speed(&all)?;
        println!("  AutoETS: {peer:.1} s");
        row["peer"] = json!("autoets");
        row["peer_value"] = json!(peer);
    }
    judge::print(row);
    plan(&all)
}

fn learn_and_ask(history: &VendorHistory, last: Date) -> f64 {
    let model = DemandModel::learn(history, 14);
    let outlook = DayOutlook::default();
    let mut total = 0.0;
    for (product, market) in model.series() {
        for ahead in 1..=HORIZON_DAYS {
            let query = ForecastQuery { product, market, date: last + ahead.days(), outlook: &outlook };
            total += model.forecast(&query).distribution.quantile(0.5);
        }
    }
    total
}

/// A hundred products, three years of one market day a week.
fn plan(all: &[data::StoreProduct]) -> Outcome<()> {
    let series: Vec<SeriesHistory> = (0..100)
        .map(|number| {
            let one = &all[number % all.len()];
            let from = one.days.len().saturating_sub(7 * 156);
            SeriesHistory {
                product: number.to_string(),
                market: "market".to_owned(),
                category: None,
                days: one.days[from..].iter().step_by(7).cloned().collect(),
            }
        })
        .collect();
    let day = series.iter().filter_map(|one| one.days.last()).map(|day| day.date).max().ok_or("no days")?;
    let history = VendorHistory { series, ..VendorHistory::default() };
    let mut learning = Vec::new();
    let mut asking = Vec::new();
    for _ in 0..21 {
        let (took, model) = timed(|| DemandModel::learn(&history, 1));
        learning.push(took.as_secs_f64() * 1e3);
        let outlook = DayOutlook::default();
        let ask = || {
            let demand = |(product, market)| {
                let query = ForecastQuery { product, market, date: day + 7.days(), outlook: &outlook };
                model.forecast(&query).distribution.quantile(0.7)
            };
            model.series().map(demand).sum::<f64>()
        };
        asking.push(timed(ask).0.as_secs_f64() * 1e3);
    }
    for (name, target, times) in [
        ("plan-100-products.learn", None, &mut learning),
        ("plan-100-products.forecast", Some("< 20"), &mut asking),
    ] {
        times.sort_by(f64::total_cmp);
        println!("  {name}: {:.1} ms at the median, {:.1} ms at most", times[10], times[20]);
        judge::print(json!({"id": name, "value": times[20], "unit": "ms", "target": target}));
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock, here alone")]
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = std::time::Instant::now();
    let result = work();
    (start.elapsed(), result)
}
