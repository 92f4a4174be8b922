//! How often a matcher is right, by names that somebody labelled with the foods that may stand
//! for them.
//!
//! A labelled name is a line of tab-separated text: department, category, name, and the foods a
//! dietitian would accept, as patterns of words: `a b -c|^d e` accepts a food with the words a
//! and b and without c, or one whose name begins with d and has e; `x*` is any word that begins
//! with x; `-` alone says that no food stands for it. Foods for babies and of restaurants are
//! never accepted.

use super::food_table::{FoodTable, TableFood};
use super::matcher::FoodMatcher;
use super::words::{stem, words};

/// A name and the foods that may stand for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedName {
    /// The shelf: department and category.
    pub category: String,
    /// The name.
    pub name: String,
    accepts: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    begins_with: Option<String>,
    has: Vec<String>,
    lacks: Vec<String>,
}

/// Why a labelled name cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line} of the labelled names has {columns} columns; 4 are accepted")]
pub struct JudgedNameError {
    /// Which line, the first being 1.
    pub line: usize,
    /// How many columns it has.
    pub columns: usize,
}

impl JudgedName {
    /// The labelled names of a text, one a line; lines that begin with `#` are remarks.
    ///
    /// # Errors
    /// When a line has not four columns.
    pub fn parse(text: &str) -> Result<Vec<Self>, JudgedNameError> {
        let mut names = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let columns = line.split('\t').collect::<Vec<_>>();
            let [department, category, name, accepted] = columns[..] else {
                return Err(JudgedNameError { line: number + 1, columns: columns.len() });
            };
            let accepts =
                if accepted == "-" { Vec::new() } else { accepted.split('|').map(pattern).collect() };
            let category = format!("{department} {category}").trim().to_owned();
            names.push(Self { category, name: name.to_owned(), accepts });
        }
        Ok(names)
    }

    /// Whether any food stands for it.
    #[must_use]
    pub fn has_food(&self) -> bool {
        !self.accepts.is_empty()
    }

    /// Whether this food may stand for it.
    #[must_use]
    pub fn accepts(&self, food: &TableFood) -> bool {
        let never = ["Restaurant Foods", "Fast Foods"].contains(&food.food.category.as_str())
            || ["Baby", "Infant", "Toddler"].iter().any(|word| food.food.name.starts_with(word));
        let words = words(&food.food.name).map(|word| stem(&word)).collect::<Vec<_>>();
        !never && self.accepts.iter().any(|pattern| pattern.holds(&words))
    }
}

impl Pattern {
    fn holds(&self, words: &[String]) -> bool {
        self.begins_with.as_ref().is_none_or(|wanted| words.first().is_some_and(|word| is(word, wanted)))
            && self.has.iter().all(|wanted| words.iter().any(|word| is(word, wanted)))
            && !self.lacks.iter().any(|unwanted| words.iter().any(|word| is(word, unwanted)))
    }
}

fn is(word: &str, wanted: &str) -> bool {
    wanted.strip_suffix('*').map_or_else(|| word == stem(wanted), |start| word.starts_with(start))
}

fn pattern(text: &str) -> Pattern {
    let (begins, text) = text.strip_prefix('^').map_or((false, text), |text| (true, text));
    let mut pattern = Pattern { begins_with: None, has: Vec::new(), lacks: Vec::new() };
    for (place, word) in text.split_whitespace().enumerate() {
        match word.strip_prefix('-') {
            Some(unwanted) => pattern.lacks.push(unwanted.to_owned()),
            None if begins && place == 0 => pattern.begins_with = Some(word.to_owned()),
            None => pattern.has.extend(word.split('-').map(str::to_owned)),
        }
    }
    pattern
}

/// How often a matcher was right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// Names for which some food can stand.
    pub names: usize,
    /// Of these, how many have such a food first.
    pub right_first: usize,
    /// Of these, how many have such a food among the first three.
    pub right_in_three: usize,
    /// The mean confidence of the first foods.
    pub mean_confidence: f64,
    /// The mean squared difference of confidence and truth of every first food, the names for
    /// which no food stands included (Brier 1950); 0 is perfect.
    pub brier: f64,
    /// Names for which no food stands.
    pub names_without_food: usize,
    /// Of these, how many got a confidence of one half or more.
    pub wrongly_sure: usize,
    /// The names that have no right food among the first three, with what was found.
    pub missed: Vec<(String, Vec<String>)>,
}

/// Judges a matcher by labelled names.
#[must_use]
pub fn judge(table: &FoodTable, matcher: &FoodMatcher, names: &[JudgedName]) -> Judgement {
    let mut judgement = Judgement::default();
    for each in names {
        let found = matcher.find(&each.name, &each.category);
        let right = |place: usize| each.accepts(&table.foods()[place]);
        let first_right = found.first().is_some_and(|first| right(first.place));
        let confidence = found.first().map_or(0.0, |first| f64::from(first.confidence));
        judgement.brier += (confidence - f64::from(u8::from(first_right))).powi(2) / names.len() as f64;
        if !each.has_food() {
            judgement.names_without_food += 1;
            judgement.wrongly_sure += usize::from(confidence >= 0.5);
            continue;
        }
        judgement.names += 1;
        judgement.mean_confidence += confidence;
        judgement.right_first += usize::from(first_right);
        if found.iter().take(3).any(|food| right(food.place)) {
            judgement.right_in_three += 1;
        } else {
            let found = found.iter().take(3).map(|food| food.name.clone()).collect();
            judgement.missed.push((format!("{} [{}]", each.name, each.category), found));
        }
    }
    judgement.mean_confidence /= judgement.names.max(1) as f64;
    judgement
}
