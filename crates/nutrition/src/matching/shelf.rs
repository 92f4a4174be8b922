//! What speaks for or against a food besides its words: the shelf a product stands on, and how
//! narrow the food is.

use super::food_table::{FoodTable, TableFood};
use super::lexicon::{Lexicon, Term};
use super::words::{stem, stems};

/// What a food gains that the table calls "not further specified": it stands for its kind.
const STANDS_FOR_ITS_KIND: f32 = 0.06;

/// What it costs a food to be of an animal that was not asked for beside one that was.
const ANOTHER_ANIMAL: f32 = 0.15;

/// What speaks for or against each food of a table.
#[derive(Clone, Debug)]
pub(super) struct Leanings {
    /// By shelf, by food.
    by_shelf: Vec<Vec<f32>>,
    /// By rule of narrow foods, by food: what it costs.
    narrow: Vec<Vec<f32>>,
    /// By rule: the words of a product that ask for such foods.
    unless: Vec<Vec<String>>,
    generic: Vec<f32>,
    /// The words of each food that name the animal it is of.
    animals: Vec<Vec<String>>,
}

impl Leanings {
    pub(super) fn new(table: &FoodTable, lexicon: &Lexicon) -> Self {
        let named =
            table.foods().iter().map(|food| stems(&food.food.name).collect::<Vec<_>>()).collect::<Vec<_>>();
        let by_shelf = lexicon.shelves.iter().map(|shelf| {
            let leaning = |(food, stems): (&TableFood, &Vec<String>)| {
                let likely = shelf.categories.iter().any(|part| food.food.category.contains(part.as_str()));
                let preferred = stems.iter().any(|stem| shelf.prefer.contains(stem));
                let avoided = stems.iter().any(|stem| shelf.avoid.contains(stem));
                shelf.gain
                    * (f32::from(u8::from(likely)) + 0.5 * f32::from(u8::from(preferred))
                        - f32::from(u8::from(avoided)))
            };
            table.foods().iter().zip(&named).map(leaning).collect()
        });
        let narrow = lexicon.narrow.iter().map(|rule| {
            let marks = rule.words.iter().map(|text| stems(text).collect::<Vec<_>>()).collect::<Vec<_>>();
            let cost = |(food, stems): (&TableFood, &Vec<String>)| {
                let marked = rule.categories.iter().any(|part| food.food.category.contains(part.as_str()))
                    || marks.iter().any(|mark| stems.windows(mark.len()).any(|window| window == mark));
                if marked { rule.cost } else { 0.0 }
            };
            table.foods().iter().zip(&named).map(cost).collect()
        });
        let is_generic = |stems: &Vec<String>| stems.iter().any(|stem| stem == "nfs" || stem == "generic");
        let generic = |stems: &Vec<String>| if is_generic(stems) { STANDS_FOR_ITS_KIND } else { 0.0 };
        Self {
            by_shelf: by_shelf.collect(),
            narrow: narrow.collect(),
            unless: lexicon
                .narrow
                .iter()
                .map(|rule| rule.unless.iter().map(|word| stem(word)).collect())
                .collect(),
            generic: named.iter().map(generic).collect(),
            animals: (named.iter())
                .map(|stems| stems.iter().filter(|stem| lexicon.is_head(stem)).cloned().collect())
                .collect(),
        }
    }

    /// The rules of narrow foods that these terms do not ask for.
    pub(super) fn unasked(&self, terms: &[Term]) -> Vec<usize> {
        let asked = |rule: &Vec<String>| terms.iter().any(|term| rule.contains(&term.stem));
        (0..self.unless.len()).filter(|&rule| !asked(&self.unless[rule])).collect()
    }

    /// What it costs a food to be of another animal than the one that is asked for.
    pub(super) fn of_another_animal(&self, food: usize, animals: &[&str]) -> f32 {
        let other = self.animals[food].iter().any(|animal| !animals.contains(&animal.as_str()));
        if other && !animals.is_empty() { ANOTHER_ANIMAL } else { 0.0 }
    }

    /// What speaks for a food on these shelves, less what its narrowness costs.
    pub(super) fn of(&self, food: usize, shelves: &[usize], unasked: &[usize]) -> f32 {
        let gained = shelves.iter().map(|&shelf| self.by_shelf[shelf][food]).sum::<f32>();
        let cost = unasked.iter().map(|&rule| self.narrow[rule][food]).sum::<f32>();
        gained + self.generic[food] - cost
    }
}
