//! What cannot be meant is refused by field, and what cannot be planned with what to relax.

use super::*;

fn refused_fields(request: &PlanRequest) -> Vec<String> {
    match plan_meals(request, &|| false) {
        Err(PlanRefusal::Invalid(fields)) => fields.0.into_iter().map(|field| field.field).collect(),
        other => panic!("it was not refused: {other:?}"),
    }
}

fn relaxations(request: &PlanRequest) -> Vec<Relaxation> {
    match plan_meals(request, &|| false) {
        Err(PlanRefusal::Infeasible { relax }) => relax,
        other => panic!("it was not infeasible: {other:?}"),
    }
}

fn simple() -> PlanRequest {
    let foods =
        (0..6).map(|number| food(&format!("food-{number}"), 200.0 + 10.0 * number as f32, 10.0, 50.0));
    request(1, vec![member("anna", 2_000.0)], foods.collect())
}

#[test]
fn every_bad_field_is_named() {
    let mut bad = simple();
    bad.foods[0].food.serving_g = Some(0.0);
    bad.foods[1].food.serving_g = Some(-5.0);
    bad.foods[2].price_micros = Some(0);
    bad.foods[3].price_micros = Some(-7);
    bad.foods[4].pack_g = Some(f64::NAN);
    bad.foods[5].food.per_100g = bad.foods[5].food.per_100g.with(Nutrient::Energy, 2_000.0);
    bad.members[0].energy_kcal = 0.0;
    bad.members[0].targets[0].at_least = Some(500.0);
    bad.meals[0].share = 1.5;
    bad.limits.most_servings = 0;
    bad.weights.cost = -1.0;
    bad.budget_micros = Some(-1);
    bad.pantry.push(PantryStock { food_id: "nothing".to_owned(), mass_g: -1.0 });
    let refused = refused_fields(&bad);
    for field in [
        "foods[0].serving_g",
        "foods[1].serving_g",
        "foods[2].price_micros",
        "foods[3].price_micros",
        "foods[4].pack_g",
        "foods[5].energy_kcal",
        "members[0].energy_kcal",
        "members[0].targets[0].ideal",
        "meals[0].share",
        "limits.most_servings",
        "weights.cost",
        "budget_micros",
        "pantry[0].food_id",
        "pantry[0].mass_g",
    ] {
        assert!(refused.iter().any(|each| each == field), "{field} is not among {refused:?}");
    }
}

#[test]
fn empty_and_oversized_requests_are_refused() {
    let mut none = simple();
    none.foods.clear();
    assert_eq!(refused_fields(&none), ["foods"]);
    let mut nobody = simple();
    nobody.members.clear();
    assert_eq!(refused_fields(&nobody), ["members"]);
    let mut long = simple();
    long.days = 400;
    assert_eq!(refused_fields(&long), ["days"]);
    let mut twice = simple();
    twice.foods[1].food.food_id = "food-0".to_owned();
    assert_eq!(refused_fields(&twice), ["foods[1].food_id"]);
}

#[test]
fn a_kept_meal_that_somebody_must_not_eat_is_refused() {
    let mut request = simple();
    request.foods[2].food.allergens = request.foods[2].food.allergens.with(Allergen::Nuts, Presence::Unknown);
    request.members[0].allergies.push(Allergen::Nuts);
    let portions = vec![KeptPortion { member_id: "anna".to_owned(), servings: 1 }];
    let dishes = vec![KeptDish { food_id: "food-2".to_owned(), portions }];
    request.kept.push(KeptMeal { day: 0, meal: 1, dishes });
    assert_eq!(refused_fields(&request), ["kept[0].dishes[0].food_id"]);
    request.kept[0].day = 9;
    assert!(refused_fields(&request).contains(&"kept[0].day".to_owned()));
}

#[test]
fn a_budget_that_is_too_small_tells_what_would_be_enough() {
    let mut request = simple();
    request.budget_micros = Some(2_000_000);
    let relax = relaxations(&request);
    let budget =
        relax.iter().find(|each| each.constraint == "budget_micros").expect("the budget is what is short");
    // Three meals of one food each, a pack of which costs 1.00.
    assert_eq!(budget.detail, "3.00 would be enough, 2.00 is asked");
    request.budget_micros = Some(3_000_000);
    planned(&request);
}

