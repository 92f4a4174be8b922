//! What a food's name and category say about allergens and diets. Everything here is derived
//! and marked so: what the words do not say stays unknown, and "free of" is told only where the
//! name claims it or where every word of it names one unprocessed ingredient or its handling.

mod diets;
mod lexicon;
mod reading;

#[cfg(test)]
mod tests;

use lexicon::{Lexicon, Traits};
use reading::{Piece, Reading};

use crate::{Allergen, Allergens, Diets, Food, FoodKind, FoodKinds, InvalidFields, Nutrients, Presence};

/// What the words of foods' names say, as versioned JSON.
#[derive(Clone, Debug)]
pub struct FoodWords {
    lexicon: Lexicon,
}

/// What a name and a category say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DerivedFood {
    /// What is known of each allergen.
    pub allergens: Allergens,
    /// Which diets it suits.
    pub diets: Diets,
    /// The animals and drinks that are named.
    pub kinds: FoodKinds,
    /// Every word names one unprocessed ingredient, and that is of an animal: there is no fruit in
    /// it, and no sweetener.
    pub is_of_animal_alone: bool,
    /// Which words said so.
    pub evidence: Vec<Evidence>,
}

/// What some words said of one allergen.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Evidence {
    /// The words, as they were read.
    pub words: String,
    /// About which allergen.
    pub allergen: Allergen,
    /// What they say.
    pub presence: Presence,
}

const ANIMALS: [FoodKind; 8] = [
    FoodKind::Pork,
    FoodKind::Meat,
    FoodKind::Poultry,
    FoodKind::Fish,
    FoodKind::Crustacean,
    FoodKind::Mollusc,
    FoodKind::Dairy,
    FoodKind::Egg,
];

impl Default for FoodWords {
    fn default() -> Self {
        Self { lexicon: Lexicon::built_in() }
    }
}

impl FoodWords {
    /// Reads words of a tenant's own, in the form of the file this crate brings.
    ///
    /// # Errors
    /// What makes the text no list of words.
    pub fn from_json(json: &str) -> Result<Self, InvalidFields> {
        Ok(Self { lexicon: Lexicon::from_json(json)? })
    }

    /// What `name` and `category` say; nutrients decide keto and help with lactose.
    #[must_use]
    pub fn derive(&self, name: &str, category: &str, per_100g: &Nutrients) -> DerivedFood {
        let reading = Reading::of(&self.lexicon, name).with_category(category);
        let mut derived = DerivedFood::default();
        self.add_category(category, &reading, &mut derived);
        for piece in &reading.pieces {
            add_piece(piece, &reading, &mut derived);
        }
        add_claims(&reading, &mut derived);
        if reading.is_plain() {
            add_freedom(&reading, &mut derived);
            derived.is_of_animal_alone = derived.kinds.has_any(&ANIMALS);
        }
        derived.diets = diets::derive(&reading, &derived, per_100g);
        derived
    }

    /// Fills what nobody declared of `food` from its name and category.
    pub fn complete(&self, food: &mut Food) {
        let derived = self.derive(&food.name, &food.category, &food.per_100g);
        food.allergens = food.allergens.or_derived(&derived.allergens);
        food.diets = food.diets.or_derived(&derived.diets);
        food.kinds = food.kinds.and(derived.kinds);
        if derived.is_of_animal_alone {
            food.fruit_percent = food.fruit_percent.or(Some(0.0));
            food.has_sweetener = food.has_sweetener.or(Some(false));
        }
        food.diets = diets::without_contradicted(food.diets, &food.allergens);
    }

    /// A category that is known says what is in its foods; the words of another one say only
    /// what may be.
    fn add_category(&self, category: &str, reading: &Reading<'_>, derived: &mut DerivedFood) {
        if let Some(known) = self.lexicon.category(category) {
            let is_denied = |allergen: Allergen| reading.denies(allergen);
            for allergen in Allergen::ALL {
                if known.contains.has(allergen) && !is_denied(allergen) && !reading.doubts_category() {
                    derived.say(category, allergen, Presence::Contains);
                }
            }
            if !reading.is_meatless() {
                derived.kinds = derived.kinds.and(known.kinds);
            }
        } else if !reading.is_plain() {
            let of_category = Reading::of(&self.lexicon, category);
            for piece in &of_category.pieces {
                let Piece::Known { entry, words, .. } = piece else { continue };
                for allergen in Allergen::ALL {
                    if entry.contains.has(allergen) || entry.may_contain.has(allergen) {
                        derived.say(words, allergen, Presence::MayContain);
                    }
                }
            }
        }
    }
}

fn add_piece(piece: &Piece<'_>, reading: &Reading<'_>, derived: &mut DerivedFood) {
    let Piece::Known { entry, words, certainty, .. } = piece else { return };
    for allergen in Allergen::ALL {
        if entry.contains.has(allergen) && !reading.denies(allergen) {
            let presence = certainty.presence(allergen);
            if presence != Presence::Unknown {
                derived.say(words, allergen, presence);
            }
        } else if entry.may_contain.has(allergen) && certainty.is_said() {
            derived.say(words, allergen, Presence::MayContain);
        }
    }
    if certainty.names_kinds() {
        derived.kinds = derived.kinds.and(reading.without_denied(entry.kinds));
    }
}

/// `gluten-free` in a name is the word of whoever named it.
fn add_claims(reading: &Reading<'_>, derived: &mut DerivedFood) {
    for (allergen, words) in &reading.claimed_free {
        derived.allergens = derived.allergens.with(*allergen, Presence::Free);
        derived.evidence.retain(|evidence| evidence.allergen != *allergen);
        derived.evidence.push(Evidence {
            words: words.clone(),
            allergen: *allergen,
            presence: Presence::Free,
        });
    }
}

/// One unprocessed ingredient holds nothing else. Sulphites are put on fresh grapes and
/// crustaceans too, so those stay unknown.
fn add_freedom(reading: &Reading<'_>, derived: &mut DerivedFood) {
    let is_doubtful = derived.allergens.get(Allergen::Crustaceans) == Presence::Contains
        || !reading.has_word("raw")
        || reading.known().any(|entry| entry.traits.has(Traits::SULPHITES_DOUBT));
    for allergen in Allergen::ALL {
        let is_open = derived.allergens.get(allergen) == Presence::Unknown;
        if is_open && !(allergen == Allergen::Sulphites && is_doubtful) {
            derived.say("one ingredient", allergen, Presence::Free);
        }
    }
}

impl DerivedFood {
    /// Something more is said of an allergen: what contains it outweighs what may.
    fn say(&mut self, words: &str, allergen: Allergen, presence: Presence) {
        let outweighs = match self.allergens.get(allergen) {
            Presence::Contains => false,
            Presence::MayContain => presence == Presence::Contains,
            Presence::Unknown | Presence::Free => true,
        };
        if outweighs {
            self.allergens = self.allergens.with(allergen, presence);
            self.evidence.retain(|evidence| evidence.allergen != allergen);
            self.evidence.push(Evidence { words: words.to_owned(), allergen, presence });
        }
    }
}
