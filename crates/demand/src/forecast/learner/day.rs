//! Learning from a day that is over. The effects of days and everything else learn the same observations
//! without asking each other: on days of many series they do so side by side, with the same outcome.

use super::examples::example;
use super::{LEAST_LEVEL, Learner, MarketState, SeriesState, WORTH_TWO_CORES, Waiting};
use crate::boosted::example::Example;
use crate::conformal::{Conformal, WATCHED};
use crate::day_effects::features::WEEKDAY;
use crate::day_effects::last_year::Deviations;
use crate::day_effects::{Lesson, Place};
use crate::experts::absence::is_absent;
use crate::experts::spread::Spread;
use crate::experts::trust::Trust;
use crate::forecast::observations::{Observation, Series};
use crate::forecast::prospect::Prospect;

/// The shape of errors is made ready anew after so many days, and every day while there are few.
const SORT_EVERY_DAYS: i32 = 7;
const FEW_ERRORS: usize = 200;
/// How fast a market's index follows its day.
const INDEX_RATE: f64 = 0.3;
/// How fast what a product or a market usually sells follows.
const USUAL_SALES_RATE: f64 = 0.02;

/// A day's forecast whose day tells something about levels, with that day.
struct Judged<'a> {
    waiting: &'a Waiting,
    prospect: &'a Prospect,
    observation: &'a Observation<'a>,
}

impl Learner {
    pub(super) fn learn_day(&mut self, day_number: i32, forecasts: &[Waiting], all: &[Series<'_>]) {
        let mut by_product = vec![0; self.products.len()];
        let mut by_market = vec![0; self.markets.len()];
        for forecast in forecasts {
            let place = self.series[forecast.series].place;
            by_product[place.product] += 1;
            by_market[place.market] += 1;
        }
        let observed = forecasts.iter().map(|forecast| (forecast, &all[forecast.series].days[forecast.day]));
        let judged: Vec<Judged<'_>> =
            observed.filter_map(|(forecast, observation)| self.begin(forecast, observation)).collect();
        let lessons: Vec<Lesson<'_>> = judged
            .iter()
            .map(|one| {
                let place = self.series[one.waiting.series].place;
                one.lesson(place, [forecasts.len(), by_product[place.product], by_market[place.market]])
            })
            .collect();
        self.learn_judged(&judged, &lessons);
        for forecast in forecasts {
            let state = &mut self.series[forecast.series];
            state.level_trust.end_day();
            state.family_trust.end_day();
        }
        for market in &mut self.markets {
            if market.today.1 > 0.0 {
                let index = (market.today.0 / market.today.1).clamp(0.25, 4.0);
                market.index += INDEX_RATE * (index - market.index);
                market.today = (0.0, 0.0);
            }
        }
        self.level_trust.end_day();
        self.family_trust.end_day();
        self.conformal.end_day();
        self.effects.end_day(day_number);
        self.first_day = self.first_day.or(Some(day_number));
        self.last_day = Some(day_number);
        if self.spread.errors() < FEW_ERRORS || day_number >= self.sorted_on.saturating_add(SORT_EVERY_DAYS) {
            self.spread.sort();
            self.sorted_on = day_number;
        }
    }

    /// Learns from days that end a silence, are absences or have nothing to be compared with; returns the
    /// others, which are judged.
    fn begin<'a>(&mut self, waiting: &'a Waiting, day: &'a Observation<'a>) -> Option<Judged<'a>> {
        let state = &mut self.series[waiting.series];
        if state.comes_back(day.demand) {
            state.begin_anew(day);
            return None;
        }
        let Some(prospect) = &waiting.prospect else {
            self.markets[state.place.market].usual.learn(day.outlook);
            state.usual.learn(day.outlook);
            state.levels.learn(day.weekday, day.demand, day.demand, day.certainty);
            state.order.learn(day.demand, day.certainty);
            return None;
        };
        let expected = state.levels.slow() * prospect.effect.factor();
        let absent = is_absent(day.demand, expected);
        state.absence.learn(day.weekday, day.outlook.holiday, absent, &mut self.holiday_absence);
        if absent {
            return None;
        }
        // There is no error over no level, nor over one of before the series began anew.
        if state.levels.slow() <= 0.0 || prospect.days > state.levels.days {
            state.levels.learn(day.weekday, day.demand, day.demand, day.certainty);
            state.order.learn(day.demand, day.certainty);
            return None;
        }
        Some(Judged { waiting, prospect, observation: day })
    }

    fn learn_judged(&mut self, judged: &[Judged<'_>], lessons: &[Lesson<'_>]) {
        let effects = &mut self.effects;
        let mut records = Records {
            series: &mut self.series,
            products: &mut self.products,
            markets: &mut self.markets,
            usual_sales: &mut self.usual_sales,
            spread: &mut self.spread,
            level_trust: &mut self.level_trust,
            family_trust: &mut self.family_trust,
            conformal: &mut self.conformal,
            examples: &mut self.examples,
        };
        let mut learn_effects = || lessons.iter().for_each(|lesson| effects.learn(lesson));
        let mut learn_records = || {
            judged.iter().zip(lessons).for_each(|(one, lesson)| records.learn(one, lesson));
        };
        match judged.len() {
            0..WORTH_TWO_CORES => {
                learn_records();
                learn_effects();
            }
            _ => {
                rayon::join(learn_effects, learn_records);
            }
        }
    }
}

