//! The correction of sell-outs: what is known is kept, what ran out is raised, nothing beyond reason.

use jiff::{ToSpan, civil::date};

use super::*;
use crate::DayOutlook;

fn day(week: i32, sold: f64, brought: Option<f64>, sold_out_at: Option<f64>) -> PastDay {
    let date = date(2025, 1, 4) + (7 * week).days();
    PastDay { date, sold, brought, sold_out_at, outlook: DayOutlook::default() }
}

fn corrected(days: &[PastDay]) -> Vec<Corrected> {
    let days: Vec<&PastDay> = days.iter().collect();
    let curve = SalesCurve::even();
    let variation = variation(std::slice::from_ref(&days), &curve);
    demand_of(&days, &curve, variation)
}

#[test]
fn days_that_did_not_run_out_are_kept() {
    let days: Vec<PastDay> = (0..9).map(|week| day(week, f64::from(40 + week), Some(60.0), None)).collect();
    for (day, corrected) in days.iter().zip(corrected(&days)) {
        assert_eq!(corrected, Corrected { demand: day.sold, certainty: 1.0, sold_out: false });
    }
}

#[test]
fn the_earlier_it_ran_out_the_more_was_asked_for() {
    let mut days: Vec<PastDay> = (0..20).map(|week| day(week, 50.0, None, None)).collect();
    let mut before = f64::INFINITY;
    for at in [0.4, 0.6, 0.8, 1.0] {
        days[10] = day(10, 45.0, None, Some(at));
        let demand = corrected(&days)[10].demand;
        assert!(demand <= before && demand >= 45.0, "{at}: {demand}");
        before = demand;
    }
    assert!((before - 45.0).abs() < 1e-9, "at closing nothing was missed: {before}");
}

#[test]
fn all_that_was_brought_was_sold() {
    let mut days: Vec<PastDay> = (0..20).map(|week| day(week, 50.0, Some(70.0), None)).collect();
    days[10] = day(10, 45.0, Some(45.0), None);
    days[11] = day(11, 60.0, Some(60.0), None);
    let corrected = corrected(&days);
    assert!(corrected[10].demand > 46.0 && corrected[11].demand > 60.0, "{corrected:?}");
    assert!(corrected[11].sold_out && corrected[11].certainty < 1.0);
}

#[test]
fn nothing_is_raised_beyond_reason() {
    let sold_out = [Some(0.001), Some(f64::NAN), Some(-3.0), None];
    let days: Vec<PastDay> = (0..).zip(sold_out).map(|(week, at)| day(week, 4.0, Some(4.0), at)).collect();
    for corrected in corrected(&days) {
        assert!((4.0..=12.0).contains(&corrected.demand), "{corrected:?}");
    }
}
