//! Which model answers: the promoted one, which is always in memory, or one that the request
//! names, which the follower brings from the kept snapshots. Only the latter ever waits, and
//! not for long.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use larder_identity::TenantId;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::error::Error;
use crate::served::{Live, Served, ServedTenant};

/// How long a request waits for the model it names.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(20);

/// The model that a request is answered by.
pub(crate) enum ModelAtHand {
    /// The promoted one of the tenant.
    Promoted,
    /// Another one.
    Kept(Arc<RwLock<Live>>),
}

impl ModelAtHand {
    /// The model's state, for the time of one answer.
    pub(crate) fn read<'a>(&'a self, tenant: &'a ServedTenant) -> RwLockReadGuard<'a, Live> {
        match self {
            Self::Promoted => tenant.read(),
            Self::Kept(live) => live.read().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// Finds the model that a request names; empty means the promoted one. One that is not in
/// memory is asked of the follower, whom `nudge` wakes.
pub(crate) async fn find_model(
    served: &Served,
    nudge: &Notify,
    tenant: &TenantId,
    version: &str,
) -> Result<ModelAtHand, Error> {
    if version.is_empty() {
        return Ok(ModelAtHand::Promoted);
    }
    let Some(of_tenant) = served.find(tenant.as_str()) else {
        return Err(Error::NotFound { noun: "model" });
    };
    let is_promoted =
        || of_tenant.read().serving.snapshot().is_some_and(|snapshot| snapshot.version() == version);
    if is_promoted() {
        return Ok(ModelAtHand::Promoted);
    }
    if let Some(live) = of_tenant.kept(version) {
        return Ok(ModelAtHand::Kept(live));
    }
    if !served.database_reachable() {
        return Err(Error::Unavailable(None));
    }
    if !served.wanted.wish(tenant.as_str(), version) {
        return Err(Error::Busy("too many models are being loaded; try again"));
    }
    let asked_at = Instant::now();
    while served.wanted.waits(tenant.as_str(), version) && asked_at.elapsed() < PATIENCE {
        nudge.notify_one();
        // The bell may ring between the look and the wait: nobody waits longer than a moment.
        let _ = tokio::time::timeout(LOOK, served.wanted.next()).await;
    }
    match of_tenant.kept(version) {
        Some(live) => Ok(ModelAtHand::Kept(live)),
        None if served.wanted.waits(tenant.as_str(), version) => Err(Error::Unavailable(None)),
        None if is_promoted() => Ok(ModelAtHand::Promoted),
        None => Err(Error::NotFound { noun: "model" }),
    }
}
