//! The words that say something about a food, and how text becomes words. Both sides are
//! brought to the singular by the same rule, so a rule that is rough is rough on both.

use std::collections::HashMap;

use crate::{Allergen, FoodKind, FoodKinds, InvalidField, InvalidFields};

const BUILT_IN: &str = include_str!("../../data/food_words.json");

/// A set of allergens.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AllergenSet(u16);

impl AllergenSet {
    fn of(allergens: &[Allergen]) -> Self {
        Self(allergens.iter().fold(0, |set, allergen| set | 1 << *allergen as u8))
    }

    pub(super) fn has(self, allergen: Allergen) -> bool {
        self.0 & (1 << allergen as u8) != 0
    }
}

/// What else is known of some words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traits(u8);

impl Traits {
    /// One ingredient, as it grows or comes from the animal.
    pub(super) const PLAIN: Self = Self(1);
    /// Plants alone.
    pub(super) const PLANT: Self = Self(2);
    /// No meat, fish or gelatin, though perhaps milk or egg.
    pub(super) const MEATLESS: Self = Self(4);
    /// Meat of some animal.
    pub(super) const FLESH: Self = Self(8);
    /// The lactose was taken out.
    pub(super) const LACTOSE_FREE: Self = Self(16);
    /// What was done to it that adds nothing, or which part it is.
    pub(super) const HANDLING: Self = Self(32);
    /// What was done to it that may add something, though nothing of an animal.
    pub(super) const MILD_HANDLING: Self = Self(64);
    /// Sulphites may be put on it even when it is fresh.
    pub(super) const SULPHITES_DOUBT: Self = Self(128);

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "plain" => Self::PLAIN,
            "plant" => Self::PLANT,
            "meatless" => Self::MEATLESS,
            "flesh" => Self::FLESH,
            "lactose_free" => Self::LACTOSE_FREE,
            "handling" => Self::HANDLING,
            "mild_handling" => Self::MILD_HANDLING,
            "sulphites_doubt" => Self::SULPHITES_DOUBT,
            _ => return None,
        })
    }
}

/// How much of the fermentable sugars some words stand for (Monash University's lists, as taught).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fodmap {
    Low,
    High,
}

/// What some words say.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) contains: AllergenSet,
    pub(super) may_contain: AllergenSet,
    pub(super) kinds: FoodKinds,
    pub(super) traits: Traits,
    pub(super) fodmap: Option<Fodmap>,
    /// They say nothing when one of these stands anywhere in the name.
    pub(super) unless: Vec<Vec<String>>,
}

/// What a category says of everything in it.
#[derive(Clone, Debug)]
pub(super) struct Category {
    pub(super) contains: AllergenSet,
    pub(super) kinds: FoodKinds,
}

