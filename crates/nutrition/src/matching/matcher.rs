//! The closest foods of a table to a product's name.

use super::confidence::Evidence;
use super::food_table::FoodTable;
use super::index::Index;
use super::lexicon::{Lexicon, Tells, Term};
use super::shelf::Leanings;

/// Most foods that are found for one name.
const FOUND: usize = 5;

/// Foods with the best scores from among which those that are found are chosen.
const LOOKED_AT: usize = 25;

/// What a food loses that says the same as one already found: several foods that differ only in
/// their state are one answer to whoever looks for the right one.
const SAYS_THE_SAME: f32 = 0.2;

/// A word that tells a state counts so much beside one that names a food.
const STATE: f32 = 0.3;

/// A word that tells a kind or a cut counts so much beside one that names a food.
const KIND: f32 = 0.5;

/// A word of the category that names the food counts so much beside one of the name.
const HEAD: f32 = 1.3;

/// A word that both the name and its category say counts so many times: it is what the name is of.
const SAID_TWICE: f32 = 1.2;

/// A word for a whole group of foods counts so much beside one that names a food.
const GENERAL: f32 = 0.4;

/// A word that no food has counts so much beside one that some have.
const UNHEARD: f32 = 0.5;

/// A word that was cut short counts so much beside one that is whole.
const COMPLETED: f32 = 0.8;

/// Letters a word must have to be completed.
const LETTERS_TO_COMPLETE: usize = 4;

/// A food that may stand for a product, an estimate until somebody confirms it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoodMatch {
    /// Its place in [`FoodTable::foods`].
    pub place: usize,
    /// Its id in the table.
    pub food_id: String,
    /// Its name in the table.
    pub name: String,
    /// Mass of one portion of it in grams; `None` where the table does not say.
    pub portion_g: Option<f32>,
    /// The chance, 0 to 1, that it can stand for the product.
    pub confidence: f32,
    /// The words of the product's name and category that it was found by, as they are written there.
    pub matched_words: Vec<String>,
}

/// Finds foods of a table by the names of products.
#[derive(Clone, Debug)]
pub struct FoodMatcher {
    index: Index,
    leanings: Leanings,
    lexicon: Lexicon,
    /// Id, name and portion of each food.
    cards: Vec<(String, String, Option<f32>)>,
}

/// A term with what it weighs and whether the name or only the category says it.
struct Asked {
    term: Term,
    weight: f32,
    in_name: bool,
}

/// What has been found of one food so far.
#[derive(Clone, Copy, Default)]
struct Found {
    name: f32,
    category: f32,
    said: f32,
    told: f32,
}

impl FoodMatcher {
    /// A matcher for English grocery names.
    #[must_use]
    pub fn new(table: &FoodTable) -> Self {
        Self::with_lexicon(table, Lexicon::grocery())
    }

    /// A matcher with a lexicon of one's own.
    #[must_use]
    pub fn with_lexicon(table: &FoodTable, lexicon: Lexicon) -> Self {
        let card =
            |food: &super::TableFood| (food.food.food_id.clone(), food.food.name.clone(), food.portion_g());
        Self {
            index: Index::new(table, &lexicon),
            leanings: Leanings::new(table, &lexicon),
            cards: table.foods().iter().map(card).collect(),
            lexicon,
        }
    }

    /// Which edition of the lexicon the matches rest on.
    #[must_use]
    pub fn lexicon_version(&self) -> &str {
        self.lexicon.version()
    }

    /// The foods closest to a product, the best first, at most five: none when no word of it is known.
    ///
    /// `category` is the shelf it stands on, department first ("PRODUCE APPLES"); empty when not known.
    #[must_use]
    pub fn find(&self, name: &str, category: &str) -> Vec<FoodMatch> {
        let asked = self.asked(name, category);
        let sum = |in_name: bool| {
            asked.iter().filter(|each| each.in_name == in_name).map(|each| each.weight).sum::<f32>()
        };
        let (in_name, in_category) = (sum(true), sum(false));
        let names_food = |each: &Asked| {
            each.in_name && each.term.tells == Tells::Food && self.index.knows(&each.term.stem)
        };
        let named = asked.iter().any(names_food);
        let not_food = self.lexicon.names_no_food(name) || self.lexicon.names_no_food(category);
        let shelves = self.lexicon.shelves_of(category);
        let all_terms = asked.iter().map(|each| each.term.clone()).collect::<Vec<_>>();
        let unasked = self.leanings.unasked(&all_terms);

        let animals = (asked.iter().filter(|each| each.in_name && self.lexicon.is_head(&each.term.stem)))
            .map(|each| each.term.stem.as_str())
            .collect::<Vec<_>>();
        let found = self.look_up(&asked);
        let evidence = |food: usize, found: &Found| {
            let part = |found: f32, all: f32| if all > 0.0 { (found / all).min(1.0) } else { 0.0 };
            let category = part(found.category, in_category);
            let told_unasked = 0.12 * (self.index.weight_told(food) - found.told).max(0.0);
            let precision = part(found.said, self.index.weight_said(food) + told_unasked);
            let recall = part(found.name, in_name);
            let recall = if named { recall } else { 0.7 * category + 0.3 * recall };
            let leaning =
                self.leanings.of(food, &shelves, &unasked) - self.leanings.of_another_animal(food, &animals);
            Evidence { recall, precision, category, named, leaning, not_food }
        };
        let mut best = (found.iter().enumerate().filter(|(_, found)| found.name + found.category > 0.0))
            .map(|(food, found)| (food, evidence(food, found)))
            .collect::<Vec<_>>();
        let order = |one: &(usize, Evidence), two: &(usize, Evidence)| {
            two.1.score().total_cmp(&one.1.score()).then(one.0.cmp(&two.0))
        };
        if best.len() > LOOKED_AT {
            best.select_nth_unstable_by(LOOKED_AT - 1, order);
            best.truncate(LOOKED_AT);
        }
        best.sort_by(order);
        let best = self.varied(best);
        best.into_iter().map(|(food, evidence)| self.card(food, &evidence, &asked)).collect()
    }

