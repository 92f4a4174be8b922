//! A name read word by word: which phrases it holds, and which of them are denied, offered as
//! one of two, or only a flavour.

use super::lexicon::{Entry, Lexicon, Traits, Word, words_of};
use crate::{Allergen, FoodKind, FoodKinds, Presence};

/// A name, read.
pub(super) struct Reading<'lexicon> {
    words: Vec<Word>,
    /// The name or the category says that it is a dish, or a part of one.
    is_of_dish: bool,
    pub(super) pieces: Vec<Piece<'lexicon>>,
    /// What the name itself claims to be free of, and by which words.
    pub(super) claimed_free: Vec<(Allergen, String)>,
}

/// A part of a name.
pub(super) enum Piece<'lexicon> {
    /// Words that say something.
    Known { entry: &'lexicon Entry, words: String, certainty: Certainty },
    /// A word that nobody knows.
    Unknown,
}

/// How surely some words say that something is in a food.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// They say so.
    Said,
    /// `butter or oil`: one of two, which agree on some allergens.
    Alternative {
        /// Allergens that both sides hold,
        agreed: Vec<Allergen>,
        /// and whether both sides are of some animal.
        kinds_agree: bool,
    },
    /// `butter-flavored`, `imitation`, `egg substitute`: it may be.
    Doubtful,
    /// `no butter`: it is not.
    Denied,
}

impl Certainty {
    pub(super) fn presence(&self, allergen: Allergen) -> Presence {
        match self {
            Self::Said => Presence::Contains,
            Self::Alternative { agreed, .. } if agreed.contains(&allergen) => Presence::Contains,
            Self::Alternative { .. } | Self::Doubtful => Presence::MayContain,
            Self::Denied => Presence::Unknown,
        }
    }

    pub(super) fn is_said(&self) -> bool {
        *self != Self::Denied
    }

    pub(super) fn names_kinds(&self) -> bool {
        matches!(self, Self::Said | Self::Alternative { kinds_agree: true, .. })
    }
}

#[derive(PartialEq, Eq)]
enum Denial {
    None,
    Sure,
    /// `with or without`.
    LeftOpen,
}

const DENYING: [&str; 8] = ["no", "without", "non", "not", "minus", "excluding", "except", "zero"];
const DOUBTING_AFTER: &[&str] = &[
    "flavor",
    "flavored",
    "flavour",
    "flavoured",
    "flavoring",
    "style",
    "substitute",
    "replacement",
    "analog",
    "alternative",
    "replacer",
    "scented",
    "imitation",
];
const DOUBTING_BEFORE: [&str; 5] = ["imitation", "mock", "artificial", "simulated", "substitute"];
/// Ways to cook that add nothing.
const PLAIN_COOKING: [&str; 6] = ["boiled", "steamed", "poached", "heat", "simmered", "drained"];
/// Ways that may add fat, unless one of those above is told too.
const COOKING: [&str; 7] = ["cooked", "baked", "roasted", "broiled", "grilled", "stewed", "braised"];
/// Words of categories whose foods are made of several.
const DISHES: [&str; 12] = [
    "dish",
    "mixed",
    "mixture",
    "stir",
    "fry",
    "sandwich",
    "soup",
    "sauce",
    "restaurant",
    "meal",
    "entree",
    "salad",
];
const MEATLESS: [&str; 4] = ["meatless", "vegetarian", "vegan", "veggy"];
const FLESH: [FoodKind; 10] = [
    FoodKind::Pork,
    FoodKind::Meat,
    FoodKind::Poultry,
    FoodKind::Fish,
    FoodKind::Crustacean,
    FoodKind::Mollusc,
    FoodKind::AnimalFat,
    FoodKind::Blood,
    FoodKind::ForbiddenAnimal,
    FoodKind::NotKosherAnimal,
];

impl<'lexicon> Reading<'lexicon> {
    pub(super) fn of(lexicon: &'lexicon Lexicon, name: &str) -> Self {
        let mut words = words_of(name);
        let told = end_of_what_is_there(&words);
        let is_of_dish = told < words.len();
        words.truncate(told);
        let spans = spans_of(lexicon, &words);
        let mut reading = Self { pieces: Vec::new(), claimed_free: Vec::new(), words, is_of_dish };
        for (place, (start, end, entry)) in spans.iter().enumerate() {
            let words = &reading.words[*start..*end];
            let piece = match entry {
                Some(entry) => Piece::Known {
                    entry,
                    words: words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "),
                    certainty: reading.certainty(&spans, place),
                },
                None => Piece::Unknown,
            };
            reading.pieces.push(piece);
        }
        reading.claimed_free = claims(&reading.words);
        reading
    }

