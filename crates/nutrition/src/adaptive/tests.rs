//! The truth is known in a simulation: the estimate must come near it and its band must hold it
//! as often as it says, with gaps, water and slips.

use super::*;
use proptest::prelude::*;

/// Numbers that look like chance and are the same every time (SplitMix64).
struct Chance(u64);

impl Chance {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self, deviation: f64) -> f64 {
        let (one, two) = (self.share().max(1e-12), self.share());
        deviation * (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * two).cos()
    }
}

fn formula(kcal: f64) -> Estimate {
    Estimate {
        kcal,
        low_kcal: 0.9 * kcal,
        high_kcal: 1.1 * kcal,
        derivation: Derivation::of("total_kcal", kcal),
    }
}

struct World {
    formula_kcal: f64,
    truth_kcal: f64,
    weights: Vec<WeighIn>,
    intakes: Vec<IntakeDay>,
}

/// Somebody who uses what a formula does not know, eats unevenly, holds water, forgets days.
fn world(seed: u64, days: i64, logged: f64, slips: f64) -> World {
    let mut chance = Chance(seed);
    let formula_kcal = 1700.0 + 1200.0 * chance.share();
    let mut truth_kcal = formula_kcal + chance.normal(280.0);
    let habit_kcal = truth_kcal - 600.0 * chance.share();
    let (mut weight_kg, mut water_kg) = (60.0 + 50.0 * chance.share(), 0.0);
    let (mut weights, mut intakes) = (Vec::new(), Vec::new());
    for day in 0..days {
        water_kg = 0.5 * water_kg + chance.normal(0.4);
        if chance.share() < logged {
            let slip = if chance.share() < slips { 10.0 + 30.0 * chance.share() } else { 0.0 };
            weights.push(WeighIn { day, weight_kg: weight_kg + water_kg + chance.normal(0.3) + slip });
        }
        let eaten = (habit_kcal + chance.normal(350.0)).max(0.0);
        if chance.share() < logged {
            let part = if chance.share() < slips { 0.1 } else { 1.0 };
            intakes.push(IntakeDay { day, energy_kcal: (part * (eaten + chance.normal(150.0))).max(0.0) });
        }
        weight_kg += (eaten - truth_kcal) / 7700.0;
        truth_kcal += chance.normal(4.0);
    }
    World { formula_kcal, truth_kcal, weights, intakes }
}

/// Mean error of the estimate and of the formula in kcal, and how often the band holds the truth.
fn errors(days: i64, logged: f64, slips: f64) -> (f64, f64, f64) {
    let (mut own, mut of_formula, mut held) = (0.0, 0.0, 0.0);
    let worlds = 400;
    for seed in 0..worlds {
        let world = world(seed, days, logged, slips);
        let learned = adaptive_expenditure(&formula(world.formula_kcal), &world.weights, &world.intakes)
            .expect("the logs are sound");
        let Estimate { kcal, low_kcal, high_kcal, .. } = learned.expenditure;
        own += (kcal - world.truth_kcal).abs();
        of_formula += (world.formula_kcal - world.truth_kcal).abs();
        held += f64::from((low_kcal..=high_kcal).contains(&world.truth_kcal));
    }
    let count = worlds as f64;
    (own / count, of_formula / count, held / count)
}

#[test]
fn six_weeks_of_logs_beat_the_formula_and_the_band_is_honest() {
    let (own, of_formula, held) = errors(42, 1.0, 0.0);
    assert!(own < 100.0 && of_formula > 200.0, "{own} against {of_formula}");
    assert!((0.85..=0.98).contains(&held), "the band of 90 % held {held}");
}

#[test]
fn gaps_and_slips_cost_little_and_the_band_stays_honest() {
    let (own, of_formula, held) = errors(56, 0.7, 0.02);
    assert!(own < 0.65 * of_formula, "{own} against {of_formula}");
    assert!((0.82..=0.99).contains(&held), "the band of 90 % held {held}");
}

#[test]
fn more_days_tell_more() {
    let (two_weeks, _, _) = errors(14, 1.0, 0.0);
    let (twelve_weeks, _, _) = errors(84, 1.0, 0.0);
    assert!(twelve_weeks < 0.6 * two_weeks, "{twelve_weeks} against {two_weeks}");
}

#[test]
fn without_logs_the_formula_stands() {
    let learned = adaptive_expenditure(&formula(2400.0), &[], &[]).expect("nothing is refused");
    assert!((learned.expenditure.kcal - 2400.0).abs() < 1e-9);
    assert_eq!(learned.confidence, Confidence::Low);
    assert_eq!(learned.trend_weight_kg, None);
    let one = [WeighIn { day: 20_000, weight_kg: 80.0 }];
    let learned = adaptive_expenditure(&formula(2400.0), &one, &[]).expect("nothing is refused");
    assert_eq!(learned.trend_weight_kg, Some(80.0));
    assert!((learned.expenditure.kcal - 2400.0).abs() < 1e-9);
}

