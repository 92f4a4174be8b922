//! What is usual: means by day of the year, from whatever history is given, over a window of fifteen days.

use jiff::civil::Date;
use larder_demand::Weather;
use serde::{Deserialize, Serialize};

/// Days on either side that count with a day.
const WINDOW: usize = 7;
/// Observations below which a mean is nobody's "usual".
const OBSERVATIONS_MIN: u32 = 10;
/// Slots of a leap year: 1 March is the same slot in every year.
const SLOTS: usize = 366;

/// Means by day of the year at one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClimateNormals {
    slots: Vec<[Sum; 3]>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    total: f64,
    count: u32,
}

impl Sum {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.total += value;
            self.count += 1;
        }
    }
}

impl ClimateNormals {
    /// Means of these days; what is not known of a day is passed over.
    pub fn from_history(days: &[(Date, Weather)]) -> Self {
        let mut slots = vec![[Sum::default(); 3]; SLOTS];
        for (date, weather) in days {
            let slot = &mut slots[slot(*date)];
            slot[0].add(weather.high_celsius);
            slot[1].add(weather.rain_mm);
            slot[2].add(weather.wind_kmh);
        }
        Self { slots }
    }

    /// What is usual around that day; none where too little is known.
    pub fn on(&self, date: Date) -> Option<Weather> {
        // What was loaded may be of another making.
        if self.slots.len() != SLOTS {
            return None;
        }
        let middle = slot(date);
        let mean = |field: usize| {
            let window =
                (0..=2 * WINDOW).map(|step| self.slots[(middle + SLOTS - WINDOW + step) % SLOTS][field]);
            let (total, count) =
                window.fold((0.0, 0), |(total, count), sum| (total + sum.total, count + sum.count));
            (count >= OBSERVATIONS_MIN).then(|| total / f64::from(count))
        };
        let usual = Weather { high_celsius: mean(0), rain_mm: mean(1), wind_kmh: mean(2) };
        (usual != Weather::default()).then_some(usual)
    }
}

/// The day's place in a leap year, from 0.
fn slot(date: Date) -> usize {
    let day = usize::try_from(date.day_of_year()).unwrap_or(1) - 1;
    let after_february = date.month() > 2 && !date.in_leap_year();
    day + usize::from(after_february)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn years(weather: impl Fn(Date) -> Weather) -> Vec<(Date, Weather)> {
        date(2012, 1, 1)
            .series(1.day())
            .take_while(|day| day.year() < 2016)
            .map(|day| (day, weather(day)))
            .collect()
    }

    fn high(value: f64) -> Weather {
        Weather { high_celsius: Some(value), ..Weather::default() }
    }

    #[test]
    fn the_means_are_those_counted_by_hand() {
        let days = years(|day| high(f64::from(day.day_of_year()) + f64::from(day.year() - 2012)));
        let normals = ClimateNormals::from_history(&days);
        for asked in [date(2026, 7, 1), date(2026, 1, 2), date(2024, 2, 29), date(2026, 12, 31)] {
            let near = |day: Date| {
                let apart = (slot(day) as i64 - slot(asked) as i64).abs();
                apart.min(366 - apart) <= 7
            };
            let values: Vec<f64> = days
                .iter()
                .filter(|(day, _)| near(*day))
                .filter_map(|(_, weather)| weather.high_celsius)
                .collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let told = normals.on(asked).and_then(|weather| weather.high_celsius).unwrap();
            assert!((told - mean).abs() < 1e-9, "{asked}: {told} and {mean}");
        }
    }

    #[test]
    fn the_first_of_march_is_the_same_day_in_every_year() {
        assert_eq!(slot(date(2024, 3, 1)), slot(date(2023, 3, 1)));
        assert_eq!(slot(date(2024, 2, 29)) + 1, slot(date(2023, 3, 1)));
        assert_eq!(
            (slot(date(2023, 1, 1)), slot(date(2023, 12, 31)), slot(date(2024, 12, 31))),
            (0, 365, 365)
        );
    }

    #[test]
    fn too_little_history_is_no_normal() {
        let few: Vec<(Date, Weather)> = years(|_| high(20.0)).into_iter().take(9).collect();
        assert_eq!(ClimateNormals::from_history(&few).on(date(2026, 1, 5)), None);
        let normals = ClimateNormals::from_history(&years(|_| high(20.0)));
        assert_eq!(normals.on(date(2026, 1, 5)), Some(high(20.0)), "rain and wind were never told");
    }

    proptest! {
        #[test]
        fn a_mean_lies_within_what_was_seen(values in prop::collection::vec(-40.0_f64..45.0, 400..800), ahead in 0_i32..4_000) {
            let days: Vec<(Date, Weather)> = date(2020, 1, 1)
                .series(1.day())
                .zip(&values)
                .map(|(day, value)| (day, high(*value)))
                .collect();
            let asked = date(2026, 1, 1) + ahead.days();
            let told = ClimateNormals::from_history(&days).on(asked).and_then(|weather| weather.high_celsius).unwrap();
            let (low, top) = values.iter().fold((f64::MAX, f64::MIN), |(low, top), value| (low.min(*value), top.max(*value)));
            prop_assert!((low..=top).contains(&told));
        }
    }
}