    fn certainty(&self, spans: &[Span<'_>], place: usize) -> Certainty {
        let (start, end, entry) = &spans[place];
        let word = |index: usize| self.words.get(index).map_or("", |word| word.text.as_str());
        match self.denial(*start) {
            _ if word(*end) == "free" => return Certainty::Denied,
            Denial::Sure => return Certainty::Denied,
            Denial::LeftOpen => return Certainty::Doubtful,
            Denial::None => {}
        }
        let before = start.checked_sub(1).map_or("", word);
        if DOUBTING_AFTER.contains(&word(*end)) || DOUBTING_BEFORE.contains(&before) {
            return Certainty::Doubtful;
        }
        let other = if word(*end) == "or" {
            spans.get(place + 2)
        } else if before == "or" {
            place.checked_sub(2).and_then(|other| spans.get(other))
        } else {
            return Certainty::Said;
        };
        let other = other.and_then(|(_, _, entry)| *entry);
        let own = entry.map(|entry| entry.contains).unwrap_or_default();
        let agrees = |allergen: &Allergen| {
            own.has(*allergen) && other.is_some_and(|other| other.contains.has(*allergen))
        };
        let agreed = Allergen::ALL.into_iter().filter(agrees).collect();
        let kinds_agree = other.is_some_and(|other| other.kinds != FoodKinds::default());
        Certainty::Alternative { agreed, kinds_agree }
    }

    /// Whether `no`, `without` or their like stand before the word at `start` in its part.
    fn denial(&self, start: usize) -> Denial {
        for index in (start.saturating_sub(5)..start).rev() {
            if self.words[index + 1].begins_part || self.words[index].text == "with" {
                return Denial::None;
            }
            if DENYING.contains(&self.words[index].text.as_str()) {
                let is_open = index > 0 && self.words[index - 1].text == "or";
                return if is_open { Denial::LeftOpen } else { Denial::Sure };
            }
        }
        Denial::None
    }

    pub(super) fn has_word(&self, text: &str) -> bool {
        self.words.iter().any(|word| word.text == text)
    }

    /// Every phrase that is known and not denied.
    pub(super) fn known(&self) -> impl Iterator<Item = &'lexicon Entry> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Known { entry, certainty, .. } if certainty.is_said() => Some(*entry),
            _ => None,
        })
    }

    /// Reads a category beside the name: what stands among dishes is no single ingredient.
    pub(super) fn with_category(mut self, category: &str) -> Self {
        let words = words_of(category);
        self.is_of_dish |= words.iter().any(|word| DISHES.contains(&word.text.as_str()));
        self
    }

    /// Whether every word names one unprocessed ingredient or a handling that adds nothing. Meat
    /// and fish must be told raw, and what was cooked must be told how, since pans have butter.
    pub(super) fn is_plain(&self) -> bool {
        let says_any = |words: &[&str]| words.iter().any(|word| self.has_word(word));
        let is_without_fat = says_any(&PLAIN_COOKING) || self.has_phrase("added", "fat");
        let is_flesh = self.known().any(|entry| entry.kinds.has_any(&FLESH));
        let is_told = if says_any(&COOKING) {
            is_without_fat
        } else {
            !is_flesh || is_without_fat || says_any(&["raw", "fresh", "unprepared"])
        };
        self.all_are(Traits::PLAIN)
            && self.known().all(|entry| !entry.traits.has(Traits::MILD_HANDLING))
            && !self.is_of_dish
            && !self.joins_foods()
            && is_told
    }

    /// `beef with egg`, `peas and corn`: two foods and whatever else holds them together.
    fn joins_foods(&self) -> bool {
        let mut is_joined = false;
        self.pieces.iter().any(|piece| {
            let Piece::Known { entry, words, .. } = piece else { return false };
            is_joined |= words == "with" || words == "and";
            is_joined && !entry.traits.has(Traits::HANDLING)
        })
    }

    /// Whether every word is known, and all but handling words have one of `traits`, at least one.
    pub(super) fn all_are(&self, traits: Traits) -> bool {
        self.all_foods(|entry| entry.traits.has(traits))
    }

    /// Whether every word is known and nothing is left open, and every food named is `fit`.
    pub(super) fn all_foods(&self, fit: impl Fn(&Entry) -> bool) -> bool {
        let mut foods = 0;
        for piece in &self.pieces {
            let Piece::Known { entry, certainty, .. } = piece else { return false };
            if entry.traits.has(Traits::HANDLING) || entry.traits.has(Traits::MILD_HANDLING) {
                continue;
            }
            if *certainty != Certainty::Said || !fit(entry) {
                return false;
            }
            foods += 1;
        }
        foods > 0
    }

    pub(super) fn is_vegan(&self) -> bool {
        self.has_word("vegan") && !self.is_denied_word("vegan")
    }

    pub(super) fn is_meatless(&self) -> bool {
        MEATLESS.iter().any(|word| self.has_word(word) && !self.is_denied_word(word))
    }

    fn is_denied_word(&self, text: &str) -> bool {
        self.words
            .iter()
            .position(|word| word.text == text)
            .is_some_and(|place| self.denial(place) == Denial::Sure)
    }

    /// Whether the name says that an allergen is not in there, though other words suggest it.
    pub(super) fn denies(&self, allergen: Allergen) -> bool {
        let is_of_animal = matches!(
            allergen,
            Allergen::Milk | Allergen::Eggs | Allergen::Fish | Allergen::Crustaceans | Allergen::Molluscs
        );
        let is_flesh = matches!(allergen, Allergen::Fish | Allergen::Crustaceans | Allergen::Molluscs);
        let is_denied = |piece: &Piece<'_>| matches!(piece, Piece::Known { entry, certainty: Certainty::Denied, .. } if entry.contains.has(allergen));
        let is_nondairy = allergen == Allergen::Milk
            && (self.has_word("nondairy")
                || self.has_phrase("non", "dairy")
                || self.has_phrase("plant", "based"));
        (is_of_animal && self.is_vegan())
            || (is_flesh && self.is_meatless())
            || is_nondairy
            || self.pieces.iter().any(is_denied)
    }

    /// Names that a category's usual contents do not hold for.
    pub(super) fn doubts_category(&self) -> bool {
        let doubting =
            ["free", "nonalcoholic", "bowl", "salad", "substitute", "imitation", "corn", "taquito", "omelet"];
        doubting.iter().any(|word| self.has_word(word)) || self.has_phrase("no", "bun")
    }

    pub(super) fn without_denied(&self, kinds: FoodKinds) -> FoodKinds {
        if self.is_vegan() || (self.is_meatless() && kinds.has_any(&FLESH)) {
            return FoodKinds::default();
        }
        kinds
    }

    fn has_phrase(&self, one: &str, two: &str) -> bool {
        self.words.windows(2).any(|pair| pair[0].text == one && pair[1].text == two)
    }
}

