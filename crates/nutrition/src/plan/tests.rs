//! The planner on small kitchens: against brute force, against its laws, and with what cannot be
//! planned.

mod exactness;
mod hard;
mod refusals;
mod wishes;

use super::*;
use crate::{Allergen, Diet, Diets, Food, FoodKind, Nutrient, NutrientTarget, Nutrients, Presence, Suits};

/// Chance for a test's kitchens, from a seed.
pub(super) struct Chance(dice::Dice);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(dice::Dice::new(seed))
    }

    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.share()
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound)
    }
}

/// 100 g servings of a food with so much energy, protein and sodium, free of every allergen and
/// fit for every diet.
pub(super) fn food(id: &str, kcal: f32, protein_g: f32, sodium_mg: f32) -> PlanFood {
    let per_100g = Nutrients::UNKNOWN
        .with(Nutrient::Energy, kcal)
        .with(Nutrient::Protein, protein_g)
        .with(Nutrient::Sodium, sodium_mg);
    let mut food = Food { food_id: id.to_owned(), name: id.to_owned(), per_100g, ..Food::default() };
    food.serving_g = Some(100.0);
    for allergen in Allergen::ALL {
        food.allergens = food.allergens.with(allergen, Presence::Free);
    }
    food.diets =
        Diet::ALL.into_iter().fold(Diets::default(), |diets, diet| diets.with(diet, Suits::Declared));
    PlanFood { price_micros: Some(1_000_000), pack_g: Some(100.0), ..PlanFood::new(food) }
}

/// A kitchen of random foods, some with meat, milk, allergens and short lives.
pub(super) fn kitchen(count: usize, chance: &mut Chance) -> Vec<PlanFood> {
    let mut foods = Vec::new();
    for number in 0..count {
        let kcal = chance.between(20.0, 500.0);
        let protein = chance.between(0.0, kcal / 8.0);
        let sodium = chance.between(0.0, 600.0);
        let mut food = food(&format!("food-{number}"), kcal as f32, protein as f32, sodium as f32);
        food.food.serving_g = Some(chance.between(20.0, 200.0) as f32);
        food.pack_g = Some(chance.between(50.0, 900.0));
        food.price_micros = Some(chance.between(100_000.0, 5_000_000.0) as i64);
        food.keeps_days = (chance.below(2) == 0).then(|| 1 + chance.below(4) as u16);
        food.liking = chance.between(0.0, 1.0);
        food.food.category = format!("category-{}", chance.below(4));
        for allergen in [Allergen::Milk, Allergen::Nuts, Allergen::Gluten] {
            let presence =
                [Presence::Free, Presence::Free, Presence::Contains, Presence::Unknown][chance.below(4)];
            food.food.allergens = food.food.allergens.with(allergen, presence);
        }
        match chance.below(4) {
            0 => food.food.kinds = food.food.kinds.with(FoodKind::Meat),
            1 => food.food.kinds = food.food.kinds.with(FoodKind::Dairy),
            _ => {}
        }
        if food.food.kinds.is_meat() {
            food.food.diets = food.food.diets.with(Diet::Vegetarian, Suits::No).with(Diet::Vegan, Suits::No);
        }
        foods.push(food);
    }
    foods
}

pub(super) fn target(
    nutrient: Nutrient,
    at_least: Option<f64>,
    ideal: Option<f64>,
    at_most: Option<f64>,
) -> NutrientTarget {
    NutrientTarget { at_least, ideal, at_most, ..NutrientTarget::new(nutrient) }
}

pub(super) fn member(id: &str, energy_kcal: f64) -> PlanMember {
    let targets = vec![
        target(Nutrient::Protein, None, Some(energy_kcal * 0.05), None),
        target(Nutrient::Sodium, None, None, Some(2_000.0)),
    ];
    PlanMember { member_id: id.to_owned(), energy_kcal, targets, ..PlanMember::default() }
}

pub(super) fn slot(kind: MealKind, share: f64) -> MealSlot {
    MealSlot { kind, share, fewest_items: 1, most_items: 3 }
}

/// Breakfast, lunch and dinner.
pub(super) fn three_meals() -> Vec<MealSlot> {
    vec![slot(MealKind::Breakfast, 0.3), slot(MealKind::Lunch, 0.4), slot(MealKind::Dinner, 0.3)]
}

/// A request with little effort, for tests of what holds at any effort.
pub(super) fn request(days: usize, members: Vec<PlanMember>, foods: Vec<PlanFood>) -> PlanRequest {
    PlanRequest { effort: 20_000, ..PlanRequest::new(days, three_meals(), members, foods) }
}

pub(super) fn planned(request: &PlanRequest) -> Plan {
    let plan = plan_meals(request, &|| false).expect("it can be planned");
    assert_eq!(broken_constraints(request, &plan), Vec::<String>::new());
    plan
}

/// Every food of a plan with the meal it is at.
pub(super) fn eaten(plan: &Plan) -> Vec<(usize, usize, String)> {
    let meals = plan
        .days
        .iter()
        .flat_map(|day| day.meals.iter().enumerate().map(|(meal, each)| (day.day, meal, each)));
    meals
        .flat_map(|(day, meal, each)| each.dishes.iter().map(move |dish| (day, meal, dish.food_id.clone())))
        .collect()
}
