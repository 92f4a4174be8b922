//! A proof by simulation: a year of Saturdays at many markets whose demand is known to the simulation
//! alone. One vendor follows the plan, made each week from nothing but what that vendor has seen; one
//! follows the rule of thumb. Both start from the same eight days, and each sees only what they sold.

use super::super::{
    FeedbackRecord, GivenForecast, Grouping, LastDaysRule, StatisticsSettings, judge, statistics,
};
use super::{Dice, saturday};
use crate::accuracy::UnitCosts;
use crate::quantity::{Currency, PlannedProduct, QuantityRequest, Terms, Van, plan_quantities};
use crate::{DayOutlook, DemandModel, Distribution, ForecastQuery, PastDay, SeriesHistory, VendorHistory};

const WARM_UP: i64 = 8;
const WEEKS: i64 = 52;
/// Seeds of the markets.
const MARKETS: std::ops::Range<u64> = 1_000..1_400;
/// The plan looks back over a year,
const LOOK_BACK: usize = 52;
/// and gives the newest day this weight in its level.
const SMOOTHING: f64 = 0.25;

/// One product at one market, and its year.
struct Market {
    terms: Terms,
    demand: Vec<f64>,
    /// Whether anybody looks when the last one goes.
    times_known: bool,
    dice: Dice,
}

impl Market {
    fn of(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let level = 10.0 + 70.0 * dice.share();
        let (season, peak) = (0.35 * dice.share(), 52.0 * dice.share());
        let (spread, growth) = (0.1 + 0.3 * dice.share(), 0.4 * (dice.share() - 0.5));
        let price = 300.0 + 500.0 * dice.share();
        let cost = price * (0.2 + 0.45 * dice.share());
        let salvage = cost * 0.5 * dice.share();
        let demand = (0..WARM_UP + WEEKS)
            .map(|week| {
                let year = week as f64 / 52.0;
                let usual =
                    level * (1.0 + season * (std::f64::consts::TAU * (week as f64 - peak) / 52.0).cos());
                let day = (spread * dice.normal() - 0.5 * spread * spread).exp();
                dice.poisson(usual * (1.0 + growth * year) * day)
            })
            .collect();
        let cents = |amount: f64| amount.round() as i64 * super::CENT;
        let euro = Currency::parse("currency", "EUR").expect("three letters");
        let terms = Terms { salvage_micros: cents(salvage), ..Terms::new(euro, cents(price), cents(cost)) };
        Self { terms, demand, times_known: dice.share() < 0.5, dice }
    }

    /// What is written down of a week on which so much was brought.
    fn record(&mut self, week: i64, brought: f64) -> FeedbackRecord {
        let demand = self.demand[week as usize];
        let sold = demand.min(brought);
        // Buyers come evenly, so of those who come a share of `brought / demand` has come by then.
        let ran_out = sold >= brought && sold > 0.0;
        let at = (brought / demand.max(1.0) + 0.03 * self.dice.normal()).clamp(0.01, 1.0);
        FeedbackRecord {
            brought: Some(brought),
            sold: Some(sold),
            terms: Some(self.terms),
            sold_out_at: (self.times_known && ran_out).then_some(at),
            ..FeedbackRecord::new("loaf", "square", saturday(week))
        }
    }

    fn cost(&self, week: i64, brought: f64) -> f64 {
        let UnitCosts { missing, left_over } = self.terms.unit_costs();
        UnitCosts { missing, left_over }.newsvendor_cost(brought, self.demand[week as usize])
    }
}

