//! A day as the trees see it: numbers without a unit, so that what one product taught holds for others, with
//! what the mixture expected and what was asked for.

use jiff::civil::Date;

use crate::day_effects::DayEffect;
use crate::day_effects::features::{DayVector, LAST_YEAR, WEEKDAY};
use crate::experts::level::LEVELS;

/// How many numbers describe a day.
pub(crate) const WIDTH: usize = 21 + LEVELS + CALENDAR;
/// Numbers of the day taken over as they are: holidays, schools, promotion, price, weather, events.
const CALENDAR: usize = 11;
const FIRST_OF_CALENDAR: usize = 7;

/// A day as numbers.
pub(crate) type Numbers = [f32; WIDTH];

/// A day that was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Example {
    pub(crate) day_number: i32,
    pub(crate) numbers: Numbers,
    /// What was asked for over what the mixture expected.
    pub(crate) ratio: f32,
    /// How much it counts.
    pub(crate) weight: f32,
    /// The standard deviation the mixture expected of the ratio.
    pub(crate) size: f32,
}

/// What the numbers are made of.
pub(crate) struct Told<'a> {
    pub(crate) date: Date,
    pub(crate) weekday: usize,
    pub(crate) day: &'a DayVector,
    pub(crate) effect: &'a DayEffect,
    pub(crate) levels: &'a [f64; LEVELS],
    pub(crate) level: f64,
    pub(crate) size: f64,
    pub(crate) market_index: f64,
    /// Demand of the last four same weekdays, the newest first, over an ordinary day's; the weekday's effect left in.
    pub(crate) same_weekdays: [f64; 4],
    /// What the series did a year before, against what was expected.
    pub(crate) a_year_before: f64,
    /// Usual logarithms of what the product and the market sell.
    pub(crate) usual: [f64; 2],
    pub(crate) days: u32,
    pub(crate) wildness: f64,
}

impl Told<'_> {
    pub(crate) fn numbers(&self) -> Numbers {
        let weekday_effect = self.effect.parts[WEEKDAY + self.weekday];
        let mut numbers = [0.0; WIDTH];
        let mut place = 0;
        let mut put = |number: f64| {
            numbers[place] = if number.is_finite() { number.clamp(-1e6, 1e6) as f32 } else { 0.0 };
            place += 1;
        };
        put(self.weekday as f64);
        put(f64::from(self.date.day_of_year()));
        put(f64::from(self.date.day()));
        put(self.level.ln());
        put(self.size);
        put(self.wildness);
        put(weekday_effect);
        put(self.effect.of_day);
        put(self.effect.drift);
        put(self.market_index);
        put(self.day[LAST_YEAR]);
        put(self.day[LAST_YEAR + 1]);
        put(self.a_year_before);
        put(self.usual[0]);
        put(self.usual[1]);
        put(f64::from(self.days).ln_1p());
        self.same_weekdays.iter().for_each(|same| put(same / weekday_effect.exp() / self.level));
        put(self.same_weekdays.iter().sum::<f64>() / 4.0 / weekday_effect.exp() / self.level);
        self.levels.iter().for_each(|level| put(level / self.level));
        self.day[FIRST_OF_CALENDAR..FIRST_OF_CALENDAR + CALENDAR].iter().for_each(|number| put(*number));
        debug_assert_eq!(place, WIDTH);
        numbers
    }
}
