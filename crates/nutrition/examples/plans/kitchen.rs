//! Kitchens to plan for: foods of the USDA table with made-up packs, prices and likings, and
//! people with made-up bodies, all from a seed.

use larder_nutrition::matching::FoodTable;
use larder_nutrition::plan::{MealKind, MealSlot, PlanFood, PlanMember, PlanRequest};
use larder_nutrition::{Allergen, Diet, FoodKind, Nutrient, NutrientTarget, Presence, Suits};

/// Chance from a seed: SplitMix64.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((self.share() * bound as f64) as usize).min(bound - 1)
    }

    pub(crate) fn happens(&mut self, chance: f64) -> bool {
        self.share() < chance
    }
}

const NEEDED: [Nutrient; 8] = [
    Nutrient::Energy,
    Nutrient::Protein,
    Nutrient::Fat,
    Nutrient::SaturatedFat,
    Nutrient::Carbohydrate,
    Nutrient::Sugars,
    Nutrient::Fibre,
    Nutrient::Sodium,
];

/// Foods of the table that people cook and eat, with packs and prices.
pub(crate) fn foods(table: &FoodTable, count: usize, chance: &mut Chance) -> Vec<PlanFood> {
    let eatable = table.foods().iter().filter(|food| {
        let known = NEEDED.iter().all(|nutrient| food.food.per_100g.get(*nutrient).is_some());
        let strange = ["Baby", "Infant", "Restaurant", "Fast Foods", "American Indian", "Liquor", "Spices"];
        known
            && !strange
                .iter()
                .any(|part| food.food.category.contains(part) || food.food.name.starts_with(part))
    });
    let mut eatable = eatable.collect::<Vec<_>>();
    let mut chosen = Vec::with_capacity(count);
    while chosen.len() < count && !eatable.is_empty() {
        let food = eatable.swap_remove(chance.below(eatable.len()));
        chosen.push(priced(food.food.clone(), chance));
    }
    chosen
}

fn priced(mut food: larder_nutrition::Food, chance: &mut Chance) -> PlanFood {
    let kcal = f64::from(food.per_100g.get(Nutrient::Energy).unwrap_or(100.0)).max(20.0);
    // A serving of the table, or some 150 kcal of it, neither a crumb nor a bucket.
    let serving_g = food.serving_g.map_or(15_000.0 / kcal, f64::from).clamp(15.0, 350.0);
    food.serving_g = Some((serving_g / 5.0).round().max(3.0) as f32 * 5.0);
    for allergen in Allergen::ALL {
        let presence = match chance.below(20) {
            0..2 => Presence::Contains,
            2 => Presence::MayContain,
            3..5 => Presence::Unknown,
            _ => Presence::Free,
        };
        food.allergens = food.allergens.with(allergen, presence);
    }
    let animal = chance.share();
    for diet in Diet::ALL {
        let suits = match diet {
            Diet::Vegan if animal < 0.5 => Suits::Derived,
            Diet::Vegetarian if animal < 0.75 => Suits::Derived,
            Diet::Pescatarian if animal < 0.85 => Suits::Derived,
            Diet::Vegan | Diet::Vegetarian | Diet::Pescatarian => Suits::No,
            _ if chance.happens(0.75) => Suits::Declared,
            _ => Suits::Unknown,
        };
        food.diets = food.diets.with(diet, suits);
    }
    if animal >= 0.85 {
        food.kinds = food.kinds.with(FoodKind::Meat);
    } else if (0.5..0.65).contains(&animal) {
        food.kinds = food.kinds.with(FoodKind::Dairy);
    }
    let meals = [MealKind::Breakfast, MealKind::Lunch, MealKind::Dinner, MealKind::Snack];
    let suited = meals.into_iter().filter(|_| chance.happens(0.6)).collect::<Vec<_>>();
    let servings = 1 + chance.below(8);
    let pack_g = f64::from(food.serving_g.unwrap_or(50.0)) * servings as f64;
    PlanFood {
        price_micros: Some((chance.between(0.2, 1.6) * servings as f64 * 1_000_000.0) as i64),
        pack_g: Some(pack_g),
        keeps_days: chance.happens(0.4).then(|| 2 + chance.below(5) as u16),
        meals: suited,
        liking: (chance.share() * 100.0).round() / 100.0,
        most_servings: None,
        can_be_bought: true,
        food,
    }
}

