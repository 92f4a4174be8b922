//! Past days as the model learns from them: in order, one a date, without what cannot be; sell-outs
//! corrected, and outliers no further away than a wild day.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::VendorHistory;
use crate::{
    DayOutlook, PastDay,
    censoring::{SalesCurve, correction},
    day_effects::Place,
};

/// More than this many times the usual day is a slip of the pen, not a sale.
const WILDEST: f64 = 20.0;

/// One day to learn from.
pub(super) struct Observation<'a> {
    pub(super) date: Date,
    /// Days since 1970-01-01.
    pub(super) day_number: i32,
    /// Monday is 0.
    pub(super) weekday: usize,
    pub(super) demand: f64,
    /// How far the day is to be believed, 0 to 1.
    pub(super) certainty: f64,
    pub(super) outlook: &'a DayOutlook,
}

/// One product at one market.
pub(super) struct Series<'a> {
    pub(super) place: Place,
    pub(super) days: Vec<Observation<'a>>,
    /// How much more was asked for than sold, as a share.
    pub(super) uplift: f64,
    pub(super) sold_out_days: usize,
}

/// Everything to learn from, series numbered as in the history.
pub(super) fn read<'a>(history: &'a VendorHistory, places: &[Place]) -> Vec<Series<'a>> {
    let even = SalesCurve::even();
    let curve = history.sales_curve.as_ref().unwrap_or(&even);
    let cleaned: Vec<Vec<&PastDay>> = history.series.iter().map(|series| in_order(&series.days)).collect();
    let variation = correction::variation(&cleaned, curve);
    cleaned
        .into_iter()
        .zip(places)
        .map(|(days, &place)| {
            let mut corrected = correction::demand_of(&days, curve, variation);
            let sold: f64 = days.iter().map(|day| day.sold).sum();
            let demand: f64 = corrected.iter().map(|day| day.demand).sum();
            let sold_out_days = corrected.iter().filter(|day| day.sold_out).count();
            tame(&mut corrected);
            let observe = |(day, corrected): (&'a PastDay, correction::Corrected)| Observation {
                date: day.date,
                day_number: day_number(day.date),
                weekday: weekday(day.date),
                demand: corrected.demand,
                // A guessed day counts in full: those that ran out are the high ones, and to count them less would
                // lower every level.
                certainty: if corrected.sold_out { 1.0 } else { corrected.certainty },
                outlook: &day.outlook,
            };
            let uplift = if sold > 0.0 { demand / sold - 1.0 } else { 0.0 };
            Series {
                place,
                days: days.into_iter().zip(corrected).map(observe).collect(),
                uplift,
                sold_out_days,
            }
        })
        .collect()
}

/// The last record of each date counts; sales below 0 or that are no number are left out.
fn in_order(days: &[PastDay]) -> Vec<&PastDay> {
    let possible = |day: &&PastDay| day.sold.is_finite() && day.sold >= 0.0;
    if days.windows(2).all(|pair| pair[0].date < pair[1].date) {
        return days.iter().filter(possible).collect();
    }
    let by_date: BTreeMap<Date, &PastDay> = days.iter().filter(possible).map(|day| (day.date, day)).collect();
    by_date.into_values().collect()
}

fn tame(days: &mut [correction::Corrected]) {
    let mut sales: Vec<f64> = days.iter().map(|day| day.demand).filter(|demand| *demand > 0.0).collect();
    if sales.len() < 4 {
        return;
    }
    sales.sort_unstable_by(f64::total_cmp);
    let most = WILDEST * sales[(sales.len() - 1) / 2];
    for day in days {
        if day.demand > most {
            // A slip says that something was sold, and hardly how much.
            day.demand = sales[(sales.len() - 1) / 2];
            day.certainty = 0.1;
        }
    }
}

/// Days since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms", 2014).
pub(super) fn day_number(date: Date) -> i32 {
    let (month, day) = (i32::from(date.month()), i32::from(date.day()));
    let year = i32::from(date.year()) - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Monday is 0.
pub(super) fn weekday(date: Date) -> usize {
    usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())
}

/// All observations by day: day, and which day of which series.
pub(super) fn by_day(all: &[Series<'_>]) -> Vec<(i32, Vec<(usize, usize)>)> {
    let every = || all.iter().flat_map(|series| &series.days).map(|day| day.day_number);
    let (Some(first), Some(last)) = (every().min(), every().max()) else { return Vec::new() };
    let span = usize::try_from(last - first + 1).unwrap_or(1);
    let mut days: Vec<(i32, Vec<(usize, usize)>)> = (first..=last).map(|day| (day, Vec::new())).collect();
    debug_assert_eq!(days.len(), span);
    for (number, series) in all.iter().enumerate() {
        for (place, day) in series.days.iter().enumerate() {
            let at = usize::try_from(day.day_number - first).unwrap_or(0);
            days[at].1.push((number, place));
        }
    }
    days.retain(|(_, due)| !due.is_empty());
    days
}