/// Some names tell what is not there, `excludes macaroni and cheese`, or what it goes into,
/// `as ingredient in omelet`; those words say nothing of the food.
fn end_of_what_is_there(words: &[Word]) -> usize {
    let text = |index: usize| words.get(index).map_or("", |word: &Word| word.text.as_str());
    let ends = |index: &usize| match text(*index) {
        "exclude" => true,
        "ingredient" => text(index + 1) == "in",
        "for" => text(index + 1) == "use",
        _ => false,
    };
    (1..words.len()).find(ends).unwrap_or(words.len())
}

/// Where a piece begins and ends, and what it says; `None` is an unknown word.
type Span<'lexicon> = (usize, usize, Option<&'lexicon Entry>);

fn spans_of<'lexicon>(lexicon: &'lexicon Lexicon, words: &[Word]) -> Vec<Span<'lexicon>> {
    let mut spans = Vec::new();
    let mut start = 0;
    while start < words.len() {
        match lexicon.longest(&words[start..]) {
            Some((entry, length)) => {
                let is_silent = entry.unless.iter().any(|phrase| holds(words, phrase));
                spans.push((start, start + length, (!is_silent).then_some(entry)));
                start += length;
            }
            None => {
                spans.push((start, start + 1, None));
                start += 1;
            }
        }
    }
    spans
}

fn holds(words: &[Word], phrase: &[String]) -> bool {
    words.windows(phrase.len()).any(|window| window.iter().zip(phrase).all(|(word, own)| word.text == *own))
}

/// `gluten free`, `dairy free` and their like.
fn claims(words: &[Word]) -> Vec<(Allergen, String)> {
    let claimed = words.windows(2).filter(|pair| pair[1].text == "free").filter_map(|pair| {
        let allergen = match pair[0].text.as_str() {
            "gluten" => Allergen::Gluten,
            "dairy" | "milk" => Allergen::Milk,
            "egg" => Allergen::Eggs,
            "nut" => Allergen::Nuts,
            "peanut" => Allergen::Peanuts,
            "soy" | "soya" => Allergen::Soybeans,
            "fish" => Allergen::Fish,
            "sesame" => Allergen::Sesame,
            _ => return None,
        };
        Some((allergen, format!("{} free", pair[0].text)))
    });
    claimed.collect()
}
