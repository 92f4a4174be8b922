//! Trees learn what depends on two things at once, say nothing where there is nothing, and the same every time.

use proptest::prelude::*;

use super::example::{Example, Numbers, WIDTH};
use super::trees::{Settings, Table, Trees};
use super::*;

const SERIES: usize = 20;

/// A number from 0 to 1 that looks like chance.
fn chance(seed: u64) -> f64 {
    let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 32)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Days of twenty series on which `ratio` of the first two numbers was asked for, give or take a tenth.
fn examples(days: usize, ratio: impl Fn(f32, f32) -> f32) -> Vec<Example> {
    let one = |place: usize| {
        let mut numbers: Numbers = [0.0; WIDTH];
        for (number, value) in numbers.iter_mut().enumerate() {
            *value = chance((place * WIDTH + number) as u64) as f32;
        }
        let luck = 0.2 * (chance(1_000_000_007 + place as u64) - 0.5) as f32;
        let ratio = ratio(numbers[0], numbers[1]) + luck;
        Example { day_number: (place / SERIES) as i32, numbers, ratio, weight: 1.0, size: 0.06 }
    };
    (0..days * SERIES).map(one).collect()
}

/// The second number matters only where the first is high, so that a tree sees the first alone and finds the rest.
fn both(one: f32, other: f32) -> f32 {
    if one > 0.5 && other > 0.5 { 1.3 } else { 0.7 }
}

fn with(first: f32, second: f32) -> Numbers {
    let mut numbers = [0.5; WIDTH];
    (numbers[0], numbers[1]) = (first, second);
    numbers
}

#[test]
fn what_depends_on_two_numbers_at_once_is_learnt() {
    let boosted = Boosted::fit(&examples(400, both), &Spread::new()).expect("worth it");
    for (first, second) in [(0.2, 0.2), (0.8, 0.8), (0.2, 0.8), (0.8, 0.2)] {
        let (said, true_ratio) =
            (boosted.opinion(&with(first, second)).ratio, f64::from(both(first, second)));
        assert!((said - true_ratio).abs() < 0.06, "{first}, {second}: {said} for {true_ratio}");
    }
    assert!(boosted.opinion(&with(0.2, 0.2)).narrower < 0.7, "errors have become smaller");
}

#[test]
fn nothing_is_said_where_there_is_nothing_to_say_or_too_little_to_know_it() {
    assert!(Boosted::fit(&examples(400, |_, _| 1.0), &Spread::new()).is_none(), "chance alone");
    assert!(Boosted::fit(&examples(240, both), &Spread::new()).is_none(), "too few days");
    assert!(Boosted::fit(&[], &Spread::new()).is_none());
}

#[test]
fn the_same_examples_grow_the_same_trees() {
    let examples = examples(200, both);
    let grown = || Trees::grow(&Table::of(&examples), &Settings::new(7).with_trees(20), None);
    assert_eq!(serde_json::to_string(&grown()).unwrap(), serde_json::to_string(&grown()).unwrap());
}

#[test]
fn absurd_ratios_of_a_few_days_do_not_matter() {
    let mut examples = examples(400, both);
    for example in examples.iter_mut().step_by(50) {
        example.ratio = 5.0;
    }
    let boosted = Boosted::fit(&examples, &Spread::new()).expect("worth it");
    let said = boosted.opinion(&with(0.2, 0.8)).ratio;
    assert!((said - 0.7).abs() < 0.06, "{said}");
}

proptest! {
    #[test]
    fn it_never_says_what_cannot_be(first in any::<f32>(), second in any::<f32>()) {
        let examples = examples(60, both);
        let trees = Trees::grow(&Table::of(&examples), &Settings::new(3).with_trees(5), None);
        prop_assert!((0.5..=1.5).contains(&trees.say(&with(first, second))));
    }
}
