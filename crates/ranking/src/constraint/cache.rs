//! Filters that were asked for lately, with the products they let through: bounded, and never out of
//! date.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Checks, ProductSet};
use crate::{Filter, ProductRecord};

/// So many filters are kept for a tenant; a set takes an eighth of a byte for each product.
const MOST_FILTERS: usize = 32;

/// What a filter lets through: the whole set, or the checks while it has come only once.
pub(crate) enum Passing {
    Set(Arc<ProductSet>),
    Checks(Arc<Checks>),
}

/// The filters of a tenant.
#[derive(Debug, Default)]
pub(crate) struct FilterCache {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    filters: Vec<KeptFilter>,
    next_turn: u64,
}

#[derive(Debug)]
struct KeptFilter {
    fingerprint: u64,
    checks: Arc<Checks>,
    set: Option<Arc<ProductSet>>,
    turn: u64,
}

impl FilterCache {
    /// What the filter lets through of a catalogue. The set is made the second time it comes, outside
    /// of the lock: others go on meanwhile.
    pub(crate) fn passing(&self, filter: &Filter, set_of: impl FnOnce(&Checks) -> ProductSet) -> Passing {
        let fingerprint = Checks::fingerprint(filter);
        let checks = {
            let mut kept = self.lock();
            match kept.find(fingerprint, filter) {
                Some(known) => match &known.set {
                    Some(set) => return Passing::Set(Arc::clone(set)),
                    None => Arc::clone(&known.checks),
                },
                None => {
                    let checks = Arc::new(Checks::of(filter));
                    kept.add(fingerprint, Arc::clone(&checks));
                    return Passing::Checks(checks);
                }
            }
        };
        let set = Arc::new(set_of(&checks));
        if let Some(known) = self.lock().find(fingerprint, filter) {
            known.set = Some(Arc::clone(&set));
        }
        Passing::Set(set)
    }

    /// A product has changed.
    pub(crate) fn change(&mut self, product: u32, record: &ProductRecord) {
        let kept = self.kept.get_mut().unwrap_or_else(PoisonError::into_inner);
        for filter in &mut kept.filters {
            if let Some(set) = &mut filter.set {
                Arc::make_mut(set).set(product, filter.checks.pass(record));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, fingerprint: u64, filter: &Filter) -> Option<&mut KeptFilter> {
        let turn = self.next_turn;
        self.next_turn += 1;
        let is_it = |kept: &&mut KeptFilter| kept.fingerprint == fingerprint && kept.checks.are_of(filter);
        let found = self.filters.iter_mut().find(is_it)?;
        found.turn = turn;
        Some(found)
    }

    fn add(&mut self, fingerprint: u64, checks: Arc<Checks>) {
        if self.filters.len() >= MOST_FILTERS {
            let oldest = self.filters.iter().enumerate().min_by_key(|(_, kept)| kept.turn);
            if let Some(place) = oldest.map(|(place, _)| place) {
                self.filters.swap_remove(place);
            }
        }
        let turn = self.next_turn;
        self.next_turn += 1;
        self.filters.push(KeptFilter { fingerprint, checks, set: None, turn });
    }
}
