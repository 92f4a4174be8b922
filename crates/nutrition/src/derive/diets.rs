//! Which diets a food suits, by its words, its allergens and its nutrients. A diet is told to
//! suit only where every word is understood; meat is never told halal or kosher by its name.

use super::lexicon::{Entry, Fodmap, Traits};
use super::{DerivedFood, Reading};
use crate::{Allergen, Allergens, Diet, Diets, FoodKind, Nutrient, Nutrients, Presence, Suits};

/// Milk with less than this in g of 100 g counts as lactose-free in most of the EU; lactose is
/// one of the sugars, so there is never more of it than of them.
const LACTOSE_FREE_BELOW_G: f32 = 0.1;
/// More sugars than this, and milk that had its lactose left in has lactose.
const LACTOSE_SURE_ABOVE_G: f32 = 1.0;
/// Carbohydrate without fibre, in g of 100 g: a keto day of 30 g holds 750 g of the one, 300 g of
/// the other.
const KETO_UP_TO_G: f32 = 4.0;
const NO_KETO_ABOVE_G: f32 = 10.0;

pub(super) fn derive(reading: &Reading<'_>, food: &DerivedFood, per_100g: &Nutrients) -> Diets {
    let vegetarian = vegetarian(reading, food);
    Diets::default()
        .with(Diet::Vegan, vegan(reading, food))
        .with(Diet::Vegetarian, vegetarian)
        .with(Diet::Pescatarian, pescatarian(reading, food, vegetarian))
        .with(Diet::Halal, halal(reading, food, vegetarian))
        .with(Diet::Kosher, kosher(reading, food))
        .with(Diet::GlutenFree, gluten_free(food))
        .with(Diet::LactoseFree, lactose_free(reading, food, per_100g))
        .with(Diet::Keto, keto(per_100g))
        .with(Diet::LowFodmap, low_fodmap(reading))
}

/// Diets that were only derived and that a declared allergen rules out do not suit. What was
/// declared of a diet stays.
pub(super) fn without_contradicted(diets: Diets, allergens: &Allergens) -> Diets {
    let sea = [Allergen::Fish, Allergen::Crustaceans, Allergen::Molluscs];
    let shells = [Allergen::Crustaceans, Allergen::Molluscs];
    let of_animals =
        [Allergen::Milk, Allergen::Eggs, Allergen::Fish, Allergen::Crustaceans, Allergen::Molluscs];
    let ruled_out: [(Diet, &[Allergen]); 5] = [
        (Diet::Vegan, &of_animals),
        (Diet::Vegetarian, &sea),
        (Diet::Kosher, &shells),
        (Diet::GlutenFree, &[Allergen::Gluten]),
        (Diet::LowFodmap, &[Allergen::Gluten]),
    ];
    ruled_out.into_iter().fold(diets, |diets, (diet, allergens_of)| {
        let contains = |allergen: &Allergen| allergens.get(*allergen) == Presence::Contains;
        let is_ruled_out = diets.get(diet) == Suits::Derived && allergens_of.iter().any(contains);
        // Oats hold gluten and few fermentable sugars, so low FODMAP is only doubted.
        let instead = if diet == Diet::LowFodmap { Suits::Unknown } else { Suits::No };
        if is_ruled_out { diets.with(diet, instead) } else { diets }
    })
}

const LAND_FLESH: [FoodKind; 7] = [
    FoodKind::Pork,
    FoodKind::Meat,
    FoodKind::Poultry,
    FoodKind::AnimalFat,
    FoodKind::Blood,
    FoodKind::ForbiddenAnimal,
    FoodKind::Gelatin,
];
const SEA_FLESH: [FoodKind; 3] = [FoodKind::Fish, FoodKind::Crustacean, FoodKind::Mollusc];

fn when(suits: bool) -> Suits {
    if suits { Suits::Derived } else { Suits::Unknown }
}

fn contains_any(food: &DerivedFood, allergens: &[Allergen]) -> bool {
    allergens.iter().any(|allergen| food.allergens.get(*allergen) == Presence::Contains)
}

fn has_sea_flesh(food: &DerivedFood) -> bool {
    food.kinds.has_any(&SEA_FLESH)
        || contains_any(food, &[Allergen::Fish, Allergen::Crustaceans, Allergen::Molluscs])
}

fn vegan(reading: &Reading<'_>, food: &DerivedFood) -> Suits {
    let of_animals = [FoodKind::Dairy, FoodKind::Egg, FoodKind::Honey];
    if food.kinds.has_any(&LAND_FLESH)
        || food.kinds.has_any(&of_animals)
        || has_sea_flesh(food)
        || contains_any(food, &[Allergen::Milk, Allergen::Eggs])
    {
        return Suits::No;
    }
    when(reading.is_vegan() || reading.all_are(Traits::PLANT))
}

/// Words that stand for no flesh: plants, milk, eggs, and dishes that are made without.
fn is_without_flesh(entry: &Entry) -> bool {
    let is_plain_milk_or_egg =
        entry.traits.has(Traits::PLAIN) && entry.kinds.has_any(&[FoodKind::Dairy, FoodKind::Egg]);
    entry.traits.has(Traits::PLANT) || entry.traits.has(Traits::MEATLESS) || is_plain_milk_or_egg
}

