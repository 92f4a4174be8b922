//! What is counted is what is planned: brute force, the two formulations of the objective, sums
//! and their parts.

use proptest::prelude::*;

use super::*;
use crate::plan::compiled::Compiled;
use crate::plan::state::State;

fn small_meal(seed: u64) -> PlanRequest {
    let mut chance = Chance::new(seed);
    let foods = kitchen(7, &mut chance);
    let meals = vec![MealSlot { kind: MealKind::Lunch, share: 0.4, fewest_items: 1, most_items: 3 }];
    let mut request = PlanRequest::new(1, meals, vec![member("anna", 2_000.0)], foods);
    request.limits.most_servings = 2;
    request.effort = 20_000;
    request
}

/// The least objective of all sets of up to three foods in one or two servings each.
fn brute_force(request: &PlanRequest) -> f64 {
    let compiled = Compiled::new(request).unwrap();
    let mut state = State::new(&compiled);
    let mut best = f64::INFINITY;
    let foods = compiled.foods.len() as u32;
    // Each food is left out, eaten once or eaten twice: a number in base three.
    for mut number in 0..3_u32.pow(foods) {
        let mut legal = true;
        for food in 0..foods as u16 {
            legal = legal && state.set(0, food, (number % 3) as u8);
            number /= 3;
        }
        if legal {
            state.settle();
            if state.broken() == 0.0 {
                best = best.min(state.objective());
            }
        }
        state.roll_back();
    }
    best
}

#[test]
fn a_single_meal_is_the_best_of_all() {
    for seed in 0..25 {
        let request = small_meal(seed);
        let plan = planned(&request);
        let best = brute_force(&request);
        assert!((plan.objective - best).abs() < 1e-9, "kitchen {seed}: {} is not {best}", plan.objective);
        let proof = plan.proof.expect("a single meal is tried to be proved");
        assert!(proof.optimal, "kitchen {seed}: {proof:?}");
        // Branch and bound counts the same meal by other code: both must say the same.
        assert!((proof.bound - best).abs() < 1e-6, "kitchen {seed}: bound {} of {best}", proof.bound);
    }
}

#[test]
fn a_meal_within_a_budget_is_the_best_of_all() {
    for seed in 100..112 {
        let mut request = small_meal(seed);
        request.budget_micros = Some(4_000_000);
        match plan_meals(&request, &|| false) {
            Ok(plan) => assert!((plan.objective - brute_force(&request)).abs() < 1e-9, "kitchen {seed}"),
            Err(_) => assert!(brute_force(&request).is_infinite(), "kitchen {seed} can be planned"),
        }
    }
}

#[test]
fn no_plan_is_below_its_bound() {
    for seed in 0..6 {
        let mut chance = Chance::new(seed);
        let foods = kitchen(20, &mut chance);
        let request = request(2, vec![member("anna", 2_000.0), member("ben", 2_600.0)], foods);
        let bound = lower_bound(&request).unwrap();
        assert!(bound.is_finite() && bound <= planned(&request).objective + 1e-9, "kitchen {seed}");
    }
}

#[test]
fn the_parts_of_an_objective_add_up_to_it() {
    let mut chance = Chance::new(5);
    let foods = kitchen(25, &mut chance);
    let plan = planned(&request(3, vec![member("anna", 2_000.0), member("ben", 2_600.0)], foods));
    let parts = plan.parts;
    let sum = parts.targets
        + parts.meal_shares
        + parts.unknown
        + parts.money
        + parts.disliking
        + parts.repetition
        + parts.dishes;
    assert!((sum - plan.objective).abs() < 1e-9);
    for part in
        [parts.targets, parts.meal_shares, parts.money, parts.disliking, parts.repetition, parts.dishes]
    {
        assert!(part >= -1e-12, "{parts:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn totals_are_the_sums_of_whole_servings(seed in 0_u64..10_000) {
        let mut chance = Chance::new(seed);
        let foods = kitchen(15, &mut chance);
        let mut request = request(2, vec![member("anna", 2_000.0), member("ben", 2_600.0)], foods);
        request.effort = 3_000;
        let Ok(plan) = plan_meals(&request, &|| false) else { return Ok(()) };
        for met in &plan.targets {
            let meals = plan.days[met.day].meals.iter();
            let portions = meals.flat_map(|meal| &meal.dishes).flat_map(|dish| dish.portions.iter().map(move |each| (dish, each)));
            let mut sum = 0.0;
            for (dish, portion) in portions.filter(|(_, portion)| portion.member_id == met.member_id) {
                let food = request.foods.iter().find(|food| food.food.food_id == dish.food_id).unwrap();
                let per_100g = f64::from(food.food.per_100g.get(met.nutrient).unwrap());
                sum += f64::from(portion.servings) * per_100g * dish.serving_g / 100.0;
            }
            prop_assert!((sum - met.amount).abs() < 1e-6, "{:?}: {} of {sum}", met.nutrient, met.amount);
        }
        let bought = plan.shopping.items.iter().map(|item| item.cost_micros.unwrap()).sum::<i64>();
        prop_assert_eq!(bought, plan.shopping.cost_micros);
        for item in &plan.shopping.items {
            let had = f64::from(item.packs) * item.pack_g + item.from_pantry_g;
            prop_assert!((had - item.eaten_g - item.left_g - item.wasted_g).abs() < 1e-6, "{item:?}");
        }
    }

    #[test]
    fn a_change_and_its_undoing_leave_nothing_behind(seed in 0_u64..10_000) {
        let mut chance = Chance::new(seed);
        let foods = kitchen(12, &mut chance);
        let request = request(2, vec![member("anna", 2_000.0), member("ben", 2_600.0)], foods);
        let compiled = Compiled::new(&request).unwrap();
        let mut state = State::new(&compiled);
        let mut dice = dice::Dice::new(seed);
        let free = (0..compiled.plates()).collect::<Vec<_>>();
        for _ in 0..300 {
            let before = state.value();
            let legal = moves::change(&mut state, &free, &mut dice);
            if legal && dice.below(3) > 0 {
                state.settle();
                state.accept();
            } else {
                if legal {
                    state.settle();
                }
                state.roll_back();
                prop_assert_eq!(before.to_bits(), state.value().to_bits());
            }
        }
        let kept_up = state.value();
        let mut anew = State::new(&compiled);
        anew.become_plates(state.plates());
        prop_assert!((kept_up - anew.value()).abs() < 1e-9, "{kept_up} is not {}", anew.value());
    }

    #[test]
    fn the_same_seed_gives_the_same_plan(seed in 0_u64..10_000) {
        let mut chance = Chance::new(seed);
        let foods = kitchen(15, &mut chance);
        let mut request = request(2, vec![member("anna", 2_000.0)], foods);
        request.effort = 3_000;
        prop_assert_eq!(plan_meals(&request, &|| false), plan_meals(&request, &|| false));
    }
}
