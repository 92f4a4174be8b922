//! What speaks for training a tenant again: events recorded since the last training, a customer
//! erased, or a training that failed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Why a training is wanted although few events came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The aggregates of the model still count a customer who was erased.
    Forget,
    /// The last training failed.
    Retry,
}

/// What one tenant waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) events: u64,
    pub(crate) wish: Option<Wish>,
    /// Why the last training failed; `None` when it went well.
    pub(crate) failure: Option<String>,
}

/// What every tenant of this process waits for.
#[derive(Clone, Default)]
pub(crate) struct PendingEvents {
    tenants: Arc<Mutex<HashMap<String, Pending>>>,
}

impl PendingEvents {
    /// Counts events that were recorded.
    pub(crate) fn add(&self, tenant: &str, events: u64) {
        self.change(tenant, |pending| pending.events += events);
    }

    /// Asks for a training soon.
    pub(crate) fn wish(&self, tenant: &str, wish: Wish) {
        self.change(tenant, |pending| pending.wish = Some(wish));
    }

    /// Notes that a training failed; it is tried again.
    pub(crate) fn fail(&self, tenant: &str, cause: String) {
        self.change(tenant, |pending| {
            pending.failure = Some(cause);
            pending.wish.get_or_insert(Wish::Retry);
        });
    }

    /// Notes that a training went well that knew of the first `known` events. A wish that came
    /// meanwhile stays: the training may have read before it.
    pub(super) fn fulfil(&self, tenant: &str, known: u64) {
        self.change(tenant, |pending| {
            pending.events = pending.events.saturating_sub(known);
            pending.failure = None;
            pending.wish.take_if(|wish| *wish == Wish::Retry);
        });
    }

    /// Takes a wish back.
    pub(super) fn withdraw(&self, tenant: &str) {
        self.change(tenant, |pending| pending.wish = None);
    }

    /// What the tenant waits for.
    pub(crate) fn of(&self, tenant: &str) -> Pending {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned().unwrap_or_default()
    }

    fn change(&self, tenant: &str, change: impl FnOnce(&mut Pending)) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        change(tenants.entry(tenant.to_owned()).or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_fulfils_what_it_knew_of_and_a_failure_is_remembered() {
        let pending = PendingEvents::default();
        pending.add("shop", 10);
        pending.fail("shop", "the disk is full".into());
        assert_eq!(pending.of("shop").wish, Some(Wish::Retry));
        pending.wish("shop", Wish::Forget);
        pending.add("shop", 5);
        pending.fail("shop", "still full".into());
        assert_eq!(pending.of("shop").wish, Some(Wish::Forget), "a reason to forget is not forgotten");
        pending.fulfil("shop", 10);
        let left = Pending { events: 5, wish: Some(Wish::Forget), failure: None };
        assert_eq!(pending.of("shop"), left, "she may have been erased after the training read");
        pending.withdraw("shop");
        assert_eq!(pending.of("shop"), Pending { events: 5, ..Pending::default() });
        assert_eq!(pending.of("other"), Pending::default());
    }
}
