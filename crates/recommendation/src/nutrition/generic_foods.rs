//! The table of generic foods and what finds foods in it, read when somebody first asks.

use std::collections::HashMap;
use std::sync::OnceLock;

use larder_nutrition::Food;
use larder_nutrition::matching::{FoodMatcher, FoodTable};

/// Read once a process; a few megabytes.
#[derive(Default)]
pub(crate) struct GenericFoods {
    read: OnceLock<Read>,
}

struct Read {
    table: FoodTable,
    matcher: FoodMatcher,
    places: HashMap<String, usize>,
}

/// A generic food that a name may stand for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) food: Food,
    /// 0 to 1.
    pub(crate) confidence: f64,
    pub(crate) matched_words: Vec<String>,
}

impl GenericFoods {
    fn read(&self) -> &Read {
        self.read.get_or_init(|| {
            let table = FoodTable::usda();
            let matcher = FoodMatcher::new(&table);
            let ids = table.foods().iter().enumerate();
            let places = ids.map(|(place, entry)| (entry.food.food_id.clone(), place)).collect();
            Read { table, matcher, places }
        })
    }

    /// The foods closest to a name on a shelf, the best first. Reading the table takes a moment the
    /// first time: not on a thread that answers shoppers.
    pub(crate) fn closest(&self, name: &str, category: &str) -> Vec<Candidate> {
        let read = self.read();
        let found = read.matcher.find(name, category).into_iter();
        let candidate = found.map(|found| Candidate {
            food: read.table.foods()[found.place].food.clone(),
            confidence: f64::from(found.confidence),
            matched_words: found.matched_words,
        });
        candidate.collect()
    }

    /// The food of this id.
    pub(crate) fn find(&self, food_id: &str) -> Option<&Food> {
        let read = self.read();
        read.places.get(food_id).map(|place| &read.table.foods()[*place].food)
    }
}
