//! Products of the catalogue as foods: what the tenant declares, and where that says nothing, what
//! the generic food that stands for the product says. Each keeps where it comes from.

use larder_nutrition::{Allergens, Diets, Food, FoodKinds, Nutrient, Nutrients};
use larder_ranking::{NutritionPer100g, ProductRecord};

use super::food_match::{FoodMatch, MatchState};
use super::generic_foods::GenericFoods;
use super::{labels, package};
use crate::profile::Facts;

/// Where the nutrients of a product come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NutrientSource {
    /// Nothing is known of them.
    #[default]
    Unknown,
    Declared,
    Confirmed,
    Estimated,
}

/// A product made ready for the pure functions.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProductFood {
    pub(crate) food: Food,
    pub(crate) source: NutrientSource,
    /// The generic food that stands for it, if one does.
    pub(crate) matched: Option<FoodMatch>,
    /// What the catalogue says alone, without what was derived.
    pub(crate) declared_allergens: Allergens,
    pub(crate) declared_diets: Diets,
    /// Mass of one package in grams.
    pub(crate) pack_g: Option<f64>,
}

/// A product with everything that is known of it for nutrition, what its name says included.
pub(crate) fn product_food(product: &ProductRecord, facts: &Facts, generic: &GenericFoods) -> ProductFood {
    let mut known = declared_food(product, facts, generic);
    labels::complete(&mut known.food);
    known
}

/// A product without what its name says of allergens and diets: quick enough for a whole catalogue.
pub(crate) fn declared_food(product: &ProductRecord, facts: &Facts, generic: &GenericFoods) -> ProductFood {
    let matched = facts.matches.get(&product.product_id).map(|found| (**found).clone());
    let usable = matched.as_ref().filter(|found| found.state != MatchState::Rejected);
    let stand_in = usable.and_then(|found| generic.find(&found.food_id));
    let declared = declared(&product.nutrition);
    let (per_100g, source) = match (is_known(&declared), stand_in, usable) {
        (true, ..) => (declared, NutrientSource::Declared),
        (false, Some(food), Some(found)) if found.state == MatchState::Confirmed => {
            (food.per_100g, NutrientSource::Confirmed)
        }
        (false, Some(food), _) => (food.per_100g, NutrientSource::Estimated),
        (false, None, _) => (declared, NutrientSource::Unknown),
    };
    let own_serving = product.attributes.get("serving_g").and_then(|text| text.parse::<f32>().ok());
    let own_serving = own_serving.filter(|mass_g| (1.0..=5_000.0).contains(mass_g));
    let said = facts.declarations.get(&product.product_id).map(|said| (**said).clone()).unwrap_or_default();
    let food = Food {
        food_id: product.product_id.clone(),
        name: product.name.clone(),
        category: product.category.clone(),
        per_100g,
        serving_g: own_serving.or_else(|| stand_in.and_then(|food| food.serving_g)),
        allergens: labels::allergens(&product.allergens, product.allergens_complete),
        diets: labels::diets(&product.diets),
        kinds: FoodKinds::default(),
        fruit_percent: fruit_percent(product),
        has_sweetener: product.attributes.get("has_sweetener").and_then(|text| text.parse().ok()),
    };
    let declared_allergens = labels::allergens(&said.allergens, product.allergens_complete);
    let declared_diets = food.diets;
    ProductFood {
        declared_allergens,
        declared_diets,
        food,
        source,
        matched,
        pack_g: package::mass_g(&said.package_size).or_else(|| package::mass_in_name_g(&product.name)),
    }
}

/// Fruit, vegetables and legumes by the attribute `fruit_percent`.
fn fruit_percent(product: &ProductRecord) -> Option<f32> {
    let told = product.attributes.get("fruit_percent")?.parse::<f32>().ok();
    told.filter(|percent| (0.0..=100.0).contains(percent))
}

/// What the catalogue says of a product; the rest is not known.
pub(crate) fn declared(nutrition: &NutritionPer100g) -> Nutrients {
    Nutrients::UNKNOWN
        .with(Nutrient::Energy, nutrition.energy_kcal)
        .with(Nutrient::Protein, nutrition.protein_g)
        .with(Nutrient::Fat, nutrition.fat_g)
        .with(Nutrient::SaturatedFat, nutrition.saturated_fat_g)
        .with(Nutrient::Carbohydrate, nutrition.carbohydrate_g)
        .with(Nutrient::Sugars, nutrition.sugars_g)
        .with(Nutrient::Fibre, nutrition.fibre_g)
        .with(Nutrient::Sodium, nutrition.sodium_mg)
}

fn is_known(nutrients: &Nutrients) -> bool {
    nutrients.amounts().iter().any(|amount| !amount.is_nan())
}
