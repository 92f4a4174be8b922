//! The words that tenants use for allergens and diets, brought to those that nutrition knows.

use larder_nutrition::{Allergen, Allergens, Diet, Diets, Presence, Suits};

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
    named.fold(Diets::default(), |all, one| all.with(one, Suits::Declared))
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
    fn every_diet_and_allergen_is_found_by_its_name() {
        for one in Diet::ALL {
            assert_eq!(diet(diet_name(one)), Some(one));
        }
        for one in Allergen::ALL {
            assert_eq!(Allergen::named(allergen_name(one)), Ok(&[one][..]));
        }
        assert_eq!(diet("Gluten-Free"), Some(Diet::GlutenFree));
        assert_eq!(diet("paleo"), None);
        assert_eq!(diets(&["VEGAN".to_owned()]).get(Diet::Vegan), Suits::Declared);
    }
}
