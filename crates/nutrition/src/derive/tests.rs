//! What names say, by the traps they set.

mod labelled;

use super::*;
use crate::{Diet, Suits};

fn derive(name: &str) -> DerivedFood {
    FoodWords::default().derive(name, "", &Nutrients::UNKNOWN)
}

fn contained(name: &str) -> Vec<Allergen> {
    let allergens = derive(name).allergens;
    Allergen::ALL.into_iter().filter(|one| allergens.get(*one) == Presence::Contains).collect()
}

fn presence(name: &str, allergen: Allergen) -> Presence {
    derive(name).allergens.get(allergen)
}

#[test]
fn words_that_only_look_like_an_allergen_are_none() {
    for (name, contains) in [
        ("MILK WHITE ONLY", &[Allergen::Milk][..]),
        ("FLUID MILK WHITE ONLY", &[Allergen::Milk]),
        ("Peanut butter, smooth", &[Allergen::Peanuts]),
        ("Coconut milk, canned", &[]),
        ("Nuts, coconut milk, raw", &[]),
        ("Almond milk, unsweetened", &[Allergen::Nuts]),
        ("Beverages, almond milk, sweetened", &[Allergen::Nuts]),
        ("Soy milk", &[Allergen::Soybeans]),
        ("Oat milk", &[Allergen::Gluten]),
        ("Rice milk", &[]),
        ("Squash, winter, butternut, raw", &[]),
        ("Butternut squash soup mix", &[]),
        ("Eggplant, raw", &[]),
        ("Buckwheat", &[]),
        ("Buckwheat groats, roasted", &[]),
        ("Spices, nutmeg, ground", &[]),
        ("Oil, cocoa butter", &[]),
        ("Cocoa butter", &[]),
        ("Cheese, goat, soft type", &[Allergen::Milk]),
        ("Goat cheese", &[Allergen::Milk]),
        ("Mushrooms, oyster, raw", &[]),
        ("Oyster mushrooms", &[]),
        ("Lettuce, butterhead (includes boston and bibb types), raw", &[]),
        ("Butter beans", &[]),
        ("Apple butter", &[]),
        ("Cream of tartar", &[]),
        ("Carbonated beverage, cream soda", &[]),
        ("Corn, sweet, yellow, canned, cream style", &[]),
        ("Cereals, CREAM OF RICE, dry", &[]),
        ("Nuts, chestnuts, european, raw", &[]),
        ("Waterchestnuts, chinese, (matai), raw", &[]),
        ("Nuts, pine nuts, dried", &[]),
        ("Doughnut, plain", &[Allergen::Gluten]),
        ("Root beer", &[]),
        ("Ginger ale", &[]),
        ("Milk, human, mature, fluid", &[]),
        ("Crabapples, raw", &[]),
        ("Potatoes, scalloped, dry mix", &[]),
        ("Honeydew melon", &[]),
        ("Milkfish, raw", &[Allergen::Fish]),
        ("Grape juice", &[]),
        ("Grape-Nuts cereal", &[Allergen::Gluten]),
        ("Egg rolls, pork", &[Allergen::Gluten]),
        ("Celery cabbage", &[]),
        ("Oil, soybean, salad or cooking", &[]),
        ("Flour, rice, white", &[]),
        ("Flour, all-purpose, enriched", &[Allergen::Gluten]),
        ("Tortilla, corn", &[]),
        ("Spaghetti squash", &[]),
        ("Noodles, rice, cooked", &[]),
    ] {
        assert_eq!(contained(name), contains, "{name}");
    }
}

#[test]
fn what_is_denied_offered_or_only_a_flavour_is_not_contained() {
    assert_eq!(contained("Popcorn, popped in oil, no butter added"), []);
    assert_eq!(presence("Sauce made with milk or water", Allergen::Milk), Presence::MayContain);
    assert_eq!(presence("Potato with butter or oil", Allergen::Milk), Presence::MayContain);
    assert_eq!(presence("Noodles or macaroni with beef", Allergen::Gluten), Presence::Contains);
    assert_eq!(presence("Chiliburger, with or without cheese", Allergen::Milk), Presence::MayContain);
    assert_eq!(presence("Popcorn, peanut-flavored", Allergen::Peanuts), Presence::MayContain);
    assert_eq!(presence("Cheese substitute, mozzarella", Allergen::Milk), Presence::MayContain);
    assert_eq!(contained("Pizza, no cheese"), [Allergen::Gluten]);
    assert_eq!(contained("Vegan cheese pizza"), [Allergen::Gluten, Allergen::Soybeans]);
    assert_eq!(contained("Tomatoes as ingredient in omelet"), []);
    assert_eq!(contained("Mixed nuts, without peanuts"), [Allergen::Nuts]);
}

