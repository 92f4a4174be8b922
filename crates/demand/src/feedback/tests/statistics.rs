//! Statistics by product, market and period, each with its counts.

use jiff::civil::date;

use super::super::{
    FeedbackRecord, Grouping, LastDaysRule, Period, Statistics, StatisticsSettings, judge, statistics,
};
use super::{day, forecast, uniform};

fn all_of(records: &[FeedbackRecord]) -> Statistics {
    let judged = judge(records, &LastDaysRule::default());
    statistics(&judged, Grouping::default(), &StatisticsSettings::default()).remove(0)
}

/// A forecast with a median of 50, P10 at 42 and P90 at 58.
fn with_forecast(record: FeedbackRecord) -> FeedbackRecord {
    FeedbackRecord { forecast: forecast(uniform(40.0, 60.0)), recommended: Some(55.0), ..record }
}

#[test]
fn hits_are_judged_rightly_on_days_that_ran_out() {
    let rate = |records: &[FeedbackRecord]| {
        let rate = all_of(records).accuracy;
        (rate.hits, rate.days, rate.undecided)
    };
    let sold = |sold: f64| with_forecast(day(1, 200.0, sold));
    assert_eq!(rate(&[sold(45.0)]), (1, 1, 0));
    // 50 against 41: 22 % off. 50 against 63: 20.6 % off.
    assert_eq!(rate(&[sold(41.0)]), (0, 1, 0));
    assert_eq!(rate(&[sold(63.0)]), (0, 1, 0));
    assert_eq!(rate(&[sold(62.0)]), (1, 1, 0));
    let ran_out = |sold: f64| with_forecast(day(1, sold, sold));
    // Sold out at 45: it may have been 50, or 90. Sold out at 70: too low whatever was asked for.
    assert_eq!(rate(&[ran_out(45.0)]), (0, 0, 1));
    assert_eq!(rate(&[ran_out(70.0)]), (0, 1, 0));
    let timed = FeedbackRecord { sold_out_at: Some(0.9), ..ran_out(45.0) };
    assert_eq!(rate(&[timed]), (1, 1, 0));
    assert_eq!(rate(&[FeedbackRecord { forecast: None, ..sold(45.0) }]), (0, 0, 0));
}

#[test]
fn rounding_to_whole_pieces_is_no_miss() {
    let record = FeedbackRecord { forecast: forecast(uniform(0.0, 0.8)), ..day(1, 3.0, 0.0) };
    assert_eq!(all_of(std::slice::from_ref(&record)).accuracy.hits, 1);
    let weighed = FeedbackRecord { whole_units: false, ..record };
    assert_eq!(all_of(&[weighed]).accuracy.hits, 0);
}

#[test]
fn levels_rates_and_shares_are_of_the_days_they_can_be_told_of() {
    let records = [
        with_forecast(day(1, 60.0, 45.0)),
        with_forecast(day(2, 60.0, 55.0)),
        with_forecast(FeedbackRecord { sold_out_at: Some(0.9), ..day(3, 45.0, 45.0) }),
        with_forecast(FeedbackRecord { sold: None, ..day(4, 60.0, 0.0) }),
        with_forecast(day(5, 10.0, 45.0)),
    ];
    let all = all_of(&records);
    assert_eq!((all.days, all.days_waiting, all.days_flagged, all.days_sold_out), (5, 1, 1, 2));
    assert_eq!(all.service_level, Some(0.5));
    // 45, 55, 45 of 50, and 45 of which the forecast makes 52.5.
    let (sold, asked) = (190.0, 45.0 + 55.0 + 50.0 + all.units.demand - 150.0);
    assert!((all.fill_rate.expect("sold") - sold / asked).abs() < 1e-9);
    assert!((all.units.demand - 202.5).abs() < 0.2, "{}", all.units.demand);
    assert_eq!(all.waste_share, Some(20.0 / 165.0));
    assert_eq!(all.days_of_errors, 4);
    assert!((all.bias.expect("errors") - (200.0 - all.units.demand) / all.units.demand).abs() < 1e-9);
    assert_eq!(all.variance_of_brought.days, 4);
    assert_eq!(all.variance_of_sold.mean, (-10.0 + 0.0 - 10.0 - 10.0) / 4.0);
    assert_eq!(all.variance_of_brought.mean_absolute, (5.0 + 5.0 + 10.0 + 5.0) / 4.0 - 0.0);
}

#[test]
fn quantiles_are_held_against_days_that_ran_out_only_as_far_as_they_tell() {
    let share = |records: &[FeedbackRecord], place: usize| {
        let calibration = all_of(records).calibration[place];
        (calibration.days, calibration.below)
    };
    // P90 is 58. Ran out at 59: above. Ran out at 50: half of what is left lies above 50, and of that
    // (0.9 - 0.5) / (1 - 0.5) below P90.
    assert_eq!(share(&[with_forecast(day(1, 200.0, 57.0))], 2), (1, 1.0));
    assert_eq!(share(&[with_forecast(day(1, 59.0, 59.0))], 2), (1, 0.0));
    let (days, below) = share(&[with_forecast(day(1, 50.0, 50.0))], 2);
    assert!(days == 1 && (below - 0.8).abs() < 1e-9, "{below}");
}

#[test]
fn groups_are_told_apart_as_asked() {
    let harbour = |week| FeedbackRecord { market_id: "harbour".to_owned(), ..day(week, 50.0, 40.0) };
    let roll = |week| FeedbackRecord { product_id: "roll".to_owned(), ..day(week, 50.0, 40.0) };
    let records = [day(1, 50.0, 40.0), day(2, 50.0, 40.0), day(6, 50.0, 40.0), harbour(1), roll(1)];
    let judged = judge(&records, &LastDaysRule::default());
    let groups = |grouping| {
        let groups = statistics(&judged, grouping, &StatisticsSettings::default());
        groups.into_iter().map(|group| group.days).collect::<Vec<_>>()
    };
    assert_eq!(groups(Grouping::default()), [5]);
    assert_eq!(groups(Grouping { by_product: true, ..Grouping::default() }), [4, 1]);
    assert_eq!(groups(Grouping { by_market: true, ..Grouping::default() }), [1, 4]);
    let months = Grouping { by_period: Some(Period::Month), ..Grouping::default() };
    assert_eq!(groups(months), [4, 1]);
    let each = Grouping { by_product: true, by_market: true, by_period: Some(Period::Year) };
    assert_eq!(groups(each), [1, 3, 1]);
    assert!(statistics(&[], each, &StatisticsSettings::default()).is_empty());
}

#[test]
fn periods_begin_where_the_calendar_says() {
    let thursday = date(2026, 1, 1);
    assert_eq!(Period::Week.start(thursday), date(2025, 12, 29));
    assert_eq!(Period::Week.start(date(2025, 12, 29)), date(2025, 12, 29));
    assert_eq!(Period::Month.start(date(2026, 2, 28)), date(2026, 2, 1));
    assert_eq!(Period::Quarter.start(date(2026, 12, 31)), date(2026, 10, 1));
    assert_eq!(Period::Quarter.start(date(2026, 3, 31)), date(2026, 1, 1));
    assert_eq!(Period::Year.start(date(2026, 3, 31)), date(2026, 1, 1));
}
