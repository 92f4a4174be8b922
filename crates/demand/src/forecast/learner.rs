//! Goes through a vendor's days in order. Each day is first forecast from what was known then, and then
//! learnt from: so every expert and every effect is judged only by days it had not seen.

mod day;
mod examples;
mod silence;

use std::collections::VecDeque;

use jiff::civil::Date;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::observations::{Series, by_day};
use super::prospect::{FAMILIES, FAMILY_PRIOR, Prospect};
use crate::DayOutlook;
use crate::boosted::example::{Example, Numbers};
use crate::boosted::{Boosted, MOST_DAYS, MOST_EXAMPLES};
use crate::conformal::{Conformal, WATCHED};
use crate::day_effects::features::{self, Usual, WEEKDAY};
use crate::day_effects::last_year::Deviations;
use crate::day_effects::{DayEffects, Place};
use crate::experts::absence::{Absence, HolidayAbsence};
use crate::experts::level::{LEVELS, LevelExperts};
use crate::experts::order::OrderExperts;
use crate::experts::spread::{Spread, Wildness};
use crate::experts::trust::{Trust, weights};

/// How much of a record of trust counts after another day: the vendor's, and a product's own.
const VENDOR_KEPT: f64 = 0.985;
const OWN_KEPT: f64 = 0.97;
/// How fast losses count against level experts, and against whole distributions.
const LEVEL_RATES: (f64, f64) = (0.2, 0.3);
const FAMILY_RATES: (f64, f64) = (1.5, 1.0);
/// Whole distributions are compared on so many last days of each series.
const COMPARED_DAYS: usize = 45;
/// Seasons are not told from other changes before a year is over.
const YEAR_DAYS: i32 = 365;
/// Fewer forecasts than this are not worth a second core.
const WORTH_TWO_CORES: usize = 256;
const LEVEL_PRIOR: [f64; LEVELS] = [1.0; LEVELS];
/// A level below this counts as this: a product that is hardly sold.
pub(super) const LEAST_LEVEL: f64 = 0.05;

/// What is known of one product at one market.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SeriesState {
    pub(super) place: Place,
    pub(super) levels: LevelExperts,
    pub(super) order: OrderExperts,
    pub(super) wildness: Wildness,
    pub(super) absence: Absence,
    usual: Usual,
    deviations: Deviations,
    /// Days without demand since the last with some.
    silent_days: u32,
    level_trust: Trust,
    family_trust: Trust,
}

/// What is known of one market.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct MarketState {
    usual: Usual,
    index: f64,
    today: (f64, f64),
    deviations: Deviations,
}

/// Everything a vendor's days have taught.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Learner {
    pub(super) series: Vec<SeriesState>,
    markets: Vec<MarketState>,
    products: Vec<Deviations>,
    effects: DayEffects,
    pub(super) spread: Spread,
    pub(super) holiday_absence: HolidayAbsence,
    level_trust: Trust,
    family_trust: Trust,
    pub(super) conformal: Conformal,
    first_day: Option<i32>,
    last_day: Option<i32>,
    sorted_on: i32,
    /// Usual logarithms of what products and markets sell.
    usual_sales: [Vec<f64>; 2],
    /// What the boosted expert learns from; a stored model has it no more, and keeps its trees.
    #[serde(skip)]
    examples: Vec<Example>,
    /// The share of days that become examples.
    examples_kept: f64,
    boosted: Option<Boosted>,
    /// When it was last grown, or found not worth it.
    grown_on: Option<i32>,
    /// Whether the examples are those of all days.
    #[serde(skip)]
    has_all_examples: bool,
}

/// A forecast that waits for its day to be known.
struct Waiting {
    series: usize,
    day: usize,
    prospect: Option<Prospect>,
    /// The day as an example, where it was drawn.
    numbers: Option<Box<Numbers>>,
    /// What each family said at the watched levels, and what the mixture did at honest ones.
    opinions: Option<([[f64; WATCHED.len()]; FAMILIES], [f64; WATCHED.len()])>,
}