#[test]
fn free_of_is_told_only_with_evidence() {
    for name in
        ["Apples, raw, with skin", "Carrots, cooked, boiled, drained, without salt", "Beef, ground, raw"]
    {
        for allergen in Allergen::ALL.into_iter().filter(|one| *one != Allergen::Sulphites) {
            assert_eq!(presence(name, allergen), Presence::Free, "{name}: {allergen:?}");
        }
    }
    let milk = derive("Milk, whole").allergens;
    assert_eq!(milk.get(Allergen::Milk), Presence::Contains);
    assert_eq!(milk.get(Allergen::Nuts), Presence::Free);
    assert_eq!(presence("Bread, gluten-free, white", Allergen::Gluten), Presence::Free);
    assert_eq!(presence("Bread, gluten-free, white", Allergen::Nuts), Presence::Unknown);
    for name in [
        "Vegetable soup",
        "Apples, canned, sweetened",
        "Beef with sauce",
        "Carrots, cooked, fat added",
        "Salad dressing, fat free",
        "Rice, fried",
        "Mystery",
        "",
        "12 %",
        "Apple or nut bar",
        "Sweet and sour shrimp",
        "Beef, ground, with egg and onion",
        "Chicken, for use with vegetables",
        "Rice with raisins",
        "Turnip, cooked",
        "Escargot",
        "Fish, cod, grilled",
        "Carrots, glazed",
    ] {
        let allergens = derive(name).allergens;
        let is_free = |allergen: &Allergen| allergens.get(*allergen) == Presence::Free;
        assert_eq!(Allergen::ALL.into_iter().find(is_free), None, "{name}");
    }
    assert_eq!(presence("Shrimp, raw", Allergen::Sulphites), Presence::Unknown);
    assert_eq!(presence("Grapes, raw", Allergen::Sulphites), Presence::Unknown);
}

#[test]
fn the_size_of_a_package_and_whose_brand_it_is_say_nothing_of_what_is_in_it() {
    for name in
        ["Milk, 64 OZ", "Store Brand Large Eggs, 1 DZ", "Store Brand Dry Beans, 2 LB", "Bananas, 1.5 kg"]
    {
        assert_eq!(presence(name, Allergen::Nuts), Presence::Free, "{name}");
        assert_eq!(derive(name).diets.get(Diet::Vegetarian), Suits::Derived, "{name}");
    }
    for name in
        ["Chocolate Milk, 64 OZ", "Yogurt, 6 OZ", "Store Brand Snack Mix, 12 OZ", "Variety Pack, 24 CT"]
    {
        assert_ne!(presence(name, Allergen::Nuts), Presence::Free, "{name}");
    }
    assert_eq!(presence("Store Brand Peanut Butter, 18 OZ", Allergen::Nuts), Presence::Unknown);
    assert_eq!(derive("64 OZ").allergens, Allergens::default(), "a size alone is no food");
}

#[test]
fn diets_are_derived_where_every_word_is_understood() {
    use crate::Suits::{Derived, No, Unknown};
    let diets =
        [Diet::Vegan, Diet::Vegetarian, Diet::Pescatarian, Diet::Halal, Diet::Kosher, Diet::GlutenFree];
    for (name, suits) in [
        ("Apples, raw", [Derived, Derived, Derived, Derived, Derived, Derived]),
        ("Beef, ground, raw", [No, No, No, Unknown, Unknown, Derived]),
        ("Pork, loin, raw", [No, No, No, No, No, Derived]),
        ("Fish, cod, Atlantic, raw", [No, No, Derived, Derived, Derived, Derived]),
        ("Fish, catfish, raw", [No, No, Derived, Derived, No, Derived]),
        ("Crustaceans, shrimp, raw", [No, No, Derived, Unknown, No, Derived]),
        ("Milk, whole", [No, Derived, Derived, Derived, Derived, Derived]),
        ("Egg, whole, raw", [No, Derived, Derived, Derived, Derived, Derived]),
        ("Honey", [No, Derived, Derived, Derived, Unknown, Unknown]),
        ("Bread, white", [Unknown, Derived, Derived, Derived, Unknown, No]),
        ("Marshmallows", [No, No, No, Unknown, Unknown, Unknown]),
        ("Vegan burger", [Derived, Derived, Derived, Derived, Unknown, Unknown]),
        ("Frankfurter, meatless", [Unknown, Derived, Derived, Derived, Unknown, Unknown]),
        ("Cheeseburger", [No, No, No, Unknown, No, Unknown]),
        ("Alcoholic beverage, wine, table, red", [Unknown, Unknown, Unknown, No, Unknown, Unknown]),
        ("Mystery", [Unknown; 6]),
        ("Squash, winter, cooked, fat added", [Unknown; 6]),
        ("Baked beans", [Unknown; 6]),
        ("Fried green tomatoes", [Unknown; 6]),
        ("Grapes, raw", [Derived, Derived, Derived, Derived, Unknown, Derived]),
    ] {
        let derived = derive(name).diets;
        assert_eq!(diets.map(|diet| derived.get(diet)), suits, "{name}");
    }
}

