//! Which table a food falls under, where its name or category tells.

use super::NutriScoreCategory;
use crate::{FoodKind, FoodKinds};

const WATER: &[&str] = &["water"];
/// Water with one of these is another drink.
const NOT_WATER_ALONE: &[&str] = &[
    "coconut",
    "tonic",
    "sweetened",
    "vitamin",
    "enhanced",
    "barley",
    "rice",
    "rose",
    "pack",
    "chestnut",
    "ice",
];
const DRINKS: &[&str] = &[
    "beverage",
    "beverages",
    "drink",
    "drinks",
    "juice",
    "juices",
    "soda",
    "cola",
    "lemonade",
    "soymilk",
    "tea",
    "coffee",
    "smoothie",
    "smoothies",
    "nectar",
    "milkshake",
    "kombucha",
];
const DAIRY_DRINKS: &[&str] = &["milk", "buttermilk", "milks"];
const CHEESES: &[&str] = &[
    "cheese",
    "cheeses",
    "cheddar",
    "mozzarella",
    "gouda",
    "brie",
    "camembert",
    "feta",
    "parmesan",
    "emmental",
    "gruyere",
    "edam",
    "provolone",
    "roquefort",
];
const FATS: &[&str] = &[
    "oil",
    "oils",
    "butter",
    "margarine",
    "ghee",
    "lard",
    "shortening",
    "mayonnaise",
    "nuts",
    "almonds",
    "walnuts",
    "cashews",
    "pecans",
    "hazelnuts",
    "pistachios",
    "peanuts",
    "seeds",
    "cream",
    "tallow",
];
/// Words that make a food more than what its other words name.
const DISHES: &[&str] = &[
    "sandwich",
    "pizza",
    "soup",
    "sauce",
    "cake",
    "cookies",
    "cookie",
    "bread",
    "pie",
    "candy",
    "candies",
    "salad",
    "burger",
    "pasta",
    "macaroni",
    "cereal",
    "bar",
    "bars",
    "chocolate",
    "cracker",
    "crackers",
    "cheesecake",
    "mix",
    "dressing",
    "ice",
    "yogurt",
    "pudding",
    "spread",
    "snacks",
    "biscuit",
    "taco",
    "burrito",
    "with",
    "babyfood",
    "cheeseburger",
    "popcorn",
    "beans",
    "flavored",
    "creamed",
    "cereals",
    "powder",
    "chips",
    "dip",
    "dinner",
];

/// The table for a food of this name and category, by its words and the animals it is known to
/// be of; `None` where they do not tell, and the general table applies.
#[must_use]
pub fn nutri_score_category(name: &str, category: &str, kinds: FoodKinds) -> Option<NutriScoreCategory> {
    let own = words_of(name);
    let of_category = words_of(category);
    if own.iter().any(|word| DISHES.contains(&word.as_str())) {
        return None;
    }
    let named = |list: &[&str]| own.iter().any(|word| list.contains(&word.as_str()));
    if named(WATER) {
        let is_alone = !named(DRINKS) && !named(NOT_WATER_ALONE);
        return Some(if is_alone { NutriScoreCategory::Water } else { NutriScoreCategory::Beverage });
    }
    if named(CHEESES) {
        return Some(NutriScoreCategory::Cheese);
    }
    if named(FATS) {
        return Some(NutriScoreCategory::FatsOilsNutsSeeds);
    }
    let is_drink = of_category.iter().any(|word| DRINKS.contains(&word.as_str()));
    if is_drink || named(DRINKS) || (named(DAIRY_DRINKS) && !named(&["dry", "condensed", "evaporated"])) {
        return Some(NutriScoreCategory::Beverage);
    }
    let is_red = kinds.has(FoodKind::Pork) || kinds.has(FoodKind::Meat);
    (is_red && !kinds.has(FoodKind::Dairy)).then_some(NutriScoreCategory::RedMeat)
}

fn words_of(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FoodWords, Nutrients};

    #[test]
    fn names_tell_the_table_where_they_can() {
        let words = FoodWords::default();
        for (name, category, expected) in [
            ("Water, bottled, generic", "Beverages", Some(NutriScoreCategory::Water)),
            ("Beef, ground, raw", "", Some(NutriScoreCategory::RedMeat)),
            ("Pork, loin, raw", "", Some(NutriScoreCategory::RedMeat)),
            ("Chicken, breast, raw", "", None),
            ("Cheese, cheddar", "Dairy and Egg Products", Some(NutriScoreCategory::Cheese)),
            ("Oil, olive", "Fats and Oils", Some(NutriScoreCategory::FatsOilsNutsSeeds)),
            ("Nuts, almonds", "", Some(NutriScoreCategory::FatsOilsNutsSeeds)),
            ("Orange juice, raw", "", Some(NutriScoreCategory::Beverage)),
            ("Milk, whole", "", Some(NutriScoreCategory::Beverage)),
            ("Cheese pizza", "", None),
            ("Apples, raw", "Fruits and Fruit", None),
            ("Spring water", "", Some(NutriScoreCategory::Water)),
            ("Coconut water", "", Some(NutriScoreCategory::Beverage)),
        ] {
            let kinds = words.derive(name, category, &Nutrients::UNKNOWN).kinds;
            let found = nutri_score_category(name, category, kinds);
            assert_eq!(found, expected, "{name}");
        }
    }
}
