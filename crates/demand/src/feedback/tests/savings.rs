//! Savings against every demand there could have been.

use proptest::prelude::*;

use super::super::{DemandBasis, DemandSeen, FeedbackRecord, LastDaysRule, Saving, judge};
use super::super::{Grouping, StatisticsSettings, statistics};
use super::{day, forecast, uniform};
use crate::accuracy::UnitCosts;

proptest! {
    #[test]
    fn no_demand_saves_less_than_the_least_or_more_than_the_most(
        (missing, left_over) in (0.0_f64..10.0, 0.0_f64..10.0),
        (chosen, other) in (0.0_f64..100.0, 0.0_f64..100.0),
        (sold, more) in (0.0_f64..100.0, 0.0_f64..200.0),
        ran_out: bool,
    ) {
        let costs = UnitCosts { missing, left_over };
        let (estimate, basis) = if ran_out { (sold * 1.2, DemandBasis::Forecast) } else { (sold, DemandBasis::Sold) };
        let saving = Saving::between(&costs, &DemandSeen { at_least: sold, estimate, basis }, chosen, other);
        prop_assert!(saving.at_least_micros <= saving.estimate_micros);
        prop_assert!(saving.estimate_micros <= saving.at_most_micros);
        let demand = if ran_out { sold + more } else { sold };
        let truth = costs.newsvendor_cost(other, demand) - costs.newsvendor_cost(chosen, demand);
        prop_assert!(truth * 1e6 >= saving.at_least_micros as f64 - 1.0);
        prop_assert!(truth * 1e6 <= saving.at_most_micros as f64 + 1.0);
        if !ran_out {
            prop_assert_eq!(saving.at_least_micros, saving.at_most_micros);
        }
    }

    #[test]
    fn what_one_saves_the_other_loses(chosen in 0.0_f64..50.0, other in 0.0_f64..50.0, sold in 0.0_f64..50.0, ran_out: bool) {
        let costs = UnitCosts { missing: 4.0, left_over: 2.0 };
        let basis = if ran_out { DemandBasis::EvenSales } else { DemandBasis::Sold };
        let demand = DemandSeen { at_least: sold, estimate: sold, basis };
        let (one, two) = (Saving::between(&costs, &demand, chosen, other), Saving::between(&costs, &demand, other, chosen));
        prop_assert!((one.estimate_micros + two.estimate_micros).abs() <= 1);
        prop_assert!((one.at_least_micros + two.at_most_micros).abs() <= 1);
    }
}

#[test]
fn a_day_that_ran_out_below_both_plans_is_reckoned_between_its_ends() {
    // Loaf: too few cost 4, too many 2. 30 brought and gone; the plan said 30, the vendor meant 40.
    let record = FeedbackRecord {
        recommended: Some(30.0),
        planned: Some(40.0),
        sold_out_at: Some(0.75),
        ..day(1, 30.0, 30.0)
    };
    let records = [record];
    let judged = judge(&records, &LastDaysRule::default());
    let all = &statistics(&judged, Grouping::default(), &StatisticsSettings::default())[0];
    let money = all.money[0].1;
    // At 30 asked for, ten leftovers are saved; at 40 and more, ten sales are missed; 40 is the guess.
    assert_eq!(money.saved_over_own_plan.at_most_micros, 20_000_000);
    assert_eq!(money.saved_over_own_plan.at_least_micros, -40_000_000);
    assert_eq!(money.saved_over_own_plan.estimate_micros, -40_000_000);
    assert_eq!(money.missed_cost_micros, 40_000_000);
    assert_eq!((money.revenue_micros, money.waste_cost_micros), (180_000_000, 0));
    assert_eq!(money.newsvendor_cost_micros(), 40_000_000);
    assert_eq!(money.saved_over_last_days_rule.days, 0, "no day before");
}

#[test]
fn what_keeps_costs_what_the_plan_said_and_currencies_are_not_added() {
    let kept = FeedbackRecord { left_over_cost_micros: Some(500_000), ..day(1, 30.0, 20.0) };
    let mut francs = day(2, 30.0, 20.0);
    if let Some(terms) = &mut francs.terms {
        terms.currency = crate::quantity::Currency::parse("currency", "CHF").expect("three letters");
    }
    let records = [kept, francs, FeedbackRecord { terms: None, ..day(3, 9.0, 9.0) }];
    let judged = judge(&records, &LastDaysRule::default());
    let all = &statistics(&judged, Grouping::default(), &StatisticsSettings::default())[0];
    let money: Vec<_> =
        all.money.iter().map(|(code, money)| (code.code(), money.waste_cost_micros)).collect();
    assert_eq!(money, [("CHF", 20_000_000), ("EUR", 5_000_000)]);
}

#[test]
fn a_forecast_that_stands_in_for_the_demand_costs_no_more_than_twice_what_was_sold() {
    let record = FeedbackRecord { forecast: forecast(uniform(0.0, 1_000.0)), ..day(1, 30.0, 30.0) };
    let records = [record];
    let judged = judge(&records, &LastDaysRule::default());
    assert_eq!(judged[0].demand.expect("sold").estimate, 60.0);
}