#[test]
fn nutrients_decide_keto_and_help_with_lactose() {
    let with = |name: &str, carbohydrate: f32, fibre: Option<f32>, sugars: Option<f32>| {
        let per_100g = Nutrients::UNKNOWN
            .with(crate::Nutrient::Carbohydrate, carbohydrate)
            .with(crate::Nutrient::Fibre, fibre)
            .with(crate::Nutrient::Sugars, sugars);
        FoodWords::default().derive(name, "", &per_100g).diets
    };
    assert_eq!(with("Spinach, raw", 3.6, Some(2.2), Some(0.4)).get(Diet::Keto), Suits::Derived);
    assert_eq!(with("Bread", 50.0, Some(3.0), None).get(Diet::Keto), Suits::No);
    assert_eq!(with("Bran", 50.0, None, None).get(Diet::Keto), Suits::Unknown, "all of it may be fibre");
    assert_eq!(with("Avocado, raw", 8.5, Some(6.7), Some(0.7)).get(Diet::Keto), Suits::Derived);
    assert_eq!(derive("Egg").diets.get(Diet::Keto), Suits::Unknown, "unknown is never zero");
    assert_eq!(with("Milk, whole", 4.8, Some(0.0), Some(4.8)).get(Diet::LactoseFree), Suits::No);
    assert_eq!(with("Butter", 0.06, Some(0.0), Some(0.06)).get(Diet::LactoseFree), Suits::Derived);
    assert_eq!(with("Cheese, cheddar", 3.4, Some(0.0), None).get(Diet::LactoseFree), Suits::Unknown);
    assert_eq!(derive("Milk, lactose free, whole").diets.get(Diet::LactoseFree), Suits::Derived);
    assert_eq!(derive("Apples, raw").diets.get(Diet::LactoseFree), Suits::Derived);
    assert_eq!(derive("Onions, raw").diets.get(Diet::LowFodmap), Suits::No);
    assert_eq!(derive("Carrots, raw").diets.get(Diet::LowFodmap), Suits::Derived);
    assert_eq!(derive("Carrots with garlic").diets.get(Diet::LowFodmap), Suits::No);
}

#[test]
fn milk_and_meat_alone_hold_no_fruit_and_no_sweetener() {
    let completed = |name: &str, fruit_percent: Option<f32>| {
        let mut food = Food { name: name.to_owned(), fruit_percent, ..Food::default() };
        FoodWords::default().complete(&mut food);
        (food.fruit_percent, food.has_sweetener)
    };
    assert_eq!(completed("Milk, 64 OZ", None), (Some(0.0), Some(false)));
    assert_eq!(completed("Beef, ground, raw", None), (Some(0.0), Some(false)));
    assert_eq!(completed("Milk, 64 OZ", Some(3.0)).0, Some(3.0), "what was told stays");
    for name in ["Fruit yogurt", "Beef with sauce", "Apples, raw", "Cola", ""] {
        assert_eq!(completed(name, None), (None, None), "{name}");
    }
}

#[test]
fn what_was_declared_is_not_overwritten() {
    let words = FoodWords::default();
    let mut food = Food {
        name: "Bread, white".to_owned(),
        allergens: Allergens::default().with(Allergen::Milk, Presence::Free),
        diets: Diets::default().with(Diet::Vegan, Suits::Declared),
        ..Food::default()
    };
    words.complete(&mut food);
    assert_eq!(food.allergens.get(Allergen::Milk), Presence::Free);
    assert_eq!(food.allergens.get(Allergen::Gluten), Presence::Contains);
    assert_eq!(food.diets.get(Diet::Vegan), Suits::Declared);
    assert_eq!(food.diets.get(Diet::Vegetarian), Suits::Derived);
    let mut oats = Food {
        name: "Carrots, raw".to_owned(),
        allergens: Allergens::default().with(Allergen::Gluten, Presence::Contains),
        ..Food::default()
    };
    words.complete(&mut oats);
    assert_eq!(oats.diets.get(Diet::GlutenFree), Suits::No);
    let mut glazed = Food {
        name: "Carrots, raw".to_owned(),
        allergens: Allergens::default().with(Allergen::Milk, Presence::Contains),
        ..Food::default()
    };
    words.complete(&mut glazed);
    assert_eq!(glazed.diets.get(Diet::Vegan), Suits::No);
    assert_eq!(glazed.diets.get(Diet::Vegetarian), Suits::Derived);
}

#[test]
fn words_that_are_no_words_are_refused() {
    assert!(FoodWords::from_json("[]").is_err());
    let with = |entry: &str| {
        let json = format!(r#"{{"version": 1, "source": "", "words": [{entry}], "categories": []}}"#);
        FoodWords::from_json(&json)
    };
    assert!(with(r#"{"phrases": ["milk"], "contains": ["milk"]}"#).is_ok());
    let refused = with(r#"{"phrases": ["milk"], "traits": ["tasty"]}"#).expect_err("no such trait");
    assert!(refused.to_string().contains("food_words.words[0].traits: tasty"), "{refused}");
    assert!(with(r#"{"phrases": ["100"]}"#).is_err());
    assert!(with(r#"{"phrases": ["milk"], "contains": ["dairy"]}"#).is_err());
}