impl Judged<'_> {
    fn lesson(&self, place: Place, companions: [usize; 3]) -> Lesson<'_> {
        let prospect = self.prospect;
        Lesson {
            place,
            day: &prospect.day,
            // Experts that remember weekdays would leave nothing of the weekday to be learnt.
            ratio: self.observation.demand / prospect.base,
            spread: prospect.size.max(0.05),
            certainty: self.observation.certainty,
            companions,
        }
    }
}

/// What a learner knows beside the effects of days.
struct Records<'a> {
    series: &'a mut [SeriesState],
    products: &'a mut [Deviations],
    markets: &'a mut [MarketState],
    usual_sales: &'a mut [Vec<f64>; 2],
    spread: &'a mut Spread,
    level_trust: &'a mut Trust,
    family_trust: &'a mut Trust,
    conformal: &'a mut Conformal,
    examples: &'a mut Vec<Example>,
}

impl Records<'_> {
    fn learn(&mut self, one: &Judged<'_>, lesson: &Lesson<'_>) {
        let (prospect, day, place) = (one.prospect, one.observation, lesson.place);
        self.judge(one);
        let numbers = one.waiting.numbers.as_deref();
        self.examples.extend(numbers.and_then(|numbers| example(numbers, prospect, day)));
        let without_drift_of_last_year = lesson.ratio / prospect.factor_without_last_year();
        let deviation = (without_drift_of_last_year - 1.0).clamp(-0.8, 1.0);
        let weight = (0.2 / lesson.spread).min(1.0);
        let state = &mut self.series[one.waiting.series];
        let market = &mut self.markets[place.market];
        for deviations in [&mut self.products[place.product], &mut state.deviations, &mut market.deviations] {
            deviations.note(day.day_number, deviation, weight);
        }
        market.usual.learn(day.outlook);
        state.usual.learn(day.outlook);
        let ordinary = day.demand / prospect.effect.of_day.exp();
        let slow = state.levels.slow();
        for (usual, one) in self.usual_sales.iter_mut().zip([place.product, place.market]) {
            usual[one] += USUAL_SALES_RATE * (slow.max(LEAST_LEVEL).ln() - usual[one]);
        }
        market.today.0 += ordinary.min(4.0 * slow);
        market.today.1 += slow;
        let weekday_effect = prospect.effect.parts[WEEKDAY + day.weekday].exp();
        state.levels.learn(day.weekday, ordinary, ordinary * weekday_effect, day.certainty);
        state.order.learn(ordinary, day.certainty);
    }

    /// How good the forecast was, expert by expert.
    fn judge(&mut self, one: &Judged<'_>) {
        let (prospect, day) = (one.prospect, one.observation);
        let state = &mut self.series[one.waiting.series];
        let factor = prospect.effect.factor();
        let unit = prospect.level * prospect.size;
        let ordinary = day.demand / factor;
        let losses = prospect.levels.map(|level| ((ordinary - level).abs() / unit).min(4.0));
        if state.levels.days >= 2 && day.certainty > 0.6 {
            state.level_trust.note(&losses);
            self.level_trust.note(&losses);
        }
        let days = f64::from(state.levels.days.max(1));
        let inflated = (1.0 + 1.0 / days).sqrt();
        let error = (ordinary / prospect.level - 1.0) / inflated;
        self.spread.learn(&mut state.wildness, prospect.level, 1.0 + error);
        let Some((families, honest)) = &one.waiting.opinions else { return };
        if day.certainty <= 0.6 {
            return;
        }
        let losses = families.map(|quantiles| {
            let pinball = |(level, forecast): (f64, f64)| {
                crate::accuracy::pinball(level, crate::accuracy::Judged { actual: day.demand, forecast })
            };
            let total: f64 = WATCHED.into_iter().zip(quantiles).map(pinball).sum();
            (total / WATCHED.len() as f64 / (unit * factor)).min(3.0)
        });
        state.family_trust.note(&losses);
        self.family_trust.note(&losses);
        self.conformal.note(day.demand, honest);
    }
}
