//! The model of one vendor: learnt from its whole history, asked for days to come. It answers every
//! question: with the mixture of experts where there are days, with what others sell where there are few,
//! with a stated prior where there are none; and says which of them spoke.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::learner::{LEAST_LEVEL, Learner};
use super::numbered::{Numbered, fingerprint};
use super::observations::{self, Series};
use super::prospect::{FAMILIES, Prospect};
use super::{Forecast, ForecastQuery, HeuristicReason, Method, SeriesHistory, VendorHistory};
use crate::boosted::Opinion;
use crate::day_effects::features::NAMES;
use crate::normal;
use crate::pooling::{KnownLevel, Pool, PooledLevel};
use crate::prior::Prior;
use crate::{Distribution, Factor, FactorKind};

/// With fewer days of its own, a product is judged by others.
const FEW_DAYS: u32 = 3;
/// Own days beyond which others do not matter for the level.
const MANY_DAYS: u32 = 40;

/// What is known of one series beside what the learner knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    product: String,
    market: String,
    past_days: usize,
    uplift: f64,
    sold_out_days: usize,
    /// What was learnt from.
    learnt: u64,
}

/// A vendor's demand, ready to be asked. Learning is deterministic; the model can be stored by serde.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DemandModel {
    learner: Learner,
    pool: Pool,
    /// In the order of the history.
    records: Vec<Record>,
    /// Series of the history by product and market.
    numbers: BTreeMap<String, BTreeMap<String, usize>>,
    products: BTreeMap<String, usize>,
    markets: BTreeMap<String, usize>,
    expected_visitors: BTreeMap<String, f64>,
}

impl DemandModel {
    /// Learns from everything a vendor knows, for forecasts `lead_days` ahead (1: for tomorrow): effects
    /// and experts are judged by how well they would have done from that distance.
    #[must_use]
    pub fn learn(history: &VendorHistory, lead_days: u32) -> Self {
        let numbered = Numbered::of(history);
        let all = observations::read(history, &numbered.places);
        let (products, markets) = (numbered.products.len(), numbered.markets.len());
        let learner = Learner::learn(&all, products, markets, lead_days);
        Self::of(history, numbered, &all, learner)
    }

    /// Learns the days that came after all it has learnt, in a fraction of the time, and says whether it
    /// could. It cannot, and stays as it is, when something else has changed: another product or market, or
    /// what was sold or brought on a day it has learnt from; then it has to be learnt anew. The answers are
    /// nearly those of a model learnt from everything; sell-outs of old days are not corrected again.
    pub fn learn_later_days(&mut self, history: &VendorHistory, lead_days: u32) -> bool {
        let Some(last_day) = self.learner.last_day() else { return false };
        let knows = |(record, one): (&Record, &SeriesHistory)| {
            record.product == one.product
                && record.market == one.market
                && record.learnt == fingerprint(&one.days, last_day)
        };
        let same = self.records.len() == history.series.len();
        if !same || !self.records.iter().zip(&history.series).all(knows) {
            return false;
        }
        let numbered = Numbered::of(history);
        let all = observations::read(history, &numbered.places);
        let mut learner = self.learner.clone();
        learner.learn_after(last_day, &all, lead_days);
        *self = Self::of(history, numbered, &all, learner);
        true
    }