/// Somebody of 1,600 to 3,000 kcal with the usual targets.
pub(crate) fn member(number: usize, chance: &mut Chance) -> PlanMember {
    let energy = (chance.between(1_600.0, 3_000.0) / 10.0).round() * 10.0;
    let target = |nutrient, at_least: Option<f64>, ideal: Option<f64>, at_most: Option<f64>| NutrientTarget {
        at_least,
        ideal,
        at_most,
        ..NutrientTarget::new(nutrient)
    };
    let targets = vec![
        target(Nutrient::Protein, None, Some((energy * chance.between(0.13, 0.25) / 4.0).round()), None),
        target(Nutrient::Fat, None, Some((energy * 0.3 / 9.0).round()), None),
        target(Nutrient::Carbohydrate, None, Some((energy * chance.between(0.45, 0.55) / 4.0).round()), None),
        target(Nutrient::SaturatedFat, None, None, Some((energy * 0.1 / 9.0).round())),
        target(Nutrient::Sugars, None, None, Some((energy * 0.18 / 4.0).round())),
        target(Nutrient::Fibre, Some((energy * 0.014).round()), None, None),
        target(Nutrient::Sodium, None, None, Some(2_300.0)),
        target(Nutrient::Calcium, Some(1_000.0), None, Some(2_500.0)),
        target(Nutrient::Iron, Some(11.0), None, Some(45.0)),
        target(Nutrient::Potassium, Some(3_500.0), None, None),
        target(Nutrient::VitaminC, Some(95.0), None, None),
    ];
    PlanMember {
        member_id: format!("member-{number}"),
        energy_kcal: energy,
        targets,
        ..PlanMember::default()
    }
}

/// Allergies, diets and dislikes that people have.
pub(crate) fn restrict(member: &mut PlanMember, foods: &[PlanFood], chance: &mut Chance) {
    if chance.happens(0.5) {
        member.allergies.push(Allergen::ALL[chance.below(Allergen::ALL.len())]);
    }
    if chance.happens(0.1) {
        member.allergies.push(Allergen::ALL[chance.below(Allergen::ALL.len())]);
    }
    member.accept_unknown_allergens = chance.happens(0.2);
    if chance.happens(0.3) {
        member.diets.push([Diet::Vegan, Diet::Vegetarian, Diet::Kosher, Diet::Halal][chance.below(4)]);
    }
    for _ in 0..chance.below(3) {
        member.excluded_food_ids.push(foods[chance.below(foods.len())].food.food_id.clone());
    }
}

/// Breakfast, lunch, dinner and a snack.
pub(crate) fn four_meals() -> Vec<MealSlot> {
    let slot = |kind, share, fewest_items, most_items| MealSlot { kind, share, fewest_items, most_items };
    vec![
        slot(MealKind::Breakfast, 0.25, 2, 5),
        slot(MealKind::Lunch, 0.35, 2, 5),
        slot(MealKind::Dinner, 0.30, 2, 5),
        slot(MealKind::Snack, 0.10, 1, 3),
    ]
}

/// A lunch alone, of which every food is one.
pub(crate) fn lunch(foods: Vec<PlanFood>, member: PlanMember) -> PlanRequest {
    let foods = foods.into_iter().map(|food| PlanFood { meals: Vec::new(), ..food }).collect();
    let slot = MealSlot { kind: MealKind::Lunch, share: 0.35, fewest_items: 2, most_items: 5 };
    PlanRequest::new(1, vec![slot], vec![member], foods)
}
