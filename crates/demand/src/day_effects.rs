//! What a day does to demand, beside the level: the weekday, holidays, weather, events, promotions,
//! prices and the season. Effects multiply. They are learnt a day at a time for the vendor, its products,
//! its markets and each product at each market, each drawn towards the wider ones; and those of one kind
//! count only as far as they made yesterday's forecasts better than leaving them out.

pub(crate) mod features;
pub(crate) mod last_year;
mod ridge;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use features::{DayVector, FIRST_DRIFT, GROUPS, WEEKDAY, WIDTH};
use ridge::Ridge;

/// After so many days effects are worked out anew.
const SOLVE_EVERY_DAYS: i32 = 7;
/// Half of what was learnt is forgotten after so many days.
const HALF_LIFE_DAYS: f64 = 500.0;
/// How strongly effects are drawn to none, in days of the whole vendor, and to those of the wider group.
const PULL_TO_NONE: f64 = 4.0;
const PULL_TO_WIDER: f64 = 12.0;
/// How much harder season and last year are to be believed than what is seen every week.
const PULL_OF_DRIFT: f64 = 3.0;
/// Series of one day share its luck: this much of their deviations is common.
const COMMON_LUCK: f64 = 0.3;
/// An effect multiplies by e to the power of at most this.
const FURTHEST: f64 = 1.5;
/// Fewer series than this are not worth a second core.
const WORTH_TWO_CORES: usize = 64;
/// How much of a kind's record counts after another day.
const RECORD_KEPT: f64 = 0.995;

/// Which product at which market, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) series: usize,
    pub(crate) product: usize,
    pub(crate) market: usize,
}

/// How much better forecasts were with one kind of effects than without.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Record {
    gain: f64,
    squares: f64,
    today: f64,
}

impl Record {
    fn end_day(&mut self) {
        if self.today != 0.0 {
            self.gain = RECORD_KEPT * self.gain + self.today;
            self.squares = RECORD_KEPT * self.squares + self.today * self.today;
            self.today = 0.0;
        }
    }

    /// 0 to 1: nothing unless the gain is larger than its own chance variation.
    fn admission(&self) -> f64 {
        if self.squares > 0.0 { (self.gain / self.squares.sqrt() - 0.5).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// All effects of one vendor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DayEffects {
    vendor: Ridge,
    products: Vec<Ridge>,
    markets: Vec<Ridge>,
    series: Vec<(Place, Ridge)>,
    /// How many days of each weekday each series has.
    weekdays: Vec<[f64; 7]>,
    records: [Record; GROUPS.len()],
    /// Which numbers were ever other than 0.
    active: Vec<usize>,
    solved_on: Option<i32>,
}

/// A day that was, as far as effects learn from it.
pub(crate) struct Lesson<'a> {
    pub(crate) place: Place,
    pub(crate) day: &'a DayVector,
    /// Demand over the level, effects left in.
    pub(crate) ratio: f64,
    /// The standard deviation of that from chance.
    pub(crate) spread: f64,
    /// How far the demand is known, 0 to 1.
    pub(crate) certainty: f64,
    /// How many series of the vendor, of the product, of the market have this day.
    pub(crate) companions: [usize; 3],
}

/// The effects of one day: logarithms of factors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DayEffect {
    /// Number by number, as far as admitted.
    pub(crate) parts: DayVector,
    /// Of the day itself.
    pub(crate) of_day: f64,
    /// Of the time since the level was learnt.
    pub(crate) drift: f64,
}

impl DayEffects {
    pub(crate) fn new(places: &[Place], products: usize, markets: usize) -> Self {
        Self {
            vendor: Ridge::new(),
            products: vec![Ridge::new(); products],
            markets: vec![Ridge::new(); markets],
            series: places.iter().map(|&place| (place, Ridge::new())).collect(),
            weekdays: vec![[0.0; 7]; places.len()],
            records: [Record::default(); GROUPS.len()],
            active: Vec::new(),
            solved_on: None,
        }
    }

    /// By how much, as a logarithm, a Sunday of this series differs from another weekday.
    pub(crate) fn as_sunday(&self, series: usize, weekday: usize) -> f64 {
        let effects = self.series[series].1.effects();
        effects[WEEKDAY + 6] - effects[WEEKDAY + weekday]
    }

    /// The effects on one series. Those of weekdays are against the mean of its own days: where there is only
    /// one weekday, what all days have in common is the level's.
    fn effects_of(&self, series: usize) -> DayVector {
        let mut effects = self.series[series].1.effects();
        let days = &self.weekdays[series];
        let weekdays = &mut effects[WEEKDAY..WEEKDAY + 7];
        let sum: f64 = weekdays.iter().zip(days).map(|(effect, days)| effect * days).sum();
        let middle = sum / days.iter().sum::<f64>().max(1.0);
        weekdays.iter_mut().for_each(|effect| *effect -= middle);
        effects
    }

