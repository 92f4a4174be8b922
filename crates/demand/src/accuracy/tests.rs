//! Worked examples, refusals and the laws that tie pinball loss to quantiles and to money.

use proptest::prelude::*;

use super::*;

fn days(pairs: &[(f64, f64)]) -> Vec<Judged> {
    pairs.iter().map(|&(actual, forecast)| Judged { actual, forecast }).collect()
}

fn near(value: Option<f64>, expected: f64) {
    assert!((value.unwrap() - expected).abs() < 1e-12, "{value:?} is not {expected}");
}

#[test]
fn worked_by_hand() {
    let judged = days(&[(10.0, 8.0), (20.0, 25.0), (10.0, 10.0)]);
    near(wape(&judged), 7.0 / 40.0);
    near(bias(&judged), 3.0 / 40.0);
    near(coverage(&judged), 2.0 / 3.0);
    // 2 too low at .8 and 5 too high at .2.
    near(scaled_pinball(0.8, &judged), (1.6 + 1.0) / 40.0);
    near(interval_coverage(&[(1.0, 1.0, 2.0), (1.0, 3.0, 2.0), (1.0, 2.0, 2.0), (1.0, 0.0, 2.0)]), 0.5);
}

#[test]
fn nothing_to_judge_is_no_number() {
    let nothing = days(&[(0.0, 3.0)]);
    assert_eq!((wape(&nothing), bias(&nothing), scaled_pinball(0.5, &nothing)), (None, None, None));
    assert_eq!((coverage(&[]), interval_coverage(&[])), (None, None));
}

#[test]
fn the_loaf_of_six_dollars() {
    // $6 loaf, $2 cost, $0.50 salvage.
    let loaf = UnitCosts { missing: 4.0, left_over: 1.5 };
    assert!((loaf.critical_fractile() - 0.727).abs() < 5e-4);
    assert!((loaf.newsvendor_cost(10.0, 12.0) - 8.0).abs() < 1e-12);
    assert!((loaf.newsvendor_cost(12.0, 10.0) - 3.0).abs() < 1e-12);
    let free = UnitCosts { missing: 0.0, left_over: 0.0 };
    assert!((free.critical_fractile() - 0.5).abs() < 1e-12);
}

proptest! {
    /// The order statistic is what pinball loss asks for: no other value does better.
    #[test]
    fn a_sample_quantile_minimises_pinball(
        mut sample in prop::collection::vec(0.0..100.0_f64, 1..30), level in 0.05..0.95_f64, other in 0.0..100.0_f64,
    ) {
        sample.sort_by(f64::total_cmp);
        let total = |forecast: f64| -> f64 {
            sample.iter().map(|&actual| pinball(level, Judged { actual, forecast })).sum()
        };
        let at = ((level * sample.len() as f64).ceil() as usize).max(1) - 1;
        prop_assert!(total(sample[at]) <= total(other) + 1e-9);
    }

    /// Cost at a critical fractile is pinball loss times the sum of both costs.
    #[test]
    fn newsvendor_cost_is_pinball(
        missing in 0.1..10.0_f64, left_over in 0.1..10.0_f64, forecast in 0.0..50.0_f64, actual in 0.0..50.0_f64,
    ) {
        let costs = UnitCosts { missing, left_over };
        let loss = pinball(costs.critical_fractile(), Judged { actual, forecast }) * (missing + left_over);
        prop_assert!((costs.newsvendor_cost(forecast, actual) - loss).abs() < 1e-9);
    }
}
