//! The words that tenants use for allergens and diets, brought to those that nutrition knows, and
//! what the name of a product says of both.

use std::sync::LazyLock;

use larder_nutrition::{Allergen, Allergens, Diet, Diets, Food, FoodWords, Nutrients, Presence, Suits};
use larder_ranking::ProductRecord;

/// What words of names say: a table of facts, read once; it never changes while the process runs.
static WORDS: LazyLock<FoodWords> = LazyLock::new(FoodWords::default);

/// Fills what nobody declared of a food from its name and category.
pub(crate) fn complete(food: &mut Food) {
    WORDS.complete(food);
}

/// Adds to the allergens a product is declared to contain the groups that they belong to, and what
/// its name says that it contains. Nothing that was declared is taken away, and nothing becomes free
/// of anything: hard constraints only grow tighter.
pub(crate) fn widen(product: &mut ProductRecord) {
    let declared = allergens(&product.allergens, product.allergens_complete);
    let derived = WORDS.derive(&product.name, &product.category, &Nutrients::UNKNOWN).allergens;
    let known = declared.or_derived(&derived);
    for allergen in Allergen::ALL {
        let name = allergen_name(allergen);
        let is_told = product.allergens.iter().any(|word| word.trim().eq_ignore_ascii_case(name));
        if known.get(allergen) == Presence::Contains && !is_told {
            product.allergens.push(name.to_owned());
        }
    }
}

/// The words of a profile with the groups that they belong to: whoever must stay away from
/// "hazelnuts" must stay away from what is said to contain "nuts".
pub(crate) fn with_groups(words: &[String]) -> Vec<String> {
    let mut all = words.to_vec();
    for group in words.iter().filter_map(|word| Allergen::named(word).ok()).flatten() {
        let name = allergen_name(*group);
        if !all.iter().any(|word| word.trim().eq_ignore_ascii_case(name)) {
            all.push(name.to_owned());
        }
    }
    all
}

/// What a list of allergens says. Words that stand for none of the fourteen groups say nothing
/// here; whoever must stay away from such a word compares it as it is written.
pub(crate) fn allergens(words: &[String], is_complete: bool) -> Allergens {
    let mut allergens = Allergens::default();
    if is_complete {
        allergens = Allergen::ALL.into_iter().fold(allergens, |all, one| all.with(one, Presence::Free));
    }
    for group in words.iter().filter_map(|word| Allergen::named(word).ok()).flatten() {
        allergens = allergens.with(*group, Presence::Contains);
    }
    allergens
}

/// What a list of diets says.
pub(crate) fn diets(words: &[String]) -> Diets {
    let named = words.iter().filter_map(|word| diet(word));
    let with_wider = named.flat_map(|one| std::iter::once(one).chain(wider(one).iter().copied()));
    with_wider.fold(Diets::default(), |all, one| all.with(one, Suits::Declared))
}

/// The diets that a food of this diet suits as well.
fn wider(diet: Diet) -> &'static [Diet] {
    match diet {
        Diet::Vegan => &[Diet::Vegetarian, Diet::Pescatarian],
        Diet::Vegetarian => &[Diet::Pescatarian],
        _ => &[],
    }
}

/// The diet a word stands for: "gluten-free" and "Gluten free" are `gluten_free`.
pub(crate) fn diet(word: &str) -> Option<Diet> {
    let folded: String =
        word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    Diet::ALL.into_iter().find(|diet| diet_name(*diet).replace('_', "") == folded)
}

/// The name of a diet on the wire.
pub(crate) fn diet_name(diet: Diet) -> &'static str {
    match diet {
        Diet::Vegan => "vegan",
        Diet::Vegetarian => "vegetarian",
        Diet::Pescatarian => "pescatarian",
        Diet::Halal => "halal",
        Diet::Kosher => "kosher",
        Diet::GlutenFree => "gluten_free",
        Diet::LactoseFree => "lactose_free",
        Diet::Keto => "keto",
        Diet::LowFodmap => "low_fodmap",
    }
}

/// The name of an allergen on the wire.
pub(crate) fn allergen_name(allergen: Allergen) -> &'static str {
    match allergen {
        Allergen::Gluten => "gluten",
        Allergen::Crustaceans => "crustaceans",
        Allergen::Eggs => "eggs",
        Allergen::Fish => "fish",
        Allergen::Peanuts => "peanuts",
        Allergen::Soybeans => "soybeans",
        Allergen::Milk => "milk",
        Allergen::Nuts => "nuts",
        Allergen::Celery => "celery",
        Allergen::Mustard => "mustard",
        Allergen::Sesame => "sesame",
        Allergen::Sulphites => "sulphites",
        Allergen::Lupin => "lupin",
        Allergen::Molluscs => "molluscs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_brought_to_their_groups_and_nothing_is_free_unless_all_is_told() {
        let words = ["Tree nuts".to_owned(), "strawberries".to_owned()];
        let told = allergens(&words, false);
        assert_eq!(
            (told.get(Allergen::Nuts), told.get(Allergen::Milk)),
            (Presence::Contains, Presence::Unknown)
        );
        let all = allergens(&words, true);
        assert_eq!((all.get(Allergen::Nuts), all.get(Allergen::Milk)), (Presence::Contains, Presence::Free));
    }

    #[test]
    fn what_a_name_says_is_added_and_nothing_is_taken_away() {
        let mut cheese = ProductRecord {
            name: "Cheddar Cheese".into(),
            allergens: vec!["celery".into(), "Hazelnuts".into()],
            ..ProductRecord::default()
        };
        widen(&mut cheese);
        assert_eq!(cheese.allergens, ["celery", "Hazelnuts", "milk", "nuts"]);
        assert!(!cheese.allergens_complete, "what is not said stays unknown");
        let mut declared = ProductRecord {
            name: "Cheddar Cheese".into(),
            allergens_complete: true,
            ..ProductRecord::default()
        };
        widen(&mut declared);
        assert!(declared.allergens.is_empty(), "whoever declares all of them has the last word");
        assert_eq!(with_groups(&["hazelnuts".to_owned(), "kiwi".to_owned()]), ["hazelnuts", "kiwi", "nuts"]);
    }

    #[test]
    fn every_diet_and_allergen_is_found_by_its_name() {
        for one in Diet::ALL {
            assert_eq!(diet(diet_name(one)), Some(one));
        }
        for one in Allergen::ALL {
            assert_eq!(Allergen::named(allergen_name(one)), Ok(&[one][..]));
        }
        assert_eq!(diet("Gluten-Free"), Some(Diet::GlutenFree));
        assert_eq!(diet("paleo"), None);
        let vegan = diets(&["VEGAN".to_owned()]);
        assert_eq!((vegan.get(Diet::Vegan), vegan.get(Diet::Vegetarian)), (Suits::Declared, Suits::Declared));
        assert_eq!(diets(&["vegetarian".to_owned()]).get(Diet::Vegan), Suits::Unknown);
    }
}
