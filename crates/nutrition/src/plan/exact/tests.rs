//! Branch and bound against another solver, under every limit, and when it has to give up.

use super::*;
use crate::plan::compiled::Compiled;
use crate::plan::tests::{Chance, kitchen, member, target};
use crate::plan::{MealKind, MealSlot, PlanMember, PlanRequest, plan_meals, whole_program};
use crate::{Diet, Nutrient};

/// A lunch among random foods, with one-sided targets too.
fn lunch(seed: u64, foods: usize, most_items: u8) -> PlanRequest {
    let mut chance = Chance::new(seed);
    let foods = kitchen(foods, &mut chance);
    let slot = MealSlot { kind: MealKind::Lunch, share: 0.4, fewest_items: 2, most_items };
    let targets = vec![
        target(Nutrient::Protein, Some(60.0), Some(90.0), Some(140.0)),
        target(Nutrient::Sodium, None, None, Some(1_500.0)),
    ];
    let anna = PlanMember { targets, ..member("anna", 2_000.0) };
    PlanRequest { effort: 3_000, ..PlanRequest::new(1, vec![slot], vec![anna], foods) }
}

/// The least objective by microlp, of the program that is written for other solvers.
fn by_linear_program(request: &PlanRequest) -> Option<f64> {
    whole_program(request).unwrap().whole()
}

#[test]
fn another_solver_finds_no_better_meal() {
    for seed in 0..12 {
        let request = lunch(seed, 14, 4);
        let plan = plan_meals(&request, &|| false).unwrap();
        let other = by_linear_program(&request).unwrap();
        assert!(plan.proof.unwrap().optimal, "kitchen {seed}");
        assert!((plan.objective - other).abs() < 1e-6, "kitchen {seed}: {} and {other}", plan.objective);
    }
}

#[test]
fn another_solver_finds_no_better_meal_within_limits() {
    for seed in 20..28 {
        let mut request = lunch(seed, 14, 4);
        request.budget_micros = Some(6_000_000);
        request.limits.of_category_per_meal = 1;
        request.members[0].diets = vec![Diet::Kosher];
        let other = by_linear_program(&request);
        let plan = plan_meals(&request, &|| false).ok();
        assert_eq!(plan.is_some(), other.is_some(), "kitchen {seed}");
        if let (Some(plan), Some(other)) = (plan, other) {
            assert!((plan.objective - other).abs() < 1e-6, "kitchen {seed}: {} and {other}", plan.objective);
        }
    }
}

#[test]
fn a_meal_of_sixty_foods_is_proved_from_any_start() {
    let request = lunch(40, 60, 4);
    let compiled = Compiled::new(&request).unwrap();
    let mut state = State::new(&compiled);
    assert!(state.broken() > 0.0, "nothing is on the plate");
    let proved = prove_single_meal(&mut state, &|| false).unwrap();
    assert!(proved.optimal && (proved.bound - state.objective()).abs() < 1e-12, "{proved:?}");
    let plan = plan_meals(&request, &|| false).unwrap();
    assert!((plan.objective - state.objective()).abs() < 1e-8);
}

#[test]
fn a_proof_ends_the_search() {
    let request = PlanRequest { effort: 5_000_000, ..lunch(42, 30, 4) };
    let plan = plan_meals(&request, &|| false).unwrap();
    assert!(plan.proof.unwrap().optimal);
    assert!(plan.tried < 10_000, "{} changes were tried", plan.tried);
}

#[test]
fn without_a_proof_the_bound_is_below_the_best() {
    let request = lunch(41, 60, 5);
    let compiled = Compiled::new(&request).unwrap();
    let mut best = State::new(&compiled);
    assert!(prove_single_meal(&mut best, &|| false).unwrap().optimal);
    let mut bounds = Vec::new();
    for most_work in [0, 2_000, 20_000] {
        let mut state = State::new(&compiled);
        state.become_plates(best.plates());
        let proved = prove_within(&mut state, most_work, &|| false).unwrap();
        assert!(!proved.optimal && proved.bound < best.objective(), "{proved:?} after {most_work}");
        bounds.push(proved.bound);
    }
    assert!(bounds[0] > 0.0 && bounds.is_sorted(), "more effort proves no less: {bounds:?}");
}

#[test]
fn a_proof_that_is_stopped_is_none() {
    let mut request = lunch(41, 200, 8);
    request.limits.most_servings = 12;
    let compiled = Compiled::new(&request).unwrap();
    let mut state = State::new(&compiled);
    assert_eq!(prove_single_meal(&mut state, &|| true), None);
}
