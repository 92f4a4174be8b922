//! Made-up market days whose demand is known: what was brought often runs out. How far are the demand the
//! correction finds, and the forecasts that follow from it, from the truth?

use jiff::{ToSpan, civil::date};
use larder_demand::{
    DayOutlook, DemandModel, ForecastQuery, PastDay, SalesCurve, SalesOfADay, SeriesHistory, VendorHistory,
};
use serde_json::json;

use crate::{Outcome, judge};

const PRODUCTS: usize = 40;
const DAYS: i32 = 60;

/// What is written down of a day that sold out.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    /// Only what was sold: the naive reading.
    Sales,
    /// That all that was brought was sold.
    Brought,
    /// When the last unit went.
    Time,
}

/// Chance that is the same every time (SplitMix64: Steele, Lea and Flood, 2014).
struct Chance(u64);

impl Chance {
    fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.even().max(1e-300).ln()).sqrt() * (std::f64::consts::TAU * self.even()).cos()
    }

    /// When somebody comes: most in the first half of the morning.
    fn arrival(&mut self) -> f64 {
        let (a, b) = (self.even(), self.even());
        0.6 * a.min(b) + 0.4 * self.even()
    }
}

/// Measures the bias of the naive mean, and of forecasts by what is known.
pub(crate) fn measure() -> Outcome<()> {
    println!("\nsell-outs: {PRODUCTS} made-up products, {DAYS} market days, demand known");
    for (known, name) in
        [(Known::Sales, "naive"), (Known::Brought, "brought-is-sold"), (Known::Time, "time-of-last-sale")]
    {
        let (bias, corrected) = bias(known)?;
        println!("  {name:<20} mean of past days {corrected:+.3}, forecast {bias:+.3}");
        let rows = [("demand", corrected), ("forecast", bias)];
        for (what, value) in rows {
            let id = format!("sell-outs.{name}.{what}-bias");
            if known == Known::Sales {
                judge::print(json!({"id": id, "value": value, "unit": "of demand", "target": "<= -0.1"}));
            } else {
                judge::print(
                    json!({"id": format!("{id}.size"), "value": value.abs(), "unit": "of demand", "target": "<= 0.02"}),
                );
                judge::print(json!({"id": id, "value": value, "unit": "of demand"}));
            }
        }
    }
    Ok(())
}

/// The bias of the mean forecast against the mean demand, and that of the corrected past days.
fn bias(known: Known) -> Outcome<(f64, f64)> {
    let mut chance = Chance(11);
    let mut history = VendorHistory::default();
    let (mut truth, mut past, mut sold_in_all) = (Vec::new(), 0.0, Vec::new());
    let mut spreads = Vec::new();
    for product in 0..PRODUCTS {
        let level = 15.0 + 85.0 * chance.even();
        let mut days = Vec::new();
        let mut sold_of_product = 0.0;
        for week in 0..DAYS {
            let demand = (level * (0.28 * chance.normal() - 0.0392).exp()).round().max(1.0);
            let brought = (level * (0.8 + 0.3 * chance.even())).round().max(1.0);
            let mut arrivals: Vec<f64> = (0..demand as usize).map(|_| chance.arrival()).collect();
            arrivals.sort_by(f64::total_cmp);
            past += demand;
            let sold = demand.min(brought);
            let ran_out = demand >= brought;
            sold_of_product += sold;
            let last = arrivals[sold as usize - 1];
            spreads.push(SalesOfADay {
                sales: arrivals[..sold as usize].iter().map(|&at| (at, 1.0)).collect(),
                sold_out: ran_out,
            });
            days.push(PastDay {
                date: date(2025, 1, 4).checked_add((7 * week).days())?,
                sold,
                brought: (known != Known::Sales).then_some(brought),
                sold_out_at: (ran_out && known == Known::Time).then_some(last),
                outlook: DayOutlook::default(),
            });
        }
        truth.push(level);
        sold_in_all.push(sold_of_product);
        let (product, market) = (product.to_string(), "market".to_owned());
        history.series.push(SeriesHistory { product, market, category: None, days });
    }
    if known == Known::Time {
        history.sales_curve = Some(SalesCurve::learn(&spreads));
    }
    let model = DemandModel::learn(&history, 1);
    let day = date(2025, 1, 4).checked_add((7 * DAYS).days())?;
    let (mut forecast, mut corrected) = (0.0, 0.0);
    for (product, sold) in sold_in_all.iter().enumerate() {
        let (product, outlook) = (product.to_string(), DayOutlook::default());
        let answer = model.forecast(&ForecastQuery {
            product: &product,
            market: "market",
            date: day,
            outlook: &outlook,
        });
        forecast += answer.distribution.mean();
        corrected += sold * (1.0 + answer.sold_out_uplift);
    }
    Ok((forecast / truth.iter().sum::<f64>() - 1.0, corrected / past - 1.0))
}
