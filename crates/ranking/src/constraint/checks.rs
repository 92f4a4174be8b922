//! A filter made ready for asking product by product. The list of excluded products is not part of
//! it: that is another one in every request, and asked by number.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use super::Refusal;
use crate::{Expression, Filter, ProductRecord};

/// Everything a filter asks of a product but that it be not excluded by name.
#[derive(Debug, PartialEq)]
pub(crate) struct Checks {
    categories: HashSet<String>,
    min_price_micros: Option<i64>,
    max_price_micros: Option<i64>,
    currency: Option<String>,
    in_stock_only: bool,
    allow_unknown_allergens: bool,
    allergens: Vec<Named>,
    diets: Vec<Named>,
    expression: Option<Arc<Expression>>,
}

/// An allergen or a diet, and who names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    word: String,
    of_profile: bool,
}

impl Checks {
    pub(crate) fn of(filter: &Filter) -> Self {
        Self {
            categories: filter.categories.iter().cloned().collect(),
            min_price_micros: filter.min_price_micros,
            max_price_micros: filter.max_price_micros,
            currency: filter.currency.clone(),
            in_stock_only: filter.in_stock_only,
            allow_unknown_allergens: filter.allow_unknown_allergens,
            allergens: named(&filter.exclude_allergens, &filter.profile_allergens),
            diets: named(&filter.diets, &filter.profile_diets),
            expression: filter.expression.clone(),
        }
    }

    /// Tells filters apart that do not ask the same; two that differ are the same once in 2^64.
    pub(crate) fn fingerprint(filter: &Filter) -> u64 {
        let mut hasher = DefaultHasher::new();
        filter.categories.hash(&mut hasher);
        (filter.min_price_micros, filter.max_price_micros).hash(&mut hasher);
        filter.currency.hash(&mut hasher);
        (filter.in_stock_only, filter.allow_unknown_allergens).hash(&mut hasher);
        (&filter.exclude_allergens, &filter.profile_allergens).hash(&mut hasher);
        (&filter.diets, &filter.profile_diets).hash(&mut hasher);
        filter.expression.as_ref().map(|expression| expression.text()).hash(&mut hasher);
        hasher.finish()
    }

    /// Whether these are the checks of a filter.
    pub(crate) fn are_of(&self, filter: &Filter) -> bool {
        self.min_price_micros == filter.min_price_micros
            && self.max_price_micros == filter.max_price_micros
            && self.currency == filter.currency
            && self.in_stock_only == filter.in_stock_only
            && self.allow_unknown_allergens == filter.allow_unknown_allergens
            && self.expression == filter.expression
            && same_names(&self.allergens, &filter.exclude_allergens, &filter.profile_allergens)
            && same_names(&self.diets, &filter.diets, &filter.profile_diets)
            && filter.categories.iter().all(|category| self.categories.contains(category))
            && (filter.categories.len() == self.categories.len()
                || filter.categories.iter().collect::<HashSet<_>>().len() == self.categories.len())
    }

    /// Whether the product may be shown.
    pub(crate) fn pass(&self, product: &ProductRecord) -> bool {
        !product.hidden
            && (product.in_stock || !self.in_stock_only)
            && (self.categories.is_empty() || self.categories.contains(&product.category))
            && self.price_refusal(product).is_none()
            && self.allergens.iter().all(|named| self.allergen_refusal(named, product).is_none())
            && self.diets.iter().all(|named| has_word(&product.diets, &named.word))
            && self.expression.as_ref().is_none_or(|expression| expression.matches(product))
    }

    /// The first constraint the product breaks.
    pub(crate) fn why_refused(&self, product: &ProductRecord) -> Option<Refusal> {
        if product.hidden {
            return Some(Refusal::Hidden);
        }
        if let Some(refusal) = self.allergens.iter().find_map(|named| self.allergen_refusal(named, product)) {
            return Some(refusal);
        }
        if let Some(named) = self.diets.iter().find(|named| !has_word(&product.diets, &named.word)) {
            return Some(Refusal::Diet { diet: named.word.clone(), of_profile: named.of_profile });
        }
        if self.in_stock_only && !product.in_stock {
            return Some(Refusal::OutOfStock);
        }
        if !self.categories.is_empty() && !self.categories.contains(&product.category) {
            return Some(Refusal::OtherCategory { category: product.category.clone() });
        }
        self.price_refusal(product).or_else(|| {
            let expression = self.expression.as_ref().filter(|expression| !expression.matches(product))?;
            Some(Refusal::Expression { text: expression.text().to_owned() })
        })
    }

    fn price_refusal(&self, product: &ProductRecord) -> Option<Refusal> {
        if self.min_price_micros.is_none() && self.max_price_micros.is_none() && self.currency.is_none() {
            return None;
        }
        let Some(price) = product.price_micros else { return Some(Refusal::NoPrice) };
        if let Some(wanted) = self.currency.as_ref().filter(|currency| **currency != product.currency) {
            return Some(Refusal::OtherCurrency { wanted: wanted.clone() });
        }
        if self.min_price_micros.is_some_and(|lowest| price < lowest) {
            return Some(Refusal::TooCheap);
        }
        self.max_price_micros.filter(|&highest| price > highest).map(|_| Refusal::TooExpensive)
    }

    fn allergen_refusal(&self, named: &Named, product: &ProductRecord) -> Option<Refusal> {
        let (allergen, of_profile) = (&named.word, named.of_profile);
        if has_word(&product.allergens, allergen) {
            return Some(Refusal::Allergen { allergen: allergen.clone(), of_profile });
        }
        let is_unknown = !product.allergens_complete && !self.allow_unknown_allergens;
        is_unknown.then(|| Refusal::AllergensUnknown { allergen: allergen.clone(), of_profile })
    }
}

fn named(of_request: &[String], of_profile: &[String]) -> Vec<Named> {
    let one = |word: &String, of_profile| Named { word: word.clone(), of_profile };
    let request = of_request.iter().map(|word| one(word, false));
    request.chain(of_profile.iter().map(|word| one(word, true))).collect()
}

fn same_names(named: &[Named], of_request: &[String], of_profile: &[String]) -> bool {
    let asked = of_request.iter().map(|word| (word, false));
    let asked = asked.chain(of_profile.iter().map(|word| (word, true)));
    named.iter().map(|named| (&named.word, named.of_profile)).eq(asked)
}

/// Whether a word is in a list, whatever the case of the letters and the blanks around it.
fn has_word(words: &[String], wanted: &str) -> bool {
    words.iter().any(|word| is_same_word(word, wanted))
}

fn is_same_word(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    one.eq_ignore_ascii_case(other)
        || (!(one.is_ascii() && other.is_ascii()) && one.to_lowercase() == other.to_lowercase())
}
