//! The curve of a day's sales: even without days, near the truth with many.

use super::*;

/// Sales at `at` of the opening hours, one unit each.
fn day(times: &[f64], sold_out: bool) -> SalesOfADay {
    SalesOfADay { sales: times.iter().map(|&at| (at, 1.0)).collect(), sold_out }
}

#[test]
fn without_days_sales_come_evenly() {
    let even = SalesCurve::even();
    for at in [0.0, 0.13, 0.5, 0.77, 1.0] {
        assert!((even.share_by(at) - at).abs() < 1e-12, "{at}");
    }
    assert_eq!((even.days(), even.spread_at(0.0), even.spread_at(1.0)), (0, 0.0, 0.0));
    assert!(even.spread_at(0.5) > 0.1);
}

#[test]
fn many_days_outweigh_the_even_one() {
    // Three of four units go in the first quarter.
    let days = vec![day(&[0.05, 0.1, 0.2, 0.9], false); 99];
    let curve = SalesCurve::learn(&days);
    assert!((curve.share_by(0.25) - 0.745).abs() < 1e-9, "{}", curve.share_by(0.25));
    assert!(curve.spread_at(0.25) < 0.07, "{}", curve.spread_at(0.25));
    assert_eq!(curve.days(), 99);
}

#[test]
fn days_that_sold_out_and_days_of_nonsense_teach_nothing() {
    let nonsense =
        SalesOfADay { sales: vec![(f64::NAN, 1.0), (0.5, -3.0), (0.2, f64::INFINITY)], sold_out: false };
    let curve = SalesCurve::learn(&[day(&[0.01, 0.02], true), nonsense, day(&[], false)]);
    assert_eq!(curve, SalesCurve::even());
}

#[test]
fn the_curve_never_falls() {
    let curve = SalesCurve::learn(&[day(&[-1.0, 0.3, 0.31, 7.0], false), day(&[0.5], false)]);
    let shares: Vec<f64> = (0..=100).map(|at| curve.share_by(f64::from(at) / 100.0)).collect();
    assert!(shares.windows(2).all(|pair| pair[0] <= pair[1]), "{shares:?}");
    assert!((shares[100] - 1.0).abs() < 1e-12);
}
