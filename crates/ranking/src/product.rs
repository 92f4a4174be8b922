//! What the ranking needs to know of a product.

use std::collections::BTreeMap;

/// A product of the catalogue, as far as ranking and filtering need it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductRecord {
    /// The tenant's id of it.
    pub product_id: String,
    /// What reasons call it.
    pub name: String,
    /// Empty when it has none.
    pub category: String,
    /// Empty when it has none.
    pub brand: String,
    /// Words the tenant hangs on it, such as "organic".
    pub tags: Vec<String>,
    /// Price of one unit in millionths of the currency; `None` when it is not known.
    pub price_micros: Option<i64>,
    /// ISO 4217 code of the price; empty without a price.
    pub currency: String,
    /// Allergens it is known to contain, such as "milk".
    pub allergens: Vec<String>,
    /// Whether that list is complete; unless it is, what is not listed is unknown.
    pub allergens_complete: bool,
    /// Diets it is known to suit, such as "vegan".
    pub diets: Vec<String>,
    /// What 100 g of it hold.
    pub nutrition: NutritionPer100g,
    /// Anything else that is known of it.
    pub attributes: BTreeMap<String, String>,
    /// Whether it can be bought now.
    pub in_stock: bool,
    /// A hidden product is never recommended; its history still teaches the models.
    pub hidden: bool,
}

impl Default for ProductRecord {
    /// A product of which nothing is known but that it can be bought.
    fn default() -> Self {
        Self {
            product_id: String::new(),
            name: String::new(),
            category: String::new(),
            brand: String::new(),
            tags: Vec::new(),
            price_micros: None,
            currency: String::new(),
            allergens: Vec::new(),
            allergens_complete: false,
            diets: Vec::new(),
            nutrition: NutritionPer100g::default(),
            attributes: BTreeMap::new(),
            in_stock: true,
            hidden: false,
        }
    }
}

/// What 100 g of a product hold; `None` is not known, which is never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NutritionPer100g {
    /// Energy in kilocalories.
    pub energy_kcal: Option<f32>,
    /// Protein in grams.
    pub protein_g: Option<f32>,
    /// Fat in grams.
    pub fat_g: Option<f32>,
    /// Saturated fat in grams.
    pub saturated_fat_g: Option<f32>,
    /// Carbohydrate in grams.
    pub carbohydrate_g: Option<f32>,
    /// Sugars in grams.
    pub sugars_g: Option<f32>,
    /// Dietary fibre in grams.
    pub fibre_g: Option<f32>,
    /// Sodium in milligrams.
    pub sodium_mg: Option<f32>,
}

impl NutritionPer100g {
    /// The eight values in the order they are declared in.
    pub fn values(&self) -> [Option<f32>; 8] {
        [
            self.energy_kcal,
            self.protein_g,
            self.fat_g,
            self.saturated_fat_g,
            self.carbohydrate_g,
            self.sugars_g,
            self.fibre_g,
            self.sodium_mg,
        ]
    }

    /// From the eight values in the order they are declared in.
    pub fn from_values(values: [Option<f32>; 8]) -> Self {
        let [energy_kcal, protein_g, fat_g, saturated_fat_g, carbohydrate_g, sugars_g, fibre_g, sodium_mg] =
            values;
        Self { energy_kcal, protein_g, fat_g, saturated_fat_g, carbohydrate_g, sugars_g, fibre_g, sodium_mg }
    }
}
