//! Metrics against values worked out by hand, intervals against what is known of them, and
//! why sampled negatives are not used.

use std::collections::HashSet;

use super::*;

fn set(products: &[u32]) -> HashSet<u32> {
    products.iter().copied().collect()
}

fn scores(list: &[u32], wanted: &[u32], before: &[u32], length: usize) -> CustomerScores {
    score_list(list, &set(wanted), &set(before), length).expect("something is wanted")
}

/// Numbers that look random and are the same in every run.
fn noise(number: usize) -> f64 {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64 / (1_u64 << 53) as f64
}

#[test]
fn a_list_scores_what_was_worked_out_by_hand() {
    // Hits at places 1 and 3 of 4; three were wanted, so the ideal list has hits at 1, 2 and 3.
    let found = scores(&[10, 11, 12, 13], &[10, 12, 99], &[10, 99], 4);
    assert_eq!(found.recall, 2.0 / 3.0);
    assert_eq!(found.precision, 0.5);
    assert_eq!(found.hit, 1.0);
    assert!((found.ndcg - 1.5 / (1.0 + 1.0 / 3.0_f64.log2() + 0.5)).abs() < 1e-12);
    assert_eq!(found.repeat_recall, Some(0.5));
    assert_eq!(found.explore_recall, Some(1.0));
}

#[test]
fn the_ideal_list_is_no_longer_than_the_length_asked_for() {
    let found = scores(&[1, 2, 7, 8], &[1, 2, 3, 4, 5], &[], 2);
    assert_eq!(found.ndcg, 1.0);
    assert_eq!(found.recall, 0.4);
    assert_eq!(found.repeat_recall, None);
}

#[test]
fn a_product_that_stands_twice_counts_once() {
    let found = scores(&[1, 1, 1], &[1, 2], &[], 3);
    assert_eq!(found.recall, 0.5);
    assert!(found.ndcg < 1.0);
}

#[test]
fn a_short_list_is_not_more_precise() {
    assert_eq!(scores(&[1], &[1], &[], 10).precision, 0.1);
    assert_eq!(scores(&[], &[1], &[], 10).hit, 0.0);
}

#[test]
fn a_customer_who_wanted_nothing_does_not_count() {
    assert_eq!(score_list(&[1], &set(&[]), &set(&[]), 10), None);
    let evaluation: Evaluation =
        [score_list(&[1], &set(&[1]), &set(&[]), 10), score_list(&[1], &set(&[]), &set(&[]), 10)]
            .into_iter()
            .collect();
    assert_eq!(evaluation.values(Metric::Recall), [1.0]);
    assert!(evaluation.values(Metric::RepeatRecall).is_empty());
}

#[test]
fn pairs_tell_a_small_difference_that_means_alone_do_not() {
    let b: Vec<f64> = (0..400).map(noise).collect();
    let a: Vec<f64> = b.iter().enumerate().map(|(at, b)| b + 0.02 * noise(at + 1000)).collect();
    let compared = compare(&a, &b, 7);
    assert!((compared.difference - 0.01).abs() < 0.002, "{compared:?}");
    assert!(compared.is_better() && !compared.is_worse() && compared.is_at_least(1.0));
    assert!(!compare(&b, &a, 7).is_at_least(1.0) && compare(&b, &a, 7).is_worse());
    let (mean_a, mean_b) = (estimate(&a, 7), estimate(&b, 7));
    assert!(mean_a.interval.lower < mean_b.interval.upper, "unpaired intervals overlap");
    let ratios = compared.ratio_interval.expect("b is not zero");
    let ratio = compared.ratio().expect("b is not zero");
    assert!(1.0 < ratios.lower && ratios.lower < ratio && ratio < ratios.upper);
}

#[test]
fn the_interval_of_a_mean_is_as_wide_as_theory_says() {
    let values: Vec<f64> = (0..1000).map(noise).collect();
    let found = estimate(&values, 1);
    let deviation = (values.iter().map(|value| (value - found.mean).powi(2)).sum::<f64>() / 1000.0).sqrt();
    let expected = 2.0 * 1.96 * deviation / 1000.0_f64.sqrt();
    let width = found.interval.upper - found.interval.lower;
    assert!((width / expected - 1.0).abs() < 0.1, "{width} instead of {expected}");
    assert_eq!(found, estimate(&values, 1));
    assert_ne!(found.interval, estimate(&values, 2).interval);
}

#[test]
fn the_interval_holds_the_truth_about_95_times_in_100() {
    let covered = (0..300).filter(|world| {
        let values: Vec<f64> = (0..120).map(|at| noise(world * 120 + at)).collect();
        let interval = estimate(&values, *world as u64).interval;
        interval.lower <= 0.5 && 0.5 <= interval.upper
    });
    let share = covered.count() as f64 / 300.0;
    assert!((0.91..=0.985).contains(&share), "{share}");
}

#[test]
fn nothing_is_claimed_without_customers() {
    let compared = compare(&[], &[], 1);
    assert!(!compared.is_better() && !compared.is_at_least(0.5));
    assert!(compared.interval.lower.is_nan() && compared.ratio_interval.is_none());
    assert_eq!(compare(&[0.5, 0.5], &[0.0, 0.0], 1).ratio_interval, None);
}

#[test]
#[should_panic(expected = "the same customers")]
fn values_that_are_no_pairs_are_refused() {
    compare(&[1.0], &[1.0, 2.0], 1);
}

#[test]
fn lists_together_are_measured() {
    let lists: [&[u32]; 2] = [&[1, 2], &[1, 3]];
    assert_eq!(coverage(lists, 6), 0.5);
    assert_eq!(coverage(lists, 0), 0.0);
    // Everybody of three bought 1, nobody the others: 0 bits and 2 bits.
    let novelty = novelty_bits(lists, |product| if *product == 1 { 3 } else { 0 }, 3);
    assert_eq!(novelty, 1.0);
    let alike = intra_list_similarity(lists, |one, other| f64::from(one + other));
    assert_eq!(alike, 3.5);
    assert_eq!(intra_list_similarity([[1_u32].as_slice()], |_, _| 1.0), 0.0);
}

/// Recall at 10 of one wanted product that stands at `place` of 10,000, measured in full and
/// measured among 100 others drawn by chance.
fn full_and_sampled(place: usize, customer: usize) -> (f64, f64) {
    let drawn = (0..100).map(|draw| (noise(customer * 100 + draw) * 9_999.0) as usize);
    let above = drawn.filter(|other| *other < place).count();
    (f64::from(u8::from(place < 10)), f64::from(u8::from(above < 10)))
}

#[test]
fn sampled_negatives_turn_an_ordering_round_and_full_ranking_does_not() {
    // One method finds four wanted products in ten and loses the others; the other one never shows
    // any, since all stand at place 300. Only the first is of use to a shopper.
    let of_method = |place: fn(usize) -> usize| -> (Vec<f64>, Vec<f64>) {
        (0..500).map(|customer| full_and_sampled(place(customer), customer)).unzip()
    };
    let (useful_full, useful_sampled) = of_method(|customer| if customer % 5 < 2 { 3 } else { 5_000 });
    let (useless_full, useless_sampled) = of_method(|_| 300);
    assert!(compare(&useful_full, &useless_full, 3).is_better());
    assert!(compare(&useful_sampled, &useless_sampled, 3).is_worse());
}
