//! A day as numbers: what may move its demand, each number near 0 on an ordinary day and near 1 when
//! it is strongly there, so that one prior fits all effects.

use crate::{DayOutlook, FactorKind, Weather};

/// How many numbers describe a day.
pub(crate) const WIDTH: usize = 24;
/// One for each day of the week, Monday first.
pub(crate) const WEEKDAY: usize = 0;
const HOLIDAY: usize = 7;
const HOLIDAY_AS_SUNDAY: usize = 8;
const BEFORE_HOLIDAY: usize = 9;
const SCHOOL_HOLIDAY: usize = 10;
const PROMOTION: usize = 11;
const PRICE: usize = 12;
const RAIN: usize = 13;
const HEAT: usize = 14;
const COLD: usize = 15;
const WIND: usize = 16;
const EVENT: usize = 17;
const SEASON: usize = 18;
/// What the same days of last year did to this product, and to this market.
pub(crate) const LAST_YEAR: usize = 22;

/// The effects from here on say how demand has moved since the level was learnt, not how this day
/// differs from others: they are not taken out of what was sold before the level learns from it.
pub(crate) const FIRST_DRIFT: usize = SEASON;

/// Effects that are admitted or refused together.
pub(crate) const GROUPS: [(usize, usize); 9] = [
    (WEEKDAY, HOLIDAY),
    (HOLIDAY, BEFORE_HOLIDAY),
    (BEFORE_HOLIDAY, SCHOOL_HOLIDAY),
    (SCHOOL_HOLIDAY, PROMOTION),
    (PROMOTION, PRICE),
    (PRICE, RAIN),
    (RAIN, EVENT),
    (EVENT, SEASON),
    (SEASON, WIDTH),
];

/// A day as numbers.
pub(crate) type DayVector = [f64; WIDTH];

/// By which name an effect is told; `weekday_effect` and so on are sums over those of one name.
pub(crate) const NAMES: [(FactorKind, usize, usize); 12] = [
    (FactorKind::Weekday, WEEKDAY, HOLIDAY),
    (FactorKind::Holiday, HOLIDAY, BEFORE_HOLIDAY),
    (FactorKind::BeforeHoliday, BEFORE_HOLIDAY, SCHOOL_HOLIDAY),
    (FactorKind::SchoolHoliday, SCHOOL_HOLIDAY, PROMOTION),
    (FactorKind::Promotion, PROMOTION, PRICE),
    (FactorKind::Price, PRICE, RAIN),
    (FactorKind::Rain, RAIN, HEAT),
    (FactorKind::Heat, HEAT, COLD),
    (FactorKind::Cold, COLD, WIND),
    (FactorKind::Wind, WIND, EVENT),
    (FactorKind::Event, EVENT, SEASON),
    (FactorKind::Season, SEASON, WIDTH),
];

/// What is usual at a market, or for a product there; learnt as days come.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Usual {
    high_celsius: Option<f64>,
    rain: Option<f64>,
    wind: Option<f64>,
    price: Option<f64>,
}

/// How fast what is usual follows what is.
const USUAL_RATE: f64 = 0.08;

impl Usual {
    /// Learns from a day that was.
    pub(crate) fn learn(&mut self, outlook: &DayOutlook) {
        let weather = &outlook.weather;
        follow(&mut self.high_celsius, known(weather.high_celsius));
        follow(&mut self.rain, rain(weather));
        follow(&mut self.wind, wind(weather));
        follow(&mut self.price, outlook.price.filter(|price| price.is_finite() && *price > 0.0));
    }
}

fn follow(usual: &mut Option<f64>, value: Option<f64>) {
    if let Some(value) = value {
        let before = usual.unwrap_or(value);
        *usual = Some(before + USUAL_RATE * (value - before));
    }
}

fn known(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// The first millimetres keep more people at home than the last.
fn rain(weather: &Weather) -> Option<f64> {
    known(weather.rain_mm).map(|rain_mm| (rain_mm.clamp(0.0, 20.0) / 10.0).sqrt())
}

fn wind(weather: &Weather) -> Option<f64> {
    known(weather.wind_kmh).map(|wind_kmh| ((wind_kmh - 20.0) / 30.0).clamp(0.0, 2.0))
}

/// The numbers of a day. `as_sunday` is by how much a Sunday differs from this weekday, as a logarithm;
/// `last_year` what the product and the market did then.
pub(crate) fn of_day(
    date: jiff::civil::Date,
    outlook: &DayOutlook,
    of_market: &Usual,
    of_series: &Usual,
    as_sunday: f64,
    last_year: [f64; 2],
) -> DayVector {
    let mut day = [0.0; WIDTH];
    day[WEEKDAY + usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())] = 1.0;
    let flag = |is: bool| if is { 1.0 } else { 0.0 };
    day[HOLIDAY] = flag(outlook.holiday);
    day[HOLIDAY_AS_SUNDAY] = flag(outlook.holiday) * as_sunday.clamp(-2.0, 2.0);
    day[BEFORE_HOLIDAY] = flag(outlook.before_holiday);
    day[SCHOOL_HOLIDAY] = flag(outlook.school_holiday);
    day[PROMOTION] = flag(outlook.promoted);
    day[PRICE] =
        against(outlook.price.filter(|price| *price > 0.0).map(f64::ln), of_series.price.map(f64::ln))
            .clamp(-1.0, 1.0);
    day[RAIN] = against(rain(&outlook.weather), of_market.rain);
    let warmer = against(known(outlook.weather.high_celsius), of_market.high_celsius) / 10.0;
    day[HEAT] = warmer.clamp(0.0, 2.0);
    day[COLD] = (-warmer).clamp(0.0, 2.0);
    day[WIND] = against(wind(&outlook.weather), of_market.wind);
    let attendance = known(outlook.event_attendance).unwrap_or(0.0).max(0.0);
    day[EVENT] = (1.0 + attendance / 500.0).ln() / 3.0;
    let turn = f64::from(date.day_of_year()) / 365.25 * std::f64::consts::TAU;
    for (place, angle) in [turn, 2.0 * turn].into_iter().enumerate() {
        (day[SEASON + 2 * place], day[SEASON + 2 * place + 1]) = angle.sin_cos();
    }
    day[LAST_YEAR..].copy_from_slice(&last_year);
    day
}

/// The day, were its time of the year not known.
pub(crate) fn forget_season(day: &mut DayVector) {
    day[SEASON..LAST_YEAR].fill(0.0);
}

/// Nothing known moves nothing.
fn against(value: Option<f64>, usual: Option<f64>) -> f64 {
    match (value, usual) {
        (Some(value), Some(usual)) if value.is_finite() => value - usual,
        _ => 0.0,
    }
}
