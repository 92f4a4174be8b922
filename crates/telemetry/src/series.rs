//! Handles of duration histograms, kept so that a request pays for a lookup and not for building labels.
//! The number of names is bounded: past the limit a name becomes `_OTHER`, whatever callers send.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use metrics::Histogram;

use crate::names;

const NAMES_MAX: usize = 512;

type Known = HashMap<Box<str>, Vec<(u32, Histogram)>>;

/// Series of one metric by name (a route, a method) and variant (status, HTTP method) packed in a number.
#[derive(Default)]
pub(crate) struct SeriesCache {
    by_name: RwLock<Known>,
}

impl SeriesCache {
    /// Records `seconds`; `register` makes the handle the first time a pair is seen.
    pub(crate) fn record(
        &self,
        name: &str,
        variant: u32,
        seconds: f64,
        register: impl FnOnce(&str) -> Histogram,
    ) {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(histogram) = find(&known, name, variant) {
            return histogram.record(seconds);
        }
        drop(known);
        self.add(name, variant, register).record(seconds);
    }

    fn add(&self, name: &str, variant: u32, register: impl FnOnce(&str) -> Histogram) -> Histogram {
        let mut known = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        let bounded = if known.len() < NAMES_MAX || known.contains_key(name) { name } else { names::OTHER };
        if let Some(histogram) = find(&known, bounded, variant) {
            return histogram.clone();
        }
        let histogram = register(bounded);
        known.entry(bounded.into()).or_default().push((variant, histogram.clone()));
        histogram
    }
}

fn find<'a>(known: &'a Known, name: &str, variant: u32) -> Option<&'a Histogram> {
    known.get(name)?.iter().find(|(at, _)| *at == variant).map(|(_, histogram)| histogram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_whatever_arrives() {
        let cache = SeriesCache::default();
        let mut registered = Vec::new();
        for number in 0..2_000 {
            cache.record(&format!("/made/up/{number}"), 0, 0.1, |name| {
                registered.push(name.to_owned());
                Histogram::noop()
            });
        }
        assert_eq!(registered.len(), NAMES_MAX + 1);
        assert_eq!(registered.last().unwrap(), names::OTHER);
    }

    #[test]
    fn a_known_pair_is_not_registered_again() {
        let cache = SeriesCache::default();
        cache.record("a", 1, 0.1, |_| Histogram::noop());
        cache.record("a", 1, 0.1, |_| panic!("registered twice"));
    }
}