#[test]
fn a_diet_that_no_food_suits_is_told() {
    let mut request = simple();
    request.members[0].diets.push(Diet::Keto);
    for food in &mut request.foods {
        food.food.diets = food.food.diets.with(Diet::Keto, Suits::Unknown);
    }
    assert_eq!(
        relaxations(&request).iter().map(|each| each.constraint.as_str()).collect::<Vec<_>>(),
        ["members[0].diets"]
    );
}

#[test]
fn an_allergy_is_never_to_be_relaxed_but_silence_may_be_accepted() {
    let mut request = simple();
    request.members[0].allergies.push(Allergen::Milk);
    for food in &mut request.foods {
        food.food.allergens = food.food.allergens.with(Allergen::Milk, Presence::Unknown);
    }
    let relax = relaxations(&request);
    assert_eq!(
        relax.iter().map(|each| each.constraint.as_str()).collect::<Vec<_>>(),
        ["members[0].accept_unknown_allergens"]
    );
    for food in &mut request.foods {
        food.food.allergens = food.food.allergens.with(Allergen::Milk, Presence::Contains);
    }
    assert_eq!(relaxations(&request), []);
}

#[test]
fn repetition_limits_that_leave_too_few_foods_are_told() {
    let mut request = simple();
    request.days = 7;
    request.limits.uses_per_week = 2;
    let relax = relaxations(&request);
    let week =
        relax.iter().find(|each| each.constraint == "limits.uses_per_week").expect("six foods for 21 meals");
    assert!(week.detail.ends_with("2 is asked"), "{}", week.detail);
}

#[test]
fn a_hundred_thousand_foods_are_planned_with_the_most_promising() {
    let mut chance = Chance::new(9);
    let mut foods = kitchen(100_000, &mut chance);
    foods[77_777].liking = 1.0;
    let mut request = request(1, vec![member("anna", 2_000.0)], foods);
    request.pantry = vec![PantryStock { food_id: "food-99999".to_owned(), mass_g: 500.0 }];
    let plan = planned(&request);
    assert_eq!(plan.left_out.less_promising, 100_000 - 300);
    let energy = plan.targets.iter().find(|met| met.nutrient == Nutrient::Energy).unwrap();
    assert!(energy.met > 0.9, "{energy:?}");
}

#[test]
fn foods_that_cannot_be_planned_are_counted() {
    let mut request = simple();
    request.foods[0].food.serving_g = None;
    request.foods[1].food.per_100g = request.foods[1].food.per_100g.with(Nutrient::Energy, None);
    request.foods[2].price_micros = None;
    request.budget_micros = Some(100_000_000);
    request.limits.uses_per_day = 3;
    let left_out = planned(&request).left_out;
    assert_eq!((left_out.without_serving, left_out.without_energy, left_out.without_price), (1, 1, 1));
    request.budget_micros = None;
    let plan = planned(&request);
    assert_eq!(plan.left_out.without_price, 0, "without a budget a price need not be known");
}

#[test]
fn a_substitute_for_what_nobody_eats_is_refused() {
    let request = simple();
    let plan = planned(&request);
    let place = ItemPlace { day: 0, meal: 0, food_id: "nothing".to_owned() };
    match substitute_item(&request, &plan.kept_meals(), &place, 3) {
        Err(PlanRefusal::Invalid(fields)) => assert_eq!(fields.0[0].field, "place.food_id"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn foods_of_which_nothing_is_known_are_told_to_be_the_reason() {
    let mut request = simple();
    request.foods.truncate(3);
    for food in &mut request.foods {
        food.food.per_100g = Nutrients::UNKNOWN;
    }
    request.foods[2].food.serving_g = None;
    let relax = relaxations(&request);
    assert_eq!(relax.len(), 1, "{relax:?}");
    assert_eq!(relax[0].constraint, "foods");
    let detail = "none of the 3 foods can be planned: 2 have no known energy, 1 have no known serving";
    assert_eq!(relax[0].detail, detail);
}
