//! Answers kept for the day that ranking itself fails: the newest of each question, up to a
//! number. They lie on several shelves, so that answers given at the same time seldom wait for
//! one another, and a full shelf is emptied without holding up the others.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use larder_ranking::RankedItem;

/// A power of two.
const SHELVES: usize = 64;
/// Some ten thousand answers altogether.
const MOST_ON_A_SHELF: usize = 160;

type Shelf = HashMap<String, Vec<RankedItem>>;

/// The newest answer of each question, by the question's key.
pub(crate) struct LastGoodAnswers {
    shelves: [Mutex<Shelf>; SHELVES],
    hasher: RandomState,
}

impl Default for LastGoodAnswers {
    fn default() -> Self {
        Self { shelves: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl LastGoodAnswers {
    /// Keeps an answer in the place of the one before it.
    pub(crate) fn keep(&self, key: String, items: &[RankedItem]) {
        let items = items.to_vec();
        let mut shelf = self.shelf(&key);
        let is_full = shelf.len() >= MOST_ON_A_SHELF && !shelf.contains_key(&key);
        let emptied = if is_full { std::mem::take(&mut *shelf) } else { Shelf::new() };
        let before = shelf.insert(key, items);
        // Nobody has to wait until what is forgotten is gone.
        drop(shelf);
        drop((emptied, before));
    }

    /// The answer that was kept last.
    pub(crate) fn find(&self, key: &str) -> Option<Vec<RankedItem>> {
        self.shelf(key).get(key).cloned()
    }

    /// Forgets an answer.
    pub(crate) fn forget(&self, key: &str) {
        self.shelf(key).remove(key);
    }

    fn shelf(&self, key: &str) -> MutexGuard<'_, Shelf> {
        let place = self.hasher.hash_one(key) as usize % SHELVES;
        self.shelves[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use larder_ranking::Source;

    use super::*;

    fn item(product_id: &str) -> RankedItem {
        RankedItem {
            product_id: product_id.to_owned(),
            score: 1.0,
            relevance: None,
            deltas: Vec::new(),
            pinned: false,
            source: Source::Popular,
            reasons: vec!["popular".to_owned()],
        }
    }

    #[test]
    fn the_newest_answer_is_kept_until_it_is_forgotten() {
        let answers = LastGoodAnswers::default();
        answers.keep("shop/c/ann".to_owned(), &[item("bread")]);
        answers.keep("shop/c/ann".to_owned(), &[item("milk"), item("tea")]);
        assert_eq!(answers.find("shop/c/ann"), Some(vec![item("milk"), item("tea")]));
        assert_eq!(answers.find("shop/c/ben"), None);
        answers.forget("shop/c/ann");
        assert_eq!(answers.find("shop/c/ann"), None);
    }

    #[test]
    fn the_number_of_answers_is_bounded_and_the_newest_one_stays() {
        let answers = LastGoodAnswers::default();
        for number in 0..SHELVES * MOST_ON_A_SHELF * 2 {
            let key = format!("shop/c/{number}");
            answers.keep(key.clone(), &[item("bread")]);
            assert!(answers.find(&key).is_some());
        }
        let kept: usize = answers.shelves.iter().map(|shelf| shelf.lock().unwrap().len()).sum();
        assert!(kept <= SHELVES * MOST_ON_A_SHELF, "{kept}");
    }
}
