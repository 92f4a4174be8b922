//! Signals: worked values, how often they cry wolf, and how soon they tell.

use super::super::paired::chance_of_being_as_high;
use super::super::{Drift, PageHinkley, binomial_band, smoothed_signal, tracking_signal};
use super::Dice;

#[test]
fn the_tracking_signal_is_the_sum_over_the_mean_size() {
    assert_eq!(tracking_signal(&[1.0, -1.0, 2.0, -2.0, 3.0]), None);
    assert_eq!(tracking_signal(&[1.0, -1.0, 2.0, -2.0, 3.0, -3.0]), Some(0.0));
    assert_eq!(tracking_signal(&[2.0; 6]), Some(6.0));
    assert_eq!(tracking_signal(&[0.0; 6]), None);
    // 4 of 8 in sum, 12 / 8 in mean size.
    let errors = [2.0, 2.0, 2.0, -1.0, -1.0, -1.0, -1.0, 2.0];
    assert!((tracking_signal(&errors).expect("enough") - 4.0 / 1.5).abs() < 1e-12);
}

#[test]
fn of_six_unbiased_errors_the_tracking_signal_is_beyond_four_one_time_in_five() {
    let mut dice = Dice(11);
    let calls = (0..20_000)
        .filter(|_| {
            let errors: Vec<f64> = (0..6).map(|_| dice.normal()).collect();
            tracking_signal(&errors).expect("enough").abs() > 4.0
        })
        .count();
    let share = calls as f64 / 20_000.0;
    assert!((0.19..0.22).contains(&share), "{share}");
}

#[test]
fn the_smoothed_signal_stays_within_one_and_finds_a_bias() {
    assert_eq!(smoothed_signal(&[1.0; 5], 0.1), None);
    let biased = smoothed_signal(&[1.0; 60], 0.1).expect("enough");
    assert!((0.99..=1.0).contains(&biased), "{biased}");
    let mut dice = Dice(3);
    let errors: Vec<f64> = (0..200).map(|_| dice.normal()).collect();
    assert!(smoothed_signal(&errors, 0.1).expect("enough").abs() < 0.6);
}

/// After how many errors it calls, and which way; errors are shifted from the thirtieth on.
fn call(dice: &mut Dice, days: usize, shift: f64) -> Option<(usize, Drift)> {
    let mut test = PageHinkley::new(0.35, 8.0);
    (0..days).find_map(|day| {
        let error = dice.normal() + if day >= 30 { shift } else { 0.0 };
        test.take(error).map(|direction| (day, direction))
    })
}

#[test]
fn page_hinkley_seldom_cries_wolf_and_soon_finds_a_shift() {
    let mut dice = Dice(5);
    let false_alarms = (0..2_000).filter(|_| call(&mut dice, 60, 0.0).is_some()).count();
    assert!(false_alarms < 2_000 * 6 / 100, "{false_alarms} of 2000 in 60 days");
    for (shift, direction) in [(1.0, Drift::Up), (-1.0, Drift::Down)] {
        let calls: Vec<_> = (0..2_000).map(|_| call(&mut dice, 60, shift)).collect();
        let right: Vec<usize> = calls
            .iter()
            .flatten()
            .filter(|(day, found)| *day >= 30 && *found == direction)
            .map(|(day, _)| day - 30)
            .collect();
        assert!(right.len() > 2_000 * 95 / 100, "{} of 2000 found", right.len());
        let delay = right.iter().sum::<usize>() as f64 / right.len() as f64;
        assert!(delay < 14.0, "{delay} days");
    }
}

#[test]
fn the_binomial_band_is_exact() {
    // 10 fair tosses: 0 or 10 with 2 / 1024; 0, 1, 9 or 10 with 22 / 1024.
    assert_eq!(binomial_band(0.5, 10, 0.01), (1, 9));
    assert_eq!(binomial_band(0.5, 10, 0.05), (2, 8));
    assert_eq!(binomial_band(0.9, 0, 0.05), (0, 0));
    // P(X <= 83) = .0206, P(X <= 84) = .0399; P(X >= 96) = .0237, P(X >= 95) = .0576 of 100 at .9.
    assert_eq!(binomial_band(0.9, 100, 0.05), (84, 95));
    let (lowest, highest) = binomial_band(0.9, 5_000, 0.01);
    assert!((4_440..4_450).contains(&lowest) && (4_550..4_560).contains(&highest), "{lowest} {highest}");
}

#[test]
fn the_signed_rank_chance_is_exact() {
    assert_eq!(chance_of_being_as_high(&[]), 1.0);
    assert_eq!(chance_of_being_as_high(&[0.0, 0.0]), 1.0);
    assert_eq!(chance_of_being_as_high(&[1.0, 2.0, 3.0, 4.0, 5.0]), 1.0 / 32.0);
    // Rank sums of 3 or more of ranks 1 and 2: only both. 2 or more: {2}, {1, 2}.
    assert_eq!(chance_of_being_as_high(&[-1.0, 2.0]), 0.5);
    // Ties: both ranks 1.5; one of two up is 1.5 or more in three of four ways.
    assert_eq!(chance_of_being_as_high(&[-1.0, 1.0]), 0.75);
}

#[test]
fn the_signed_rank_chance_agrees_with_drawing_signs() {
    let differences = [0.3, -0.1, 0.7, 0.2, -0.4, 0.9, 0.1, 0.25, -0.6, 0.8, 0.5];
    let mut sizes: Vec<f64> = differences.iter().map(|value: &f64| value.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let rank = |size: f64| {
        let first = sizes.iter().position(|other| *other == size).expect("one of them");
        let ties = sizes.iter().filter(|other| **other == size).count();
        first as f64 + (ties as f64 + 1.0) / 2.0
    };
    let sum = |signs: u32| -> f64 {
        (0..differences.len())
            .filter(|place| signs >> place & 1 == 1)
            .map(|place| rank(differences[place].abs()))
            .sum()
    };
    let observed: f64 = differences.iter().filter(|value| **value > 0.0).map(|value| rank(*value)).sum();
    let as_high = (0..1_u32 << differences.len()).filter(|&signs| sum(signs) >= observed).count();
    let chance = as_high as f64 / f64::from(1_u32 << differences.len());
    assert!((chance_of_being_as_high(&differences) - chance).abs() < 1e-12);
}
