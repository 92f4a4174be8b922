//! Records as they come: flawed ones are flagged, never lost, and days that ran out are told.

use super::super::{DemandBasis, FeedbackRecord, Flag, JudgedRecord, LastDaysRule, judge};
use super::{day, forecast, saturday, uniform};

/// The judgement of one record alone.
fn judged(record: &FeedbackRecord) -> JudgedRecord<'_> {
    judge(std::slice::from_ref(record), &LastDaysRule::default()).remove(0)
}

#[test]
fn a_sound_day_is_what_it_says() {
    let record = FeedbackRecord { left_over: Some(8.0), recommended: Some(45.0), ..day(1, 50.0, 42.0) };
    let one = judged(&record);
    assert!(one.flags.is_empty(), "{:?}", one.flags);
    assert_eq!(one.not_sold(), Some(8.0));
    let demand = one.demand.expect("sold");
    assert_eq!((demand.estimate, demand.basis, demand.ran_out()), (42.0, DemandBasis::Sold, false));
    let brought = one.variance_of_brought().expect("both");
    assert_eq!(brought.absolute, 5.0);
    assert!((brought.percent.expect("not of nothing") - 100.0 / 9.0).abs() < 1e-9);
    assert_eq!(one.variance_of_sold().expect("both").absolute, -3.0);
}

#[test]
fn flaws_are_flagged_and_the_rest_counts() {
    let below = day(1, 10.0, 14.0);
    let one = judged(&below);
    assert_eq!(one.flags, [Flag::BroughtBelowSold]);
    assert_eq!((one.brought, one.sold, one.not_sold()), (None, Some(14.0), None));
    assert!(one.demand.expect("sold").ran_out(), "all that was brought is gone");

    let negative = FeedbackRecord { planned: Some(f64::NAN), ..day(1, 10.0, -3.0) };
    let one = judged(&negative);
    assert_eq!(one.flags, [Flag::Impossible { field: "planned" }, Flag::Impossible { field: "sold" }]);
    assert_eq!((one.brought, one.sold, one.planned, one.demand), (Some(10.0), None, None, None));

    let halves = day(1, 10.0, 4.5);
    assert_eq!(judged(&halves).flags, [Flag::Fractional { field: "sold" }]);
    assert_eq!(judged(&halves).sold, Some(4.5));
    let weighed = FeedbackRecord { whole_units: false, ..halves };
    assert!(judged(&weighed).flags.is_empty());

    let given_away = FeedbackRecord { left_over: Some(3.0), ..day(1, 50.0, 42.0) };
    assert_eq!(judged(&given_away).flags, [Flag::LeftOverDisagrees { reckoned: 8.0 }]);
    assert_eq!(judged(&given_away).not_sold(), Some(8.0));

    let at_no_time = FeedbackRecord { sold_out_at: Some(1.5), ..day(1, 50.0, 42.0) };
    assert_eq!(judged(&at_no_time).flags, [Flag::Impossible { field: "sold_out_at" }]);

    let contradiction = FeedbackRecord { sold_out_at: Some(0.5), left_over: Some(8.0), ..day(1, 50.0, 42.0) };
    assert_eq!(judged(&contradiction).flags, [Flag::SoldOutWithLeftOver]);
    assert!(!judged(&contradiction).demand.expect("sold").ran_out());

    let slip = FeedbackRecord { forecast: forecast(uniform(0.0, 50.0)), ..day(1, 50_000.0, 42_000.0) };
    assert_eq!(judged(&slip).flags, [Flag::FarOut]);
    assert_eq!(judged(&slip).demand, None);
    for flag in [below, negative, given_away, slip].iter().flat_map(|record| judged(record).flags) {
        assert!(flag.to_string().len() > 10);
    }
}