    /// The first of the best foods and those that add most to the ones before them (maximal
    /// marginal relevance, Carbonell and Goldstein 1998).
    fn varied(&self, mut best: Vec<(usize, Evidence)>) -> Vec<(usize, Evidence)> {
        let mut chosen: Vec<(usize, Evidence)> = Vec::with_capacity(FOUND);
        while chosen.len() < FOUND && !best.is_empty() {
            let added = |(food, evidence): &(usize, Evidence)| {
                let said = chosen.iter().map(|(other, _)| self.index.likeness(*food, *other));
                evidence.score() - SAYS_THE_SAME * said.fold(0.0, f32::max)
            };
            let mut next = 0;
            for place in 1..best.len() {
                if added(&best[place]) > added(&best[next]) {
                    next = place;
                }
            }
            chosen.push(best.remove(next));
        }
        chosen
    }

    fn card(&self, place: usize, evidence: &Evidence, asked: &[Asked]) -> FoodMatch {
        let (food_id, name, portion_g) = self.cards[place].clone();
        let mut matched_words: Vec<String> = Vec::new();
        for each in asked {
            let has = self.index.with(&each.term.stem).iter().any(|posting| posting.food as usize == place);
            if has && !matched_words.contains(&each.term.written) {
                matched_words.push(each.term.written.clone());
            }
        }
        FoodMatch { place, food_id, name, portion_g, confidence: evidence.confidence(), matched_words }
    }

    /// The terms of a name, and those of its category that the name does not say.
    fn asked(&self, name: &str, category: &str) -> Vec<Asked> {
        let mut asked: Vec<Asked> = Vec::new();
        for (text, in_name) in [(name, true), (category, false)] {
            for mut term in self.lexicon.terms(text) {
                let head = !in_name && self.lexicon.is_head(&term.stem) && !self.names_animal(&asked);
                let mut weight = match term.tells {
                    Tells::Food if head => HEAD,
                    Tells::Food => 1.0,
                    Tells::Kind => KIND,
                    Tells::State => STATE,
                };
                if !self.index.knows(&term.stem)
                    && term.stem.len() >= LETTERS_TO_COMPLETE
                    && let Some(whole) = self.index.completed(&term.stem)
                {
                    term.stem = whole.to_owned();
                    weight *= COMPLETED;
                }
                if let Some(said) = asked.iter_mut().find(|each| each.term.stem == term.stem) {
                    if said.in_name && !in_name && said.term.tells == Tells::Food {
                        said.weight *= SAID_TWICE;
                    }
                    continue;
                }
                if !self.index.knows(&term.stem) {
                    weight *= UNHEARD;
                }
                weight *= self.index.rarity(&term.stem);
                asked.push(Asked { term, weight, in_name: in_name || head });
            }
        }
        let particular = |each: &Asked| {
            each.in_name
                && each.term.tells == Tells::Food
                && self.index.knows(&each.term.stem)
                && !self.lexicon.is_general(&each.term.stem)
        };
        if asked.iter().any(particular) {
            let general = asked.iter_mut().filter(|each| self.lexicon.is_general(&each.term.stem));
            general.for_each(|each| each.weight *= GENERAL);
        }
        asked
    }

    /// Whether the name says itself which animal it is of.
    fn names_animal(&self, asked: &[Asked]) -> bool {
        asked.iter().any(|each| self.lexicon.is_head(&each.term.stem))
    }

    fn look_up(&self, asked: &[Asked]) -> Vec<Found> {
        let mut found = vec![Found::default(); self.index.foods];
        for each in asked {
            let rarity = self.index.rarity(&each.term.stem);
            for posting in self.index.with(&each.term.stem) {
                let food = &mut found[posting.food as usize];
                let gained = each.weight * posting.place;
                if each.in_name {
                    food.name += gained
                } else {
                    food.category += gained
                }
                let weight = if posting.in_name { posting.place * rarity } else { 0.0 };
                if each.term.tells == Tells::State { food.told += weight } else { food.said += weight }
            }
        }
        found
    }
}
