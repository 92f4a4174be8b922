//! What must never happen, whatever the kitchen and the people.

use proptest::prelude::*;

use super::*;

fn restricted(number: usize, foods: &[PlanFood], chance: &mut Chance) -> PlanMember {
    let mut member = member(&format!("member-{number}"), chance.between(1_500.0, 3_000.0));
    if chance.below(2) == 0 {
        member.allergies.push([Allergen::Milk, Allergen::Nuts, Allergen::Gluten][chance.below(3)]);
    }
    member.accept_unknown_allergens = chance.below(4) == 0;
    match chance.below(5) {
        0 => member.diets.push(Diet::Vegetarian),
        1 => member.diets.push(Diet::Kosher),
        _ => {}
    }
    member.excluded_food_ids.push(foods[chance.below(foods.len())].food.food_id.clone());
    if chance.below(3) == 0 {
        member.excluded_categories.push("category-0".to_owned());
    }
    member
}

fn household(seed: u64) -> PlanRequest {
    let mut chance = Chance::new(seed);
    let mut foods = kitchen(20 + chance.below(20), &mut chance);
    for food in &mut foods {
        food.can_be_bought = chance.below(8) > 0;
    }
    let members =
        (0..1 + chance.below(4)).map(|number| restricted(number, &foods, &mut chance)).collect::<Vec<_>>();
    let mut request = request(1 + chance.below(3), members, foods);
    request.effort = 3_000;
    request.seed = seed;
    for _ in 0..chance.below(4) {
        let food_id = request.foods[chance.below(request.foods.len())].food.food_id.clone();
        request.pantry.push(PantryStock { food_id, mass_g: chance.between(0.0, 1_000.0) });
    }
    if chance.below(3) == 0 {
        let people = (request.days * request.members.len()) as f64;
        request.budget_micros = Some((people * chance.between(1e6, 20e6)) as i64);
    }
    request.limits.uses_per_week = 1 + chance.below(4) as u8;
    request
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_hard_is_ever_broken(seed in any::<u64>()) {
        let request = household(seed);
        match plan_meals(&request, &|| false) {
            Ok(plan) => prop_assert_eq!(broken_constraints(&request, &plan), Vec::<String>::new()),
            Err(refusal) => prop_assert!(matches!(refusal, PlanRefusal::Infeasible { .. }), "{refusal}"),
        }
    }

    #[test]
    fn kept_meals_stay_and_the_rest_is_planned_around_them(seed in 0_u64..10_000) {
        let request = household(seed);
        let Ok(first) = plan_meals(&request, &|| false) else { return Ok(()) };
        let meals = first.kept_meals();
        let kept = vec![meals[chance_of(seed, meals.len())].clone()];
        let again = PlanRequest { kept, seed: seed + 1, ..request };
        if let Ok(second) = plan_meals(&again, &|| false) {
            prop_assert_eq!(broken_constraints(&again, &second), Vec::<String>::new());
        }
        let whole = PlanRequest { kept: meals, ..again };
        let third = plan_meals(&whole, &|| false);
        prop_assert_eq!(eaten(&third.unwrap()), eaten(&first));
    }

    #[test]
    fn a_substitute_changes_one_item_and_breaks_nothing(seed in 0_u64..10_000) {
        let request = household(seed);
        let Ok(plan) = plan_meals(&request, &|| false) else { return Ok(()) };
        let items = eaten(&plan);
        let (day, meal, food_id) = items[chance_of(seed, items.len())].clone();
        let place = ItemPlace { day, meal, food_id: food_id.clone() };
        let Ok(substitutes) = substitute_item(&request, &plan.kept_meals(), &place, 3) else { return Ok(()) };
        prop_assert!(substitutes.windows(2).all(|pair| pair[0].objective <= pair[1].objective));
        for substitute in substitutes {
            let replaced = planned_with(&request, &substitute.meals);
            prop_assert!((replaced.objective - substitute.objective).abs() < 1e-9);
            prop_assert_eq!(broken_constraints(&request, &replaced), Vec::<String>::new());
            let mut expected = items.clone();
            expected.retain(|item| *item != (day, meal, food_id.clone()));
            expected.push((day, meal, substitute.food_id.clone()));
            let mut given = eaten(&replaced);
            expected.sort();
            // Another may eat the substitute at that meal already: then it is one dish.
            expected.dedup();
            given.sort();
            prop_assert_eq!(given, expected);
        }
    }
}