    fn of(history: &VendorHistory, numbered: Numbered, all: &[Series<'_>], learner: Learner) -> Self {
        let Numbered { products, markets, categories, category_of, .. } = numbered;
        let expected_visitors = visitors(history);
        let mut sizes = vec![None; markets.len()];
        for (market, visitors) in &expected_visitors {
            if let Some(&place) = markets.get(market) {
                sizes[place] = Some(visitors.ln());
            }
        }
        let pool = Pool::learn(&known_levels(&learner), &category_of, categories, &sizes);
        let mut numbers: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        let mut records = Vec::new();
        for (one, series) in history.series.iter().zip(all) {
            numbers.entry(one.product.clone()).or_default().insert(one.market.clone(), series.place.series);
            records.push(Record {
                product: one.product.clone(),
                market: one.market.clone(),
                past_days: series.days.len(),
                uplift: series.uplift,
                sold_out_days: series.sold_out_days,
                learnt: fingerprint(&one.days, learner.last_day().unwrap_or(i32::MIN)),
            });
        }
        Self { learner, pool, records, numbers, products, markets, expected_visitors }
    }

    /// How much may be asked for. Never fails: an unknown product or market is an ordinary one, and a
    /// distribution that cannot be is replaced by a rule of thumb, which the answer names.
    #[must_use]
    pub fn forecast(&self, query: &ForecastQuery<'_>) -> Forecast {
        let series = self.numbers.get(query.product).and_then(|markets| markets.get(query.market)).copied();
        match series.filter(|&series| self.learner.series[series].levels.days > 0) {
            Some(series) => self.of_series(series, query),
            None => self.of_others(query),
        }
    }

    /// Products and markets the model has learnt of, in the order of the history.
    pub fn series(&self) -> impl Iterator<Item = (&str, &str)> {
        self.records.iter().map(|record| (record.product.as_str(), record.market.as_str()))
    }

    fn of_series(&self, series: usize, query: &ForecastQuery<'_>) -> Forecast {
        let day_number = observations::day_number(query.date);
        let mut prospect = self.learner.prospect(series, query.date, day_number, query.outlook);
        let days = self.learner.series[series].levels.days;
        let boosted = self.learner.boosted(&prospect);
        let pooled_share = self.lean_on_others(&mut prospect, days);
        let record = &self.records[series];
        let method =
            if days < FEW_DAYS { Method::Heuristic(HeuristicReason::FewDays) } else { Method::Model };
        let (distribution, method) = match self.mixture(&prospect, query, pooled_share, boosted.as_ref()) {
            Some(distribution) => (distribution, method),
            None => (of_last_resort(prospect.level), Method::Heuristic(HeuristicReason::ModelFailed)),
        };
        let mut factors = told(&prospect);
        if record.sold_out_days > 0 {
            let kind = FactorKind::SoldOut { days: count(record.sold_out_days), of: count(record.past_days) };
            factors.push(Factor::new(kind, 1.0 + record.uplift));
        }
        if pooled_share >= 0.2 {
            factors.push(Factor::new(FactorKind::Pooling { own_days: days }, 1.0));
        }
        factors
            .retain(|factor| factor.is_worth_a_word() || matches!(factor.kind, FactorKind::Pooling { .. }));
        let middle = prospect.effect.factor();
        let ordinary_day = if middle > 0.0 { distribution.quantile(0.5) / middle } else { prospect.level };
        Forecast {
            distribution,
            method,
            ordinary_day,
            factors,
            past_days: record.past_days,
            pooled_share,
            sold_out_uplift: record.uplift,
            sold_out_days: record.sold_out_days,
        }
    }

    /// Draws the level of a product with few days towards what others tell, and says how far.
    fn lean_on_others(&self, prospect: &mut Prospect, days: u32) -> f64 {
        let place = self.learner.series[prospect.series].place;
        let own_days = f64::from(days);
        if days >= MANY_DAYS || self.records.len() < 2 {
            return 0.0;
        }
        let Some(PooledLevel { level, uncertainty }) =
            self.pool.level(Some(place.product), Some(place.market))
        else {
            return 0.0;
        };
        let noise = prospect.size * prospect.size;
        let share = noise / (noise + own_days * uncertainty * uncertainty);
        prospect.level = (prospect.level * (1.0 - share) + level * share).max(LEAST_LEVEL);
        share
    }

    /// The experts' mixture at honest levels, with the chance that nothing is sold at all. `None` when it
    /// is no distribution.
    fn mixture(
        &self,
        prospect: &Prospect,
        query: &ForecastQuery<'_>,
        pooled_share: f64,
        boosted: Option<&Opinion<'_>>,
    ) -> Option<Distribution> {
        let state = &self.learner.series[prospect.series];
        let order = if state.levels.days >= FEW_DAYS { state.order.quantiles() } else { None };
        let mut trusted = self.learner.family_weights(prospect.series);
        if order.is_none() {
            trusted = [0.0; FAMILIES];
            trusted[0] = 1.0;
        }
        // Order experts know the product's own days alone: they speak as far as those do.
        let own: f64 = trusted[1..].iter().sum::<f64>() * (1.0 - pooled_share);
        trusted[1..].iter_mut().for_each(|weight| *weight *= 1.0 - pooled_share);
        trusted[0] = 1.0 - own;
        let weekday = observations::weekday(query.date);
        let absent = state.absence.probability(weekday, query.outlook.holiday, self.learner.holiday_absence);
        let quantile = |level: f64| {
            if level <= absent {
                return 0.0;
            }
            let present = (level - absent) / (1.0 - absent);
            if let Some(opinion) = boosted {
                return prospect.quantile_by(opinion, present, &self.learner.spread);
            }
            let read = self.learner.conformal.honest(present);
            let speak = |family: usize| match trusted[family] {
                0.0 => 0.0,
                weight => weight * prospect.quantile_of(family, read, &self.learner.spread, order.as_ref()),
            };
            (0..FAMILIES).map(speak).sum()
        };
        Distribution::from_fn(quantile).ok()
    }

    /// A product that was never sold at this market.
    fn of_others(&self, query: &ForecastQuery<'_>) -> Forecast {
        let product = self.products.get(query.product).copied();
        let market = self.markets.get(query.market).copied();
        let (prior, reason) = match self.pool.level(product, market) {
            Some(pooled) => {
                let spread = pooled.uncertainty.hypot(self.learner.spread.size(pooled.level)).min(2.0);
                (Prior { median: pooled.level, spread }, HeuristicReason::FewDays)
            }
            None => {
                let visitors = self.expected_visitors.get(query.market).copied();
                let reason = if visitors.is_some() {
                    HeuristicReason::NoHistory
                } else {
                    HeuristicReason::NothingKnown
                };
                let offered = self.records.iter().filter(|record| record.market == query.market).count();
                (Prior::of(visitors, offered), reason)
            }
        };
        let distribution = Distribution::from_fn(|level| prior.quantile(level))
            .unwrap_or_else(|_| of_last_resort(prior.median));
        Forecast {
            distribution,
            method: Method::Heuristic(reason),
            ordinary_day: prior.median,
            factors: vec![Factor::new(FactorKind::Pooling { own_days: 0 }, 1.0)],
            past_days: 0,
            pooled_share: 1.0,
            sold_out_uplift: 0.0,
            sold_out_days: 0,
        }
    }
}

fn count(days: usize) -> u32 {
    u32::try_from(days).unwrap_or(u32::MAX)
}

fn visitors(history: &VendorHistory) -> BTreeMap<String, f64> {
    let known = history.markets.iter().filter_map(|profile| {
        let visitors =
            profile.expected_visitors.filter(|visitors| visitors.is_finite() && *visitors > 0.0)?;
        Some((profile.market.clone(), visitors))
    });
    known.collect()
}

fn known_levels(learner: &Learner) -> Vec<KnownLevel> {
    let sold = learner.series.iter().filter(|state| state.levels.days > 0 && state.levels.slow() > 0.0);
    sold.map(|state| KnownLevel {
        product: state.place.product,
        market: state.place.market,
        level: state.levels.slow().max(LEAST_LEVEL),
        days: f64::from(state.levels.days),
    })
    .collect()
}

/// A level, twice as much, half as much.
fn of_last_resort(level: f64) -> Distribution {
    let level = if level.is_finite() { level.clamp(0.0, 1e12) } else { 1.0 };
    Distribution::from_fn(|at| level * (0.55 * normal::quantile(at)).exp())
        .or_else(|_| Distribution::certain(1.0))
        .expect("one is a demand")
}

/// What moves the day, strongest first.
fn told(prospect: &Prospect) -> Vec<Factor> {
    let effect = |&(kind, from, to): &(FactorKind, usize, usize)| {
        let logarithm: f64 = prospect.effect.parts[from..to].iter().sum();
        Factor::new(kind, logarithm.exp())
    };
    let mut factors: Vec<Factor> = NAMES.iter().map(effect).collect();
    factors.sort_by(|a, b| b.effect.ln().abs().total_cmp(&a.effect.ln().abs()));
    factors
}