#[test]
fn weights_alone_without_intakes_change_nothing() {
    let weights: Vec<WeighIn> =
        (0..60).map(|day| WeighIn { day, weight_kg: 80.0 - 0.05 * day as f64 }).collect();
    let learned = adaptive_expenditure(&formula(2400.0), &weights, &[]).expect("nothing is refused");
    assert!((learned.expenditure.kcal - 2400.0).abs() < 1.0, "{}", learned.expenditure.kcal);
    assert_eq!(learned.confidence, Confidence::Low);
    assert!(learned.weekly_change_kg.is_some_and(|change| change < -0.2));
}

#[test]
fn an_even_life_is_learned_as_energy_balance_says() {
    // 0.05 kg less a day is 385 kcal, so 2,000 kcal eaten are 2,385 used.
    let weights: Vec<WeighIn> =
        (0..120).map(|day| WeighIn { day, weight_kg: 90.0 - 0.05 * day as f64 }).collect();
    let intakes: Vec<IntakeDay> = (0..120).map(|day| IntakeDay { day, energy_kcal: 2000.0 }).collect();
    let learned = adaptive_expenditure(&formula(2000.0), &weights, &intakes).expect("nothing is refused");
    assert!((learned.expenditure.kcal - 2385.0).abs() < 15.0, "{}", learned.expenditure.kcal);
    assert_eq!(learned.confidence, Confidence::High);
    assert!(learned.weekly_change_kg.is_some_and(|change| (change + 0.35).abs() < 0.03));
    assert_eq!((learned.days, learned.weigh_ins, learned.intake_days), (120, 120, 120));
}

#[test]
fn slips_are_told_and_hardly_move_it() {
    let weights: Vec<WeighIn> = (0..60).map(|day| WeighIn { day, weight_kg: 80.0 }).collect();
    let intakes: Vec<IntakeDay> = (0..60).map(|day| IntakeDay { day, energy_kcal: 2300.0 }).collect();
    let clean = adaptive_expenditure(&formula(2300.0), &weights, &intakes).expect("nothing is refused");
    let (mut slipped, mut skipped) = (weights.clone(), intakes.clone());
    slipped[50].weight_kg = 180.0;
    skipped[30].energy_kcal = 120.0;
    let learned = adaptive_expenditure(&formula(2300.0), &slipped, &skipped).expect("nothing is refused");
    assert!((learned.expenditure.kcal - clean.expenditure.kcal).abs() < 60.0, "{}", learned.expenditure.kcal);
    assert!(learned.outliers.contains(&Outlier::Intake { day: 30, energy_kcal: 120.0 }));
    let is_slip = |one: &Outlier| matches!(one, Outlier::Weight { day: 50, .. });
    assert_eq!(learned.outliers.iter().filter(|one| is_slip(one)).count(), 1);
    assert_eq!(learned.outliers.len(), 2);
}

#[test]
fn logs_of_nobody_are_refused_by_place() {
    let weights = [WeighIn { day: 1, weight_kg: 80.0 }, WeighIn { day: 2, weight_kg: -1.0 }];
    let intakes = [
        IntakeDay { day: 1, energy_kcal: f64::NAN },
        IntakeDay { day: 2, energy_kcal: 2000.0 },
        IntakeDay { day: 2, energy_kcal: 500.0 },
    ];
    let InvalidFields(refused) =
        adaptive_expenditure(&formula(2300.0), &weights, &intakes).expect_err("refused");
    let fields: Vec<&str> = refused.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["weights[1].weight_kg", "intakes[0].energy_kcal", "intakes[2].day"]);
    let far = [WeighIn { day: i64::MAX, weight_kg: 80.0 }];
    assert!(adaptive_expenditure(&formula(2300.0), &far, &[]).is_err());
    assert!(adaptive_expenditure(&formula(f64::INFINITY), &[], &[]).is_err());
}

proptest! {
    #[test]
    fn the_order_of_logs_does_not_matter_and_the_answer_is_a_number(
        seed in 0..u64::MAX, days in 1..200_i64, logged in 0.0..1.0_f64, offset in -5000..5000_i64, turn in 0..200_usize
    ) {
        let World { formula_kcal, mut weights, mut intakes, .. } = world(seed, days, logged, 0.1);
        let formula = formula(formula_kcal);
        let in_order = adaptive_expenditure(&formula, &weights, &intakes).expect("the logs are sound");
        prop_assert!(in_order.expenditure.kcal.is_finite() && in_order.expenditure.low_kcal < in_order.expenditure.high_kcal);
        let turned = turn % weights.len().max(1);
        weights.rotate_left(turned);
        intakes.reverse();
        for one in &mut weights {
            one.day += offset;
        }
        for one in &mut intakes {
            one.day += offset;
        }
        let other = adaptive_expenditure(&formula, &weights, &intakes).expect("the logs are sound");
        prop_assert_eq!(in_order.expenditure.kcal.to_bits(), other.expenditure.kcal.to_bits());
        prop_assert_eq!(in_order.trend_weight_kg, other.trend_weight_kg);
    }
}