impl Learner {
    /// Learns from all days; on each day, only those at least `lead_days` before are known.
    pub(super) fn learn(all: &[Series<'_>], products: usize, markets: usize, lead_days: u32) -> Self {
        let places: Vec<Place> = all.iter().map(|series| series.place).collect();
        let mut learner = Self::new(&places, products, markets);
        let days: usize = all.iter().map(|series| series.days.len()).sum();
        learner.examples_kept =
            if days > MOST_DAYS { 0.0 } else { MOST_EXAMPLES as f64 / days.max(1) as f64 };
        learner.learn_after(i32::MIN, all, lead_days);
        learner
    }

    /// Learns from the days after one; what they are forecast from is all that was learnt before.
    pub(super) fn learn_after(&mut self, after: i32, all: &[Series<'_>], lead_days: u32) {
        let mut waiting: VecDeque<(i32, Vec<Waiting>)> = VecDeque::new();
        let lead_days = i32::try_from(lead_days.max(1)).unwrap_or(i32::MAX);
        for (day_number, due) in by_day(all).into_iter().filter(|(day_number, _)| *day_number > after) {
            while waiting.front().is_some_and(|(known, _)| *known <= day_number - lead_days) {
                let (known, forecasts) = waiting.pop_front().expect("there is one in front");
                self.learn_day(known, &forecasts, all);
            }
            let forecast = |&(series, day): &(usize, usize)| self.forecast(all, series, day);
            let forecasts = match due.len() {
                0..WORTH_TWO_CORES => due.iter().map(forecast).collect(),
                _ => due.par_iter().with_min_len(WORTH_TWO_CORES / 2).map(forecast).collect(),
            };
            waiting.push_back((day_number, forecasts));
        }
        for (known, forecasts) in waiting {
            self.learn_day(known, &forecasts, all);
        }
        self.effects.solve(1.0);
        self.grow_again();
    }

    fn new(places: &[Place], products: usize, markets: usize) -> Self {
        let series = |&place: &Place| SeriesState {
            place,
            levels: LevelExperts::default(),
            order: OrderExperts::default(),
            wildness: Wildness::default(),
            absence: Absence::default(),
            usual: Usual::default(),
            deviations: Deviations::default(),
            silent_days: 0,
            level_trust: Trust::new(LEVELS, OWN_KEPT),
            family_trust: Trust::new(FAMILIES, OWN_KEPT),
        };
        let market = MarketState {
            usual: Usual::default(),
            index: 1.0,
            today: (0.0, 0.0),
            deviations: Deviations::default(),
        };
        Self {
            series: places.iter().map(series).collect(),
            markets: vec![market; markets],
            products: vec![Deviations::default(); products],
            effects: DayEffects::new(places, products, markets),
            spread: Spread::new(),
            holiday_absence: HolidayAbsence::default(),
            level_trust: Trust::new(LEVELS, VENDOR_KEPT),
            family_trust: Trust::new(FAMILIES, VENDOR_KEPT),
            conformal: Conformal::default(),
            first_day: None,
            last_day: None,
            sorted_on: i32::MIN,
            usual_sales: [vec![0.0; products], vec![0.0; markets]],
            examples: Vec::new(),
            examples_kept: 1.0,
            boosted: None,
            grown_on: None,
            has_all_examples: true,
        }
    }

    fn forecast(&self, all: &[Series<'_>], series: usize, day: usize) -> Waiting {
        let (observation, days) = (&all[series].days[day], all[series].days.len());
        if self.series[series].levels.days == 0 {
            return Waiting { series, day, prospect: None, numbers: None, opinions: None };
        }
        let prospect = self.prospect(series, observation.date, observation.day_number, observation.outlook);
        let compared = day + COMPARED_DAYS >= days && self.series[series].levels.days >= 3;
        let opinions = compared.then(|| self.opinions(&prospect));
        let numbers = self.is_drawn(&prospect).then(|| Box::new(self.numbers(&prospect)));
        Waiting { series, day, prospect: Some(prospect), numbers, opinions }
    }

    fn opinions(&self, prospect: &Prospect) -> ([[f64; WATCHED.len()]; FAMILIES], [f64; WATCHED.len()]) {
        let state = &self.series[prospect.series];
        let order = state.order.quantiles();
        let families = std::array::from_fn(|family| {
            WATCHED.map(|level| prospect.quantile_of(family, level, &self.spread, order.as_ref()))
        });
        let weights = self.family_weights(prospect.series);
        let honest = WATCHED.map(|level| {
            let read = self.conformal.honest(level);
            (0..FAMILIES)
                .map(|family| {
                    weights[family] * prospect.quantile_of(family, read, &self.spread, order.as_ref())
                })
                .sum()
        });
        (families, honest)
    }

    /// How far each whole distribution is trusted.
    pub(super) fn family_weights(&self, series: usize) -> [f64; FAMILIES] {
        let own = (&self.series[series].family_trust, FAMILY_RATES.1);
        weights(&FAMILY_PRIOR, (&self.family_trust, FAMILY_RATES.0), own)
    }

    /// What is to be expected of a day, from what is known now.
    pub(super) fn prospect(
        &self,
        series: usize,
        date: Date,
        day_number: i32,
        outlook: &DayOutlook,
    ) -> Prospect {
        let state = &self.series[series];
        let market = &self.markets[state.place.market];
        let weekday = super::observations::weekday(date);
        let last_year = [
            self.products[state.place.product].a_year_before(day_number),
            market.deviations.a_year_before(day_number),
        ];
        let as_sunday = self.effects.as_sunday(series, weekday);
        let mut day = features::of_day(date, outlook, &market.usual, &state.usual, as_sunday, last_year);
        if self.first_day.is_none_or(|first_day| day_number - first_day < YEAR_DAYS) {
            features::forget_season(&mut day);
        }
        let effect = self.effects.of(series, &day);
        let levels = state.levels.levels(weekday, effect.parts[WEEKDAY + weekday].exp(), market.index);
        let own = (&state.level_trust, LEVEL_RATES.1);
        let trust = weights(&LEVEL_PRIOR, (&self.level_trust, LEVEL_RATES.0), own);
        let level: f64 = levels.iter().zip(trust).map(|(level, trust)| level * trust).sum();
        let level = level.max(LEAST_LEVEL);
        let days = state.levels.days;
        let once_more = 1.0 + 1.0 / f64::from(days.max(1));
        let size = self.spread.size(level) * state.wildness.factor() * once_more.sqrt();
        let base = state.levels.base().max(LEAST_LEVEL);
        Prospect { series, day, effect, levels, level, base, size, weekday, date, days }
    }
}