    /// What a day does, as far as it is admitted.
    pub(crate) fn of(&self, series: usize, day: &DayVector) -> DayEffect {
        let effects = self.effects_of(series);
        let mut parts = [0.0; WIDTH];
        for (&(from, to), record) in GROUPS.iter().zip(&self.records) {
            let admission = record.admission();
            for place in from..to {
                parts[place] = admission * effects[place] * day[place];
            }
        }
        let of_day: f64 = parts[..FIRST_DRIFT].iter().sum();
        let drift: f64 = parts[FIRST_DRIFT..].iter().sum();
        DayEffect { parts, of_day: of_day.clamp(-FURTHEST * 2.0, FURTHEST), drift: drift.clamp(-0.7, 0.7) }
    }

    /// Learns from a day that was: first how good the effects were, then what they are.
    pub(crate) fn learn(&mut self, lesson: &Lesson<'_>) {
        let (place, day) = (lesson.place, lesson.day);
        let effects = self.effects_of(place.series);
        let whole: f64 = effects.iter().zip(day).map(|(effect, number)| effect * number).sum();
        let whole = whole.clamp(-FURTHEST * 2.0, FURTHEST);
        let miss = |logarithm: f64| ((lesson.ratio - logarithm.exp()).abs() / lesson.spread).min(4.0);
        let with_all = miss(whole);
        for (&(from, to), record) in GROUPS.iter().zip(&mut self.records) {
            let own: f64 = (from..to).map(|place| effects[place] * day[place]).sum();
            if own != 0.0 {
                record.today += lesson.certainty * (miss(whole - own) - with_all);
            }
        }
        self.weekdays[place.series].iter_mut().zip(&day[WEEKDAY..]).for_each(|(days, is)| *days += is);
        let present: Vec<usize> = (0..WIDTH).filter(|&number| day[number] != 0.0).collect();
        for number in &present {
            if !self.active.contains(number) {
                self.active.push(*number);
                self.active.sort_unstable();
            }
        }
        let effect = whole + (lesson.ratio / whole.exp() - 1.0).clamp(-1.0, 1.5);
        let weight = lesson.certainty * (0.09 / (lesson.spread * lesson.spread)).min(1.5);
        let shared = |companions: usize| weight / (1.0 + COMMON_LUCK * (companions as f64 - 1.0));
        let [vendor, product, market] = lesson.companions;
        self.vendor.learn(day, &present, effect, shared(vendor));
        self.products[place.product].learn(day, &present, effect, shared(product));
        self.markets[place.market].learn(day, &present, effect, shared(market));
        self.series[place.series].1.learn(day, &present, effect, weight);
    }

    /// A day is over: closes its record, and works the effects out anew when it is time.
    pub(crate) fn end_day(&mut self, day_number: i32) {
        self.records.iter_mut().for_each(Record::end_day);
        let since = self.solved_on.map_or(0, |solved_on| day_number - solved_on);
        if self.solved_on.is_none() || since >= SOLVE_EVERY_DAYS {
            self.solve(0.5_f64.powf(f64::from(since) / HALF_LIFE_DAYS));
            self.solved_on = Some(day_number);
        }
    }

    /// Works all effects out from what was learnt; `keep` is the share that is not forgotten.
    pub(crate) fn solve(&mut self, keep: f64) {
        let pull = |strength: f64| -> DayVector {
            std::array::from_fn(
                |number| if number < FIRST_DRIFT { strength } else { strength * PULL_OF_DRIFT },
            )
        };
        let none = [0.0; WIDTH];
        self.vendor.solve(&self.active, &none, &pull(PULL_TO_NONE), keep);
        let of_vendor = self.vendor.effects();
        let (active, to_wider) = (&self.active, pull(PULL_TO_WIDER));
        for group in self.products.iter_mut().chain(&mut self.markets) {
            group.solve(active, &of_vendor, &to_wider, keep);
        }
        let (products, markets) = (&self.products, &self.markets);
        let solve = |(place, ridge): &mut (Place, Ridge)| {
            let (product, market) = (products[place.product].effects(), markets[place.market].effects());
            let prior = std::array::from_fn(|number| product[number] + market[number] - of_vendor[number]);
            ridge.solve(active, &prior, &to_wider, keep);
        };
        match self.series.len() {
            0..WORTH_TWO_CORES => self.series.iter_mut().for_each(solve),
            _ => self.series.par_iter_mut().with_min_len(WORTH_TWO_CORES / 2).for_each(solve),
        }
    }
}