/// Every phrase by its first word, the longest first.
#[derive(Clone, Debug)]
pub(super) struct Lexicon {
    entries: Vec<Entry>,
    phrases: HashMap<String, Vec<(Vec<String>, usize)>>,
    categories: HashMap<String, Category>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the version and source are for people who read the file")]
struct File {
    version: u32,
    source: String,
    words: Vec<WrittenEntry>,
    categories: Vec<WrittenCategory>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntry {
    phrases: Vec<String>,
    #[serde(default)]
    contains: Vec<Allergen>,
    #[serde(default)]
    may_contain: Vec<Allergen>,
    #[serde(default)]
    kinds: Vec<FoodKind>,
    #[serde(default)]
    traits: Vec<String>,
    #[serde(default)]
    fodmap: Option<Fodmap>,
    #[serde(default)]
    unless: Vec<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCategory {
    categories: Vec<String>,
    #[serde(default)]
    contains: Vec<Allergen>,
    #[serde(default)]
    kinds: Vec<FoodKind>,
}

impl Lexicon {
    pub(super) fn built_in() -> Self {
        Self::from_json(BUILT_IN).expect("the file is part of the crate and a test reads it")
    }

    pub(super) fn from_json(json: &str) -> Result<Self, InvalidFields> {
        let file: File = serde_json::from_str(json).map_err(|error| {
            InvalidFields(vec![InvalidField::new(
                "food_words",
                error,
                "version, source, words and categories",
            )])
        })?;
        let mut lexicon = Self { entries: Vec::new(), phrases: HashMap::new(), categories: HashMap::new() };
        let mut refused = Vec::new();
        for (index, written) in file.words.iter().enumerate() {
            lexicon.add(index, written, &mut refused);
        }
        for phrases in lexicon.phrases.values_mut() {
            phrases.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        }
        for written in file.categories {
            let contains = AllergenSet::of(&written.contains);
            let category = Category { contains, kinds: set_of(&written.kinds) };
            lexicon.categories.extend(written.categories.into_iter().map(|name| (name, category.clone())));
        }
        InvalidFields::none_of(refused)?;
        Ok(lexicon)
    }

    fn add(&mut self, index: usize, written: &WrittenEntry, refused: &mut Vec<InvalidField>) {
        let mut traits = Traits::default();
        for name in &written.traits {
            match Traits::named(name) {
                Some(named) => traits = Traits(traits.0 | named.0),
                None => refused.push(InvalidField::new(
                    format!("food_words.words[{index}].traits"),
                    name,
                    "plain, plant, meatless, flesh, lactose_free, handling, mild_handling, sulphites_doubt",
                )),
            }
        }
        self.entries.push(Entry {
            contains: AllergenSet::of(&written.contains),
            may_contain: AllergenSet::of(&written.may_contain),
            kinds: set_of(&written.kinds),
            traits,
            fodmap: written.fodmap,
            unless: written.unless.iter().map(|phrase| plain_words(phrase)).collect(),
        });
        for phrase in &written.phrases {
            let words = plain_words(phrase);
            let Some(first) = words.first() else {
                let field = format!("food_words.words[{index}].phrases");
                refused.push(InvalidField::new(field, phrase, "a phrase with a letter"));
                continue;
            };
            let phrases = self.phrases.entry(first.clone()).or_default();
            // The first group that names a phrase keeps it.
            if !phrases.iter().any(|(own, _)| *own == words) {
                phrases.push((words, index));
            }
        }
    }

    /// As it is written in the table: another catalogue's shelf of cheese holds crackers too.
    pub(super) fn category(&self, name: &str) -> Option<&Category> {
        self.categories.get(name)
    }

    /// The longest phrase that begins `words`: what it says and how many words it takes.
    pub(super) fn longest(&self, words: &[Word]) -> Option<(&Entry, usize)> {
        let phrases = self.phrases.get(&words.first()?.text)?;
        let begins = |phrase: &[String]| {
            phrase.len() <= words.len() && phrase.iter().zip(words).all(|(own, word)| *own == word.text)
        };
        let (phrase, entry) = phrases.iter().find(|(phrase, _)| begins(phrase))?;
        Some((&self.entries[*entry], phrase.len()))
    }
}

fn set_of(kinds: &[FoodKind]) -> FoodKinds {
    kinds.iter().fold(FoodKinds::default(), |set, kind| set.with(*kind))
}

/// A word of a name, in the singular.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// Whether a comma or a bracket stands before it.
    pub(super) begins_part: bool,
}

/// The words of a name without its numbers: `REESE'S 2% Milks` is `reese`, `milk`.
pub(super) fn words_of(name: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut text = String::new();
    let mut begins_part = true;
    for character in name.chars().chain(std::iter::once(' ')) {
        if character.is_alphabetic() {
            text.extend(character.to_lowercase());
            continue;
        }
        if character == '\'' || character == '’' {
            continue;
        }
        if !text.is_empty() {
            words.push(Word { text: singular(&std::mem::take(&mut text)), begins_part });
            begins_part = false;
        }
        begins_part |= matches!(character, ',' | '(' | ')' | ';' | ':');
    }
    words
}

fn plain_words(phrase: &str) -> Vec<String> {
    words_of(phrase).into_iter().map(|word| word.text).collect()
}

/// The singular of an English word, roughly and always the same way.
fn singular(word: &str) -> String {
    let stem = |cut: usize| word[..word.len() - cut].to_owned();
    let length = word.len();
    if !word.is_ascii() || length <= 3 {
        return short_form(word).to_owned();
    }
    if length > 4 && word.ends_with("ies") {
        return stem(3) + "y";
    }
    if length > 4 && word.ends_with("ie") {
        return stem(2) + "y";
    }
    if word.ends_with("oes") || ["shes", "ches", "xes", "sses"].iter().any(|end| word.ends_with(end)) {
        return stem(2);
    }
    if word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        return stem(1);
    }
    short_form(word).to_owned()
}

/// Till receipts and shelf labels shorten words.
fn short_form(word: &str) -> &str {
    match word {
        "chix" => "chicken",
        "choc" => "chocolate",
        "chs" => "cheese",
        "mlk" => "milk",
        "frzn" | "frz" => "frozen",
        "wht" => "white",
        "bnls" => "boneless",
        "sknls" => "skinless",
        "org" => "organic",
        "pnut" => "peanut",
        "yog" => "yogurt",
        "gngr" => "ginger",
        "wtr" => "water",
        _ => word,
    }
}
