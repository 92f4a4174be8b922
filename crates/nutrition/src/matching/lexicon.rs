//! The words of grocery shelves: abbreviations, other names of foods, words that name no food.
//! A tenant may bring its own; the one that comes with the crate is a versioned JSON file.

use std::collections::{HashMap, HashSet};

use super::words::{stem, stems, words};

const GROCERY_WORDS: &str = include_str!("../../data/matching/grocery-words.json");

/// Longest run of words that is replaced as one.
const LONGEST_PHRASE: usize = 5;

/// Words after which a name tells what is not meant.
const EXCEPT: [&str; 6] = ["except", "excluding", "ex", "exc", "excp", "excpt"];

/// What a lexicon's file says, before it is prepared for lookups.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LexiconFile {
    version: String,
    abbreviations: HashMap<String, String>,
    phrases: HashMap<String, String>,
    noise: Vec<String>,
    modifiers: Vec<String>,
    qualifiers: Vec<String>,
    heads: Vec<String>,
    general: Vec<String>,
    classes: Vec<String>,
    not_food: Vec<String>,
    food_after_all: Vec<String>,
    narrow: Vec<NarrowFoods>,
    shelves: Vec<ShelfFile>,
}

/// Foods of a table that stand for little else, and what it costs to choose one of them
/// for a product whose name says nothing of the kind.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NarrowFoods {
    /// Parts of the table's categories that mark them.
    pub(super) categories: Vec<String>,
    /// Words of their names that mark them.
    pub(super) words: Vec<String>,
    /// Words of a product that ask for them.
    pub(super) unless: Vec<String>,
    /// What each costs, as a part of a full score.
    pub(super) cost: f32,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ShelfFile {
    words: Vec<String>,
    prefer: Vec<String>,
    avoid: Vec<String>,
    categories: Vec<String>,
    gain: f32,
}

/// What a shelf of a shop says of the foods on it.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    /// Runs of stems in the product's category that name the shelf.
    pub(super) named_by: Vec<Vec<String>>,
    /// Stems of a food's name that are likely there.
    pub(super) prefer: HashSet<String>,
    /// Stems of a food's name that are unlikely there.
    pub(super) avoid: HashSet<String>,
    /// Parts of the table's categories that are likely there.
    pub(super) categories: Vec<String>,
    /// What a likely food gains, as a part of a full score.
    pub(super) gain: f32,
}

/// Why a lexicon cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LexiconError {
    /// It is not the JSON of a lexicon.
    #[error("the lexicon cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A weight is outside 0 to 1.
    #[error("the lexicon's `{field}` is {value}; 0 to 1 is accepted")]
    WeightOutOfRange {
        /// Which weight.
        field: &'static str,
        /// What it says.
        value: f32,
    },
}

/// The words of a trade, ready for lookups.
#[derive(Clone, Debug)]
pub struct Lexicon {
    version: String,
    abbreviations: HashMap<String, Vec<String>>,
    phrases: HashMap<Vec<String>, Vec<String>>,
    noise: HashSet<String>,
    /// Words that tell a food's state: nearly free in a food that has them unasked.
    modifiers: HashSet<String>,
    /// Words that tell a kind or a cut: they count less than words that name a food.
    qualifiers: HashSet<String>,
    /// Words of a category that name the food where a name tells only the cut.
    heads: HashSet<String>,
    /// Words that name a whole group of foods and say little beside one that names a food.
    general: HashSet<String>,
    pub(super) classes: HashSet<String>,
    not_food: Vec<Vec<String>>,
    food_after_all: Vec<Vec<String>>,
    pub(super) narrow: Vec<NarrowFoods>,
    pub(super) shelves: Vec<Shelf>,
}

/// What a word tells of a food.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tells {
    /// Which food it is.
    Food,
    /// Which kind or cut of it.
    Kind,
    /// What state it is in.
    State,
}

/// A word that is looked for, and what it was in the product's name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    pub(super) stem: String,
    /// The words of the name it stands for.
    pub(super) written: String,
    /// What kind of word it is.
    pub(super) tells: Tells,
}

impl Lexicon {
    /// The lexicon of English grocery catalogues that comes with the crate.
    ///
    /// # Panics
    /// Never: a test reads the file.
    #[must_use]
    pub fn grocery() -> Self {
        Self::parse(GROCERY_WORDS).expect("the lexicon that comes with the crate is valid; a test reads it")
    }

