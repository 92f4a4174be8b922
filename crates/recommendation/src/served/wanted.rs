//! Models that requests name beside the promoted ones. A request leaves its wish here and
//! waits a moment; the follower, who reads the log, fulfils or refuses it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Wishes beyond this are refused: nobody needs so many models at once.
const MOST_WISHES: usize = 64;

/// The tenant and the version of a model.
pub(crate) type ModelName = (String, String);

/// Wishes for models and what became of them.
#[derive(Default)]
pub(crate) struct WantedModels {
    wishes: Mutex<BTreeSet<ModelName>>,
    /// Rings whenever wishes were dealt with.
    dealt_with: Notify,
}

impl WantedModels {
    /// Leaves a wish; `false` when there are too many already.
    pub(crate) fn wish(&self, tenant: &str, version: &str) -> bool {
        let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (tenant.to_owned(), version.to_owned());
        if wishes.len() >= MOST_WISHES && !wishes.contains(&name) {
            return false;
        }
        wishes.insert(name);
        true
    }

    /// Whether a wish still waits.
    pub(crate) fn waits(&self, tenant: &str, version: &str) -> bool {
        let wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        wishes.contains(&(tenant.to_owned(), version.to_owned()))
    }

    /// The wishes that wait.
    pub(crate) fn all(&self) -> Vec<ModelName> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Notes that a wish was fulfilled or cannot be.
    pub(crate) fn deal_with(&self, name: &ModelName) {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.dealt_with.notify_waiters();
    }

    /// Waits until some wish is dealt with.
    pub(crate) async fn next(&self) {
        self.dealt_with.notified().await;
    }
}