/// What the days to come may be by the days that were: a smoothed level, and how far, as a share, the
/// days lay from the level before them, as order statistics: the i-th of n lies at i / (n + 1), and
/// beyond the outermost it goes on by half a standard deviation for each place.
fn learn(past: &[f64]) -> Distribution {
    let start = &past[..past.len().min(4)];
    let mut level = start.iter().sum::<f64>() / start.len() as f64;
    let mut shares: Vec<f64> = Vec::with_capacity(past.len());
    for day in past {
        shares.push(day / level.max(1.0));
        level += SMOOTHING * (day - level);
    }
    let mut shares = shares.split_off(shares.len().saturating_sub(LOOK_BACK));
    shares.sort_by(f64::total_cmp);
    let count = shares.len();
    let mean = shares.iter().sum::<f64>() / count as f64;
    let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / (count - 1) as f64;
    let tail = 0.5 * variance.sqrt();
    Distribution::from_fn(|quantile| {
        let place = quantile * (count + 1) as f64 - 1.0;
        let below = (place.floor().max(0.0) as usize).min(count - 2);
        let inner =
            shares[below] + (place - below as f64).clamp(0.0, 1.0) * (shares[below + 1] - shares[below]);
        level * (inner + tail * (place - (count - 1) as f64).max(0.0) + tail * place.min(0.0))
    })
    .expect("finite")
}

/// Forecasts the next day from a vendor's records.
type Forecaster = fn(&[FeedbackRecord]) -> Distribution;

/// By the records as they are judged, so that a plan learns from its own sell-outs.
fn simply(records: &[FeedbackRecord]) -> Distribution {
    let judged = judge(records, &LastDaysRule::default());
    let seen: Vec<f64> = judged.iter().filter_map(|one| one.demand).map(|demand| demand.estimate).collect();
    learn(&seen)
}

/// By the model that vendors are answered by.
fn by_the_model(records: &[FeedbackRecord]) -> Distribution {
    let days = records.iter().map(|record| PastDay {
        date: record.date,
        sold: record.sold.unwrap_or(0.0),
        brought: record.brought,
        sold_out_at: record.sold_out_at,
        outlook: DayOutlook::default(),
    });
    let series = SeriesHistory {
        product: "loaf".to_owned(),
        market: "square".to_owned(),
        category: None,
        days: days.collect(),
    };
    let history = VendorHistory { series: vec![series], ..VendorHistory::default() };
    let outlook = DayOutlook::default();
    let query = ForecastQuery {
        product: "loaf",
        market: "square",
        date: saturday(records.len() as i64),
        outlook: &outlook,
    };
    DemandModel::learn(&history, 7).forecast(&query).distribution
}

/// What the plan brings, and the forecast it goes by.
fn plan(demand: Distribution, terms: Terms) -> (f64, Distribution) {
    let request = QuantityRequest {
        currency: terms.currency,
        products: vec![PlannedProduct::new("loaf", demand.clone(), terms)],
        van: Van::default(),
        budget_micros: None,
        days_until_next: Some(7),
    };
    (plan_quantities(&request).expect("sound").products[0].quantity, demand)
}

/// The first eight days, on which the vendor brings what seems a lot.
fn warm_up(market: &mut Market) -> Vec<FeedbackRecord> {
    let usual = market.demand[..WARM_UP as usize].iter().sum::<f64>() / WARM_UP as f64;
    (0..WARM_UP).map(|week| market.record(week, (1.2 * usual).round())).collect()
}

/// A year by the plan, its records, and what it cost.
fn year_by_plan(seed: u64, forecaster: Forecaster) -> (Vec<FeedbackRecord>, f64) {
    let mut market = Market::of(seed);
    let mut records = warm_up(&mut market);
    let mut cost = 0.0;
    for week in WARM_UP..WARM_UP + WEEKS {
        let (quantity, demand) = plan(forecaster(&records), market.terms);
        let record = market.record(week, quantity);
        let forecast = Some(GivenForecast { demand, model_version: "v1".to_owned() });
        records.push(FeedbackRecord { recommended: Some(quantity), forecast, ..record });
        cost += market.cost(week, quantity);
    }
    (records, cost)
}

/// What a year by the rule of thumb cost.
fn year_by_rule(seed: u64, rule: &LastDaysRule) -> f64 {
    let mut market = Market::of(seed);
    let mut sold: Vec<f64> = warm_up(&mut market).iter().filter_map(|record| record.sold).collect();
    let mut cost = 0.0;
    for week in WARM_UP..WARM_UP + WEEKS {
        let quantity = rule.quantity(&sold, true).expect("days before");
        sold.extend(market.record(week, quantity).sold);
        cost += market.cost(week, quantity);
    }
    cost
}