    /// A lexicon in the JSON of `data/matching/grocery-words.json`.
    ///
    /// # Errors
    /// When it is not such JSON or holds a weight outside 0 to 1.
    pub fn parse(json: &str) -> Result<Self, LexiconError> {
        let file: LexiconFile = serde_json::from_str(json)?;
        for (field, value) in (file.narrow.iter().map(|each| ("narrow.cost", each.cost)))
            .chain(file.shelves.iter().map(|each| ("shelves.gain", each.gain)))
        {
            if !(0.0..=1.0).contains(&value) {
                return Err(LexiconError::WeightOutOfRange { field, value });
            }
        }
        let set =
            |list: &[String]| list.iter().map(|word| stem(&word.to_lowercase())).collect::<HashSet<_>>();
        let runs = |list: &[String]| list.iter().map(|text| stems(text).collect()).collect::<Vec<Vec<_>>>();
        let shelf = |shelf: ShelfFile| Shelf {
            named_by: runs(&shelf.words),
            prefer: set(&shelf.prefer),
            avoid: set(&shelf.avoid),
            categories: shelf.categories,
            gain: shelf.gain,
        };
        Ok(Self {
            version: file.version,
            abbreviations: file
                .abbreviations
                .iter()
                .map(|(short, long)| (short.to_lowercase(), words(long).collect()))
                .collect(),
            phrases: (file.phrases.iter())
                .map(|(said, meant)| (stems(said).collect(), stems(meant).collect()))
                .collect(),
            noise: set(&file.noise),
            modifiers: set(&file.modifiers),
            qualifiers: set(&file.qualifiers),
            heads: set(&file.heads),
            general: set(&file.general),
            classes: file.classes.into_iter().collect(),
            not_food: runs(&file.not_food),
            food_after_all: runs(&file.food_after_all),
            narrow: file.narrow,
            shelves: file.shelves.into_iter().map(shelf).collect(),
        })
    }

    /// Which edition of the lexicon this is.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The terms that a name or a category asks for, in order, each once.
    pub(super) fn terms(&self, text: &str) -> Vec<Term> {
        let spoken = self.spelled_out(text);
        let mut terms: Vec<Term> = Vec::new();
        let mut at = 0;
        while at < spoken.len() {
            let (taken, meant) = self.meaning_at(&spoken, at);
            let written =
                spoken[at..at + taken].iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>().join(" ");
            at += taken;
            for stem in meant {
                if !terms.iter().any(|term| term.stem == stem) {
                    let tells = self.tells(&stem);
                    terms.push(Term { stem, written: written.clone(), tells });
                }
            }
        }
        terms
    }

    /// What a word tells of a food.
    pub(super) fn tells(&self, stem: &str) -> Tells {
        match () {
            () if self.modifiers.contains(stem) => Tells::State,
            () if self.qualifiers.contains(stem) => Tells::Kind,
            () => Tells::Food,
        }
    }

    /// Whether a word of a category names the food where the name itself does not.
    pub(super) fn is_head(&self, stem: &str) -> bool {
        self.heads.contains(stem)
    }

    /// Whether a word names a whole group of foods.
    pub(super) fn is_general(&self, stem: &str) -> bool {
        self.general.contains(stem)
    }

    /// Whether words that name no food stand in this text, and none that name one after all.
    pub(super) fn names_no_food(&self, text: &str) -> bool {
        let spoken = self.spelled_out(text).into_iter().map(|(_, stem)| stem).collect::<Vec<_>>();
        holds_any(&spoken, &self.not_food) && !holds_any(&spoken, &self.food_after_all)
    }

    /// The shelves that a category names.
    pub(super) fn shelves_of(&self, category: &str) -> Vec<usize> {
        let spoken = self.spelled_out(category).into_iter().map(|(_, stem)| stem).collect::<Vec<_>>();
        (0..self.shelves.len()).filter(|&shelf| holds_any(&spoken, &self.shelves[shelf].named_by)).collect()
    }

    /// Each word of a text as written and as a stem, abbreviations written out; what stands in
    /// brackets after "except" is left out.
    pub(super) fn spelled_out(&self, text: &str) -> Vec<(String, String)> {
        let mut spoken = Vec::new();
        for word in text.split(['(', ')']).flat_map(without_exceptions) {
            match self.abbreviations.get(&word) {
                Some(long) => spoken.extend(long.iter().map(|each| (word.clone(), stem(each)))),
                None => spoken.push((word.clone(), stem(&word))),
            }
        }
        spoken
    }

    /// How many words from `at` on mean something together, and what.
    fn meaning_at(&self, spoken: &[(String, String)], at: usize) -> (usize, Vec<String>) {
        for length in (1..=LONGEST_PHRASE.min(spoken.len() - at)).rev() {
            let run = spoken[at..at + length].iter().map(|(_, stem)| stem.clone()).collect::<Vec<_>>();
            if let Some(meant) = self.phrases.get(&run) {
                return (length, meant.clone());
            }
        }
        let stem = &spoken[at].1;
        let says_nothing = self.noise.contains(stem)
            || stem.len() < 2
            || stem.starts_with(|letter: char| letter.is_ascii_digit());
        (1, if says_nothing { Vec::new() } else { vec![stem.clone()] })
    }
}

/// The words of a text up to the one that begins an exception.
fn without_exceptions(text: &str) -> impl Iterator<Item = String> + '_ {
    words(text).take_while(|word| !EXCEPT.contains(&word.as_str()))
}

fn holds_any(spoken: &[String], runs: &[Vec<String>]) -> bool {
    runs.iter().any(|run| spoken.windows(run.len()).any(|window| window == run))
}