fn chance_of(seed: u64, bound: usize) -> usize {
    Chance::new(seed ^ 0xabcd).below(bound)
}

/// The plan of meals that all stay as they are, to be looked over as if it had been planned.
fn planned_with(request: &PlanRequest, meals: &[KeptMeal]) -> Plan {
    let kept = PlanRequest { kept: meals.to_vec(), ..request.clone() };
    let mut plan = plan_meals(&kept, &|| false).expect("meals that are kept can be kept");
    plan.days.iter_mut().flat_map(|day| &mut day.meals).for_each(|meal| meal.kept = false);
    plan
}

#[test]
fn a_kosher_table_has_no_meat_with_milk() {
    let mut meat = food("meat", 250.0, 25.0, 60.0);
    meat.food.kinds = meat.food.kinds.with(FoodKind::Meat);
    let mut milk = food("milk", 60.0, 3.0, 40.0);
    milk.food.kinds = milk.food.kinds.with(FoodKind::Dairy);
    (meat.liking, milk.liking) = (1.0, 1.0);
    let plain = |id: &str| PlanFood { liking: 0.0, ..food(id, 130.0, 5.0, 10.0) };
    let foods = vec![meat, milk, plain("rice"), plain("beans")];
    let mut request = request(1, vec![member("anna", 2_000.0)], foods);
    request.meals.iter_mut().for_each(|meal| (meal.fewest_items, meal.most_items) = (2, 2));
    request.limits.uses_per_day = 3;
    request.weights.disliking = 5.0;
    let free = planned(&request);
    let together = |plan: &Plan| {
        let meals = plan.days[0].meals.iter();
        let has = |meal: &&PlannedMeal, id: &str| meal.dishes.iter().any(|dish| dish.food_id == id);
        meals.filter(|meal| has(meal, "meat") && has(meal, "milk")).count()
    };
    assert!(together(&free) > 0, "without the rule meat and milk meet");
    request.members[0].diets.push(Diet::Kosher);
    assert_eq!(together(&planned(&request)), 0);
}

#[test]
fn who_must_not_eat_a_dish_gets_another_and_the_others_share_it() {
    let mut nutty = food("nutty", 300.0, 15.0, 10.0);
    nutty.food.allergens = nutty.food.allergens.with(Allergen::Nuts, Presence::Contains);
    nutty.liking = 1.0;
    let mut plain = food("plain", 300.0, 15.0, 10.0);
    plain.liking = 0.0;
    let mut allergic = member("allergic", 2_000.0);
    allergic.allergies.push(Allergen::Nuts);
    let members = vec![member("anna", 2_000.0), member("ben", 2_000.0), allergic];
    let mut request = request(1, members, vec![nutty, plain]);
    request.limits.uses_per_day = 3;
    request.weights.disliking = 2.0;
    let plan = planned(&request);
    for meal in &plan.days[0].meals {
        let who = |id: &str| {
            let dish = meal.dishes.iter().find(|dish| dish.food_id == id);
            dish.map_or_else(Vec::new, |dish| {
                dish.portions.iter().map(|each| each.member_id.as_str()).collect()
            })
        };
        assert_eq!(who("nutty"), ["anna", "ben"]);
        assert_eq!(who("plain"), ["allergic"]);
    }
}

#[test]
fn what_is_not_sold_is_eaten_as_far_as_it_is_at_home() {
    let mut home = food("home", 400.0, 20.0, 10.0);
    home.can_be_bought = false;
    home.liking = 1.0;
    let mut request = request(2, vec![member("anna", 2_000.0)], vec![home, food("shop", 350.0, 17.0, 10.0)]);
    request.limits.uses_per_day = 3;
    request.limits.uses_per_week = 9;
    request.pantry = vec![PantryStock { food_id: "home".to_owned(), mass_g: 350.0 }];
    let plan = planned(&request);
    let home = plan.shopping.items.iter().find(|item| item.food_id == "home").expect("what is free is eaten");
    assert_eq!(
        (home.packs, home.eaten_g, home.from_pantry_g),
        (0, 300.0, 300.0),
        "three whole servings of 350 g"
    );
}
