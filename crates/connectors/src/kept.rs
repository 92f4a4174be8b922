//! Last good answers in memory, each with the time it was given. The service may save them and load them again;
//! how long one is good for is the reader's to say.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answer::age;

/// A value and when it was good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept<T> {
    /// The value.
    pub value: T,
    /// When it was fetched.
    pub at: Timestamp,
}

/// A bounded store of last good answers by key.
#[derive(Debug)]
pub struct LastGood<T> {
    entries: Mutex<BTreeMap<String, Kept<T>>>,
    capacity: usize,
}

impl<T: Clone> LastGood<T> {
    /// An empty store for at most `capacity` answers (at least one).
    pub fn new(capacity: usize) -> Self {
        Self { entries: Mutex::default(), capacity: capacity.max(1) }
    }

    /// Keeps an answer, unless a newer one is there already; the oldest makes room.
    pub fn keep(&self, key: &str, value: T, at: Timestamp) {
        let mut entries = self.lock();
        if entries.get(key).is_some_and(|kept| kept.at > at) {
            return;
        }
        entries.insert(key.to_owned(), Kept { value, at });
        if entries.len() > self.capacity {
            let oldest = entries.iter().min_by_key(|(_, kept)| kept.at).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                entries.remove(&oldest);
            }
        }
    }

    /// The answer under `key`, if it is at most `max_age` old.
    pub fn get(&self, key: &str, now: Timestamp, max_age: Duration) -> Option<Kept<T>> {
        self.lock().get(key).filter(|kept| age(kept.at, now) <= max_age).cloned()
    }

    /// Forgets the answer under `key`.
    pub fn forget(&self, key: &str) {
        self.lock().remove(key);
    }

    /// Everything kept, to be written down.
    pub fn save(&self) -> Vec<(String, Kept<T>)> {
        self.lock().iter().map(|(key, kept)| (key.clone(), kept.clone())).collect()
    }

    /// Takes in what was written down; what is newer here stays.
    pub fn load(&self, saved: Vec<(String, Kept<T>)>) {
        for (key, kept) in saved {
            self.keep(&key, kept.value, kept.at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Kept<T>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn an_answer_is_good_until_its_age_is_over() {
        let store = LastGood::new(4);
        store.keep("a", 1, at(100));
        assert_eq!(store.get("a", at(160), MINUTE).map(|kept| kept.value), Some(1));
        assert_eq!(store.get("a", at(161), MINUTE), None);
        assert_eq!(store.get("b", at(100), MINUTE), None);
    }

    #[test]
    fn an_older_answer_never_replaces_a_newer_one() {
        let store = LastGood::new(4);
        store.keep("a", 2, at(200));
        store.keep("a", 1, at(100));
        assert_eq!(store.get("a", at(200), MINUTE).map(|kept| kept.value), Some(2));
    }

    #[test]
    fn the_oldest_makes_room() {
        let store = LastGood::new(2);
        for (key, second) in [("b", 20), ("a", 10), ("c", 30)] {
            store.keep(key, second, at(second));
        }
        let keys: Vec<String> = store.save().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["b", "c"]);
    }

    #[test]
    fn what_is_saved_can_be_loaded_through_json() {
        let store = LastGood::new(4);
        store.keep("a", 1.5, at(100));
        store.keep("b", 2.5, at(200));
        let text = serde_json::to_string(&store.save()).unwrap();
        let other = LastGood::new(4);
        other.keep("b", 9.5, at(300));
        other.load(serde_json::from_str(&text).unwrap());
        assert_eq!(other.get("a", at(100), MINUTE).unwrap().value, 1.5);
        assert_eq!(other.get("b", at(300), MINUTE).unwrap().value, 9.5);
    }
}
