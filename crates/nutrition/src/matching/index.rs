//! The foods of a table by the stems of their names.

use std::collections::HashMap;

use super::food_table::{FoodTable, TableFood};
use super::lexicon::{Lexicon, Tells};
use super::words::stems;

/// How much a word of the table's category of a food counts beside one of its name.
const CATEGORY_WORD: f32 = 0.35;

/// Words that join others and tell nothing.
const JOINTS: [&str; 11] = ["and", "or", "in", "to", "of", "with", "exclude", "other", "as", "the", "on"];

/// A word of a food's name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posting {
    pub(super) food: u32,
    /// 1 where the word names the food, less where it tells more of it.
    pub(super) place: f32,
    /// It stands in the name and not only in the category.
    pub(super) in_name: bool,
}

/// The foods of a table by their words.
#[derive(Clone, Debug)]
pub(super) struct Index {
    postings: HashMap<String, Vec<Posting>>,
    /// For each food, the weight of the words that say what it is.
    said: Vec<f32>,
    /// For each food, the weight of the words that tell its state.
    told: Vec<f32>,
    /// For each food, the words that say what it is, in alphabetical order.
    kinds: Vec<Vec<String>>,
    pub(super) foods: usize,
}

impl Index {
    pub(super) fn new(table: &FoodTable, lexicon: &Lexicon) -> Self {
        let named = table.foods().iter().map(|food| placed_stems(food, lexicon)).collect::<Vec<_>>();
        let mut postings: HashMap<String, Vec<Posting>> = HashMap::new();
        for (food, stems) in named.iter().enumerate() {
            for (stem, place, in_name) in stems {
                let posting = Posting { food: food as u32, place: *place, in_name: *in_name };
                postings.entry(stem.clone()).or_default().push(posting);
            }
        }
        let mut index =
            Self { postings, said: Vec::new(), told: Vec::new(), kinds: Vec::new(), foods: named.len() };
        for stems in &named {
            let weight = |state: bool| {
                (stems
                    .iter()
                    .filter(|(stem, _, in_name)| *in_name && (lexicon.tells(stem) == Tells::State) == state))
                .map(|(stem, place, _)| place * index.rarity(stem))
                .sum::<f32>()
            };
            let (said, told) = (weight(false), weight(true));
            index.said.push(said);
            index.told.push(told);
            let says =
                |(stem, _, in_name): &&(String, f32, bool)| *in_name && lexicon.tells(stem) != Tells::State;
            let mut kinds = stems.iter().filter(says).map(|(stem, _, _)| stem.clone()).collect::<Vec<_>>();
            kinds.sort();
            index.kinds.push(kinds);
        }
        index
    }

    /// How much a word tells: the logarithm of how many foods there are to one that has it
    /// (inverse document frequency, Spärck Jones 1972); the most for a word that none has.
    pub(super) fn rarity(&self, stem: &str) -> f32 {
        let with = self.postings.get(stem).map_or(0, Vec::len);
        (1.0 + self.foods as f32 / (1 + with) as f32).ln()
    }

    pub(super) fn with(&self, stem: &str) -> &[Posting] {
        self.postings.get(stem).map_or(&[], Vec::as_slice)
    }

    pub(super) fn knows(&self, stem: &str) -> bool {
        self.postings.contains_key(stem)
    }

    /// The most frequent word that begins with the letters of a word cut short.
    pub(super) fn completed(&self, cut_short: &str) -> Option<&str> {
        (self.postings.iter().filter(|(stem, _)| stem.starts_with(cut_short)))
            .max_by(|(one, in_one), (two, in_two)| {
                (in_one.len().cmp(&in_two.len())).then_with(|| two.cmp(one))
            })
            .map(|(stem, _)| stem.as_str())
    }

    /// How alike two foods are by the words that say what they are: 0 to 1 (Jaccard).
    pub(super) fn likeness(&self, one: usize, other: usize) -> f32 {
        let (one, other) = (&self.kinds[one], &self.kinds[other]);
        let both = one.iter().filter(|stem| other.binary_search(stem).is_ok()).count();
        let either = one.len() + other.len() - both;
        if either == 0 { 1.0 } else { both as f32 / either as f32 }
    }

    pub(super) fn weight_said(&self, food: usize) -> f32 {
        self.said[food]
    }

    pub(super) fn weight_told(&self, food: usize) -> f32 {
        self.told[food]
    }
}

/// The distinct stems of a food's name and category with their places.
///
/// The table's names go from the class to the particular ("Fish, salmon, pink, raw"): what
/// stands before the first comma names the food, unless it only names a class of foods.
fn placed_stems(food: &TableFood, lexicon: &Lexicon) -> Vec<(String, f32, bool)> {
    let mut placed: Vec<(String, f32, bool)> = Vec::new();
    let mut put = |stem: String, place: f32, in_name: bool| {
        if stem.len() > 1
            && !JOINTS.contains(&stem.as_str())
            && !placed.iter().any(|(other, _, _)| *other == stem)
        {
            placed.push((stem, place, in_name));
        }
    };
    let name = food.food.name.to_lowercase();
    let segments = name.split([',', '(', '/']).map(str::trim).collect::<Vec<_>>();
    let begins_with_class = lexicon.classes.contains(segments[0]);
    for (number, segment) in segments.iter().enumerate() {
        let depth = if begins_with_class { number.saturating_sub(1) } else { number };
        let mut place = match depth {
            0 => 1.0,
            1 => 0.8,
            2 => 0.65,
            _ => 0.5,
        };
        let mut denied = false;
        for word in segment.split_whitespace() {
            match word {
                "with" | "made" | "from" | "for" => place *= 0.6,
                "no" | "without" | "not" | "excludes" => denied = true,
                _ if denied => {}
                _ => stems(word).for_each(|stem| put(stem, place, true)),
            }
        }
    }
    for stem in stems(&food.food.category) {
        put(stem, CATEGORY_WORD, false);
    }
    placed
}