fn vegetarian(reading: &Reading<'_>, food: &DerivedFood) -> Suits {
    if food.kinds.has_any(&LAND_FLESH) || has_sea_flesh(food) {
        return Suits::No;
    }
    when(reading.is_meatless() || reading.all_foods(is_without_flesh))
}

fn pescatarian(reading: &Reading<'_>, food: &DerivedFood, vegetarian: Suits) -> Suits {
    if food.kinds.has_any(&LAND_FLESH) {
        return Suits::No;
    }
    let is_of_the_sea = |entry: &Entry| entry.kinds.has_any(&SEA_FLESH) && entry.traits.has(Traits::PLAIN);
    let suits = reading.all_foods(|entry| is_without_flesh(entry) || is_of_the_sea(entry));
    when(vegetarian == Suits::Derived || suits)
}

fn halal(reading: &Reading<'_>, food: &DerivedFood, vegetarian: Suits) -> Suits {
    let forbidden = [FoodKind::Pork, FoodKind::Alcohol, FoodKind::Blood, FoodKind::ForbiddenAnimal];
    if food.kinds.has_any(&forbidden) {
        return Suits::No;
    }
    let is_fish = |entry: &Entry| entry.kinds.has(FoodKind::Fish) && entry.traits.has(Traits::PLAIN);
    when(vegetarian == Suits::Derived || reading.all_foods(is_fish))
}

/// Plants, milk, eggs and fish with scales as nature gives them; whatever was processed needs
/// somebody who watched (Leviticus 11, Shulchan Aruch, Yoreh De'ah).
fn kosher(reading: &Reading<'_>, food: &DerivedFood) -> Suits {
    let forbidden = [
        FoodKind::Pork,
        FoodKind::Crustacean,
        FoodKind::Mollusc,
        FoodKind::Blood,
        FoodKind::ForbiddenAnimal,
        FoodKind::NotKosherAnimal,
    ];
    let mixes = food.kinds.is_meat() && food.kinds.has(FoodKind::Dairy);
    if food.kinds.has_any(&forbidden)
        || mixes
        || contains_any(food, &[Allergen::Crustaceans, Allergen::Molluscs])
    {
        return Suits::No;
    }
    let needs_a_watcher = food.kinds.is_meat() || food.kinds.has_any(&[FoodKind::Grape, FoodKind::Gelatin]);
    when(!needs_a_watcher && reading.is_plain())
}

fn gluten_free(food: &DerivedFood) -> Suits {
    match food.allergens.get(Allergen::Gluten) {
        Presence::Contains => Suits::No,
        Presence::Free => Suits::Derived,
        Presence::Unknown | Presence::MayContain => Suits::Unknown,
    }
}

fn lactose_free(reading: &Reading<'_>, food: &DerivedFood, per_100g: &Nutrients) -> Suits {
    if reading.known().any(|entry| entry.traits.has(Traits::LACTOSE_FREE)) {
        return Suits::Derived;
    }
    let has_milk = food.kinds.has(FoodKind::Dairy) || contains_any(food, &[Allergen::Milk]);
    if has_milk {
        return match per_100g.get(Nutrient::Sugars) {
            Some(sugars) if sugars < LACTOSE_FREE_BELOW_G => Suits::Derived,
            Some(sugars) if sugars > LACTOSE_SURE_ABOVE_G => Suits::No,
            _ => Suits::Unknown,
        };
    }
    let is_free = food.allergens.get(Allergen::Milk) == Presence::Free;
    when(is_free || reading.all_foods(|entry| entry.traits.has(Traits::PLANT)))
}

/// By carbohydrate without fibre. What was not measured is never taken for zero: unknown fibre
/// cannot excuse carbohydrate, and sugars are never fibre.
fn keto(per_100g: &Nutrients) -> Suits {
    let sugars = per_100g.get(Nutrient::Sugars).unwrap_or(0.0);
    let Some(carbohydrate) = per_100g.get(Nutrient::Carbohydrate) else {
        return if sugars > NO_KETO_ABOVE_G { Suits::No } else { Suits::Unknown };
    };
    let fibre = per_100g.get(Nutrient::Fibre);
    let most_net = (carbohydrate - fibre.unwrap_or(0.0)).max(sugars);
    let least_net = fibre.map_or(sugars, |fibre| (carbohydrate - fibre).max(sugars));
    if most_net <= KETO_UP_TO_G {
        Suits::Derived
    } else if least_net > NO_KETO_ABOVE_G {
        Suits::No
    } else {
        Suits::Unknown
    }
}

fn low_fodmap(reading: &Reading<'_>) -> Suits {
    if reading.known().any(|entry| entry.fodmap == Some(Fodmap::High)) {
        return Suits::No;
    }
    when(reading.all_foods(|entry| entry.fodmap == Some(Fodmap::Low)))
}
