//! The table of generic foods, what finds foods in it, and the roles foods usually have on a
//! table; each is read when somebody first asks.

use std::collections::HashMap;
use std::sync::OnceLock;

use larder_nutrition::Food;
use larder_nutrition::matching::{FoodMatcher, FoodTable};
use larder_nutrition::plan::UsualRoles;

/// Read once a process; a few megabytes.
#[derive(Default)]
pub(crate) struct GenericFoods {
    table: OnceLock<Table>,
    matcher: OnceLock<FoodMatcher>,
    roles: OnceLock<UsualRoles>,
}

struct Table {
    foods: FoodTable,
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
    fn table(&self) -> &Table {
        self.table.get_or_init(|| {
            let foods = FoodTable::usda();
            let ids = foods.foods().iter().enumerate();
            let places = ids.map(|(place, entry)| (entry.food.food_id.clone(), place)).collect();
            Table { foods, places }
        })
    }

    /// The foods closest to a name on a shelf, the best first. Reading the table takes a moment the
    /// first time: not on a thread that answers shoppers.
    pub(crate) fn closest(&self, name: &str, category: &str) -> Vec<Candidate> {
        let foods = &self.table().foods;
        let matcher = self.matcher.get_or_init(|| FoodMatcher::new(foods));
        let candidate = matcher.find(name, category).into_iter().map(|found| Candidate {
            food: foods.foods()[found.place].food.clone(),
            confidence: f64::from(found.confidence),
            matched_words: found.matched_words,
        });
        candidate.collect()
    }

    /// The roles foods usually have on a table.
    pub(crate) fn roles(&self) -> &UsualRoles {
        self.roles.get_or_init(UsualRoles::english)
    }

    /// The food of this id.
    pub(crate) fn find(&self, food_id: &str) -> Option<&Food> {
        let table = self.table();
        table.places.get(food_id).map(|place| &table.foods.foods()[*place].food)
    }
}
