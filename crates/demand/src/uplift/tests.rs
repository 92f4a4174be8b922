//! Uplift against a truth that is known.

use super::{Dice, Uplift, UpliftDay};

fn day(series: &str, promoted: bool, quantity: f64) -> UpliftDay {
    UpliftDay { series: series.to_owned(), promoted, quantity }
}

#[test]
fn products_of_different_size_are_compared_with_themselves() {
    // Bread sells 100, cake 10; both half as much again. Comparing all promoted with all other days
    // would say otherwise, since only bread is promoted often.
    let mut days: Vec<_> = (0..10).map(|_| day("bread", false, 100.0)).collect();
    days.extend((0..10).map(|_| day("bread", true, 150.0)));
    days.extend((0..30).map(|_| day("cake", false, 10.0)));
    days.push(day("cake", true, 15.0));
    let uplift = Uplift::of(&days).expect("days of both kinds");
    assert!((uplift.factor - 1.5).abs() < 1e-9, "{uplift:?}");
    assert!((uplift.low - 1.5).abs() < 1e-9 && (uplift.high - 1.5).abs() < 1e-9, "{uplift:?}");
}

#[test]
fn too_few_days_say_nothing() {
    let few = [day("a", false, 1.0), day("a", false, 1.0), day("a", false, 1.0), day("a", true, 9.0)];
    assert_eq!(Uplift::of(&few), None);
    let nothing_sold: Vec<_> = (0..8).map(|number| day("a", number % 2 == 0, 0.0)).collect();
    assert_eq!(Uplift::of(&nothing_sold), None);
    assert_eq!(Uplift::of(&[]), None);
}

#[test]
fn the_interval_covers_the_truth_about_as_often_as_it_says() {
    let (mut covered, worlds) = (0, 200);
    for world in 0..worlds {
        let mut dice = Dice(world * 7_919 + 3);
        let mut quantity = |mean: f64| {
            let uniform = (0..12).map(|_| dice.next() as f64 / u64::MAX as f64).sum::<f64>() - 6.0;
            (mean * (1.0 + 0.25 * uniform)).max(0.0)
        };
        let mut days: Vec<_> = (0..40).map(|_| day("a", false, quantity(20.0))).collect();
        days.extend((0..15).map(|_| day("a", true, quantity(26.0))));
        let uplift = Uplift::of(&days).expect("days of both kinds");
        covered += u32::from(uplift.low <= 1.3 && 1.3 <= uplift.high);
    }
    let part = f64::from(covered) / worlds as f64;
    assert!((0.88..=0.99).contains(&part), "{part}");
}