/// The mean, and half of the width of its 95 % interval.
fn mean_and_margin(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64;
    (mean, 1.96 * (variance / values.len() as f64).sqrt())
}

#[test]
fn a_year_by_the_plan_costs_less_than_by_the_rule_of_thumb_whatever_is_added_to_it() {
    let by_plan: Vec<f64> = MARKETS.map(|seed| year_by_plan(seed, simply).1).collect();
    // What is added to the rule, and the share of its cost that is saved, as docs/market-days.md tells it.
    for (uplift, told) in [(0.0, 0.45), (0.1, 0.13), (0.15, 0.065), (0.2, 0.05), (0.3, 0.105)] {
        let rule = LastDaysRule { days: 4, uplift };
        let saved: Vec<f64> =
            by_plan.iter().zip(MARKETS).map(|(plan, seed)| 1.0 - plan / year_by_rule(seed, &rule)).collect();
        let (mean, margin) = mean_and_margin(&saved);
        let cheaper = saved.iter().filter(|saved| **saved > 0.0).count();
        assert!((mean - told).abs() < 0.01, "last four + {uplift}: {mean} is not what is told");
        assert!(mean - margin > 0.0, "last four + {uplift}: {mean} +- {margin}");
        assert!(cheaper * 10 > saved.len() * 6, "last four + {uplift}: {cheaper} of {}", saved.len());
    }
}

#[test]
fn a_year_by_the_model_costs_less_than_by_the_rule_of_thumb_whatever_is_added_to_it() {
    let seeds = MARKETS.start..MARKETS.start + 150;
    let by_model: Vec<f64> = seeds.clone().map(|seed| year_by_plan(seed, by_the_model).1).collect();
    for uplift in [0.0, 0.1, 0.15, 0.2, 0.3] {
        let rule = LastDaysRule { days: 4, uplift };
        let saved: Vec<f64> = by_model
            .iter()
            .zip(seeds.clone())
            .map(|(plan, seed)| 1.0 - plan / year_by_rule(seed, &rule))
            .collect();
        let (mean, margin) = mean_and_margin(&saved);
        assert!(mean - margin > 0.0, "last four + {uplift}: {mean} +- {margin}");
    }
}

#[test]
fn the_saving_that_is_reported_is_near_the_true_one_and_the_truth_within_its_ends() {
    let rule = LastDaysRule::default();
    // Of markets where the times of sell-outs are known, and of others: reported, true, cost of the rule.
    let mut sums = [[0.0; 3]; 2];
    for seed in MARKETS {
        let (records, _) = year_by_plan(seed, simply);
        let market = Market::of(seed);
        let judged = judge(&records, &rule);
        let of = &mut sums[usize::from(!market.times_known)];
        let mut truth = 0.0;
        for (week, one) in (0..).zip(&judged) {
            if let (Some(by_plan), Some(by_rule)) = (one.recommended, one.last_days_rule) {
                truth += market.cost(week, by_rule) - market.cost(week, by_plan);
                of[2] += market.cost(week, by_rule);
            }
        }
        let all = statistics(&judged, Grouping::default(), &StatisticsSettings::default()).remove(0);
        let saving = all.money[0].1.saved_over_last_days_rule;
        assert_eq!(saving.days, WEEKS as usize);
        let micros = truth * 1e6;
        assert!(
            micros > saving.at_least_micros as f64 - 100.0 && micros < saving.at_most_micros as f64 + 100.0
        );
        of[0] += saving.estimate_micros as f64 / 1e6;
        of[1] += truth;
    }
    for ([reported, truth, cost_of_rule], within) in sums.into_iter().zip([0.002, 0.012]) {
        let off = (reported - truth) / cost_of_rule;
        assert!(off.abs() < within, "reported {reported}, true {truth}, of a cost of {cost_of_rule}");
    }
}
