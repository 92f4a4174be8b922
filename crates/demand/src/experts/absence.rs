//! The expert for days without any sale where there are always some: the shop is closed that weekday or
//! on holidays, or the product is not offered any more. Such a day says nothing about the level.

use serde::{Deserialize, Serialize};

/// A day without demand is an absence when as many would be expected that chance cannot explain none.
const EXPECTED_AT_LEAST: f64 = 8.0;
/// How fast a weekday's share of absences follows, and that of all days.
const WEEKDAY_RATE: f64 = 0.2;
/// One open day makes a weekday that used to be closed an open one.
const REOPENING_RATE: f64 = 0.6;
const RECENT_RATE: f64 = 0.35;

/// How often one product was absent from one market.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Absence {
    by_weekday: [f64; 7],
    days_by_weekday: [u32; 7],
    recent: f64,
    on_holidays: (f64, f64),
}

/// Absences on holidays over all of a vendor's series: how many, of how many.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct HolidayAbsence {
    absent: f64,
    days: f64,
}

/// Whether a day without demand can be no chance, when `expected` were to be asked for.
pub(crate) fn is_absent(demand: f64, expected: f64) -> bool {
    demand <= 0.0 && expected >= EXPECTED_AT_LEAST
}

impl Absence {
    /// The probability that nothing is sold on such a day.
    pub(crate) fn probability(&self, weekday: usize, holiday: bool, of_all: HolidayAbsence) -> f64 {
        let usual = 1.0 - (1.0 - self.by_weekday[weekday]) * (1.0 - self.recent);
        if !holiday {
            return usual;
        }
        let elsewhere = (of_all.absent + 0.1) / (of_all.days + 1.0);
        let (absent, days) = self.on_holidays;
        usual.max((absent + elsewhere) / (days + 1.0))
    }

    /// Learns from a day that was.
    pub(crate) fn learn(&mut self, weekday: usize, holiday: bool, absent: bool, of_all: &mut HolidayAbsence) {
        let is = f64::from(absent);
        let expected_anyway = self.by_weekday[weekday] > 0.5;
        if holiday {
            if !expected_anyway {
                self.on_holidays.0 += is;
                self.on_holidays.1 += 1.0;
                of_all.absent += is;
                of_all.days += 1.0;
            }
            return;
        }
        if !expected_anyway {
            self.recent += RECENT_RATE * (is - self.recent);
        }
        self.days_by_weekday[weekday] += 1;
        let rate = WEEKDAY_RATE.max(1.0 / f64::from(self.days_by_weekday[weekday] + 1));
        // A shop that is open where it used to be closed has opened.
        let rate = if expected_anyway && !absent { rate.max(REOPENING_RATE) } else { rate };
        self.by_weekday[weekday] += rate * (is - self.by_weekday[weekday]);
    }
}