#[test]
fn two_of_brought_sold_and_left_over_tell_the_third() {
    let unsold = FeedbackRecord { sold: None, left_over: Some(8.0), ..day(1, 50.0, 0.0) };
    assert_eq!(judged(&unsold).sold, Some(42.0));
    let unbrought = FeedbackRecord { brought: None, left_over: Some(0.0), ..day(1, 0.0, 42.0) };
    assert_eq!(judged(&unbrought).brought, Some(42.0));
    assert!(judged(&unbrought).demand.expect("sold").ran_out());
    let neither = FeedbackRecord { brought: None, ..day(1, 0.0, 42.0) };
    assert!(!judged(&neither).demand.expect("sold").ran_out(), "nobody said that it ran out");
}

#[test]
fn a_day_that_ran_out_is_judged_by_what_is_known_best() {
    let demand = |record: &FeedbackRecord| judged(record).demand.expect("sold");
    let ran_out = day(1, 40.0, 40.0);
    assert_eq!(demand(&ran_out).basis, DemandBasis::AtLeast);
    assert_eq!(demand(&ran_out).estimate, 40.0);
    // Uniform to 80: given 40 or more, 60 in the mean.
    let with_forecast = FeedbackRecord { forecast: forecast(uniform(0.0, 80.0)), ..ran_out };
    assert_eq!(demand(&with_forecast).basis, DemandBasis::Forecast);
    assert!((demand(&with_forecast).estimate - 60.0).abs() < 0.5);
    assert_eq!(demand(&with_forecast).independent(), None);
    let with_time = FeedbackRecord { sold_out_at: Some(0.8), ..with_forecast };
    assert_eq!((demand(&with_time).estimate, demand(&with_time).basis), (50.0, DemandBasis::EvenSales));
    let at_once = FeedbackRecord { sold_out_at: Some(0.01), ..with_time };
    assert_eq!(demand(&at_once).estimate, 80.0, "at most twice");
    let with_curve = FeedbackRecord { demand_estimate: Some(47.5), ..at_once };
    assert_eq!((demand(&with_curve).estimate, demand(&with_curve).basis), (47.5, DemandBasis::SalesCurve));
    assert!(judged(&with_curve).flags.is_empty());
}

#[test]
fn the_last_record_of_a_day_counts_and_the_rule_sees_earlier_days_only() {
    let records = [
        day(3, 60.0, 30.0),
        day(1, 60.0, 20.0),
        day(2, 60.0, 99.0),
        day(2, 60.0, 25.0),
        FeedbackRecord { sold: None, ..day(4, 60.0, 0.0) },
        day(5, 60.0, 10.0),
        day(6, 60.0, 10.0),
        FeedbackRecord { market_id: "harbour".to_owned(), ..day(6, 60.0, 10.0) },
    ];
    let judged = judge(&records, &LastDaysRule { days: 4, uplift: 0.2 });
    assert_eq!(judged.len(), records.len());
    let harbour = &judged[0];
    assert_eq!((harbour.record.market_id.as_str(), harbour.last_days_rule), ("harbour", None));
    let at_square: Vec<_> = judged[1..].iter().map(|one| (one.record.date, one.last_days_rule)).collect();
    assert_eq!(at_square[0], (saturday(1), None));
    assert!(judged[2].is_replaced() && !judged[3].is_replaced());
    assert_eq!(at_square[3 - 1], (saturday(2), Some(24.0)));
    assert_eq!(at_square[4 - 1], (saturday(3), Some(27.0)));
    // 20, 25 and 30 before the fourth, which nobody has counted yet.
    assert_eq!(at_square[5 - 1], (saturday(4), Some(30.0)));
    // 20, 25, 30 and 10: 21.25 and a fifth.
    assert_eq!(at_square[7 - 1], (saturday(6), Some(26.0)));
}

#[test]
fn sales_that_have_not_come_after_three_days_are_overdue() {
    let waiting = FeedbackRecord { sold: None, ..day(1, 50.0, 0.0) };
    let after = |record: &FeedbackRecord, days: i64| {
        let today = saturday(1).checked_add(jiff::Span::new().days(days)).expect("within the calendar");
        judged(record).is_overdue(today)
    };
    assert!(!after(&waiting, 3) && after(&waiting, 4) && after(&waiting, 400));
    assert!(!after(&waiting, -1), "the market is still to come");
    assert!(!after(&day(1, 50.0, 42.0), 9));
}
