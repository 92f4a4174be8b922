//! Which state things are in: each has a place that remembers the last change of it. Several
//! things may share a place, which makes an answer old too early and never too late.
//!
//! A reading asks for the state before it asks the service, and a change is told after the
//! service did it and before its caller hears of it: whoever was told of a change never gets an
//! answer from before it.

mod in_redis;
mod local;

use std::time::Duration;

use larder_lifecycle::Shutdown;

pub(super) use in_redis::Shared;
use local::Local;

/// As many places as fit two bytes.
const PLACES: usize = 1 << 16;

/// A state in which things were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Seen {
    /// Counts are of one epoch; in another one nothing is known of before.
    pub(super) epoch: u64,
    /// The count at the last change of any of them.
    pub(super) changed_at: u64,
    /// The count when any of them was last taken out of the world.
    pub(super) forgotten_at: u64,
    /// Whether that change is long enough ago that every replica of the service knows of it.
    pub(super) is_settled: bool,
}

/// Where the things stand that an answer is made of, or a call changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) changed: Vec<u16>,
    pub(super) forgotten: Vec<u16>,
}

/// Who remembers changes.
pub(super) enum Versions {
    /// This process, the only gateway.
    Local(Local),
    /// Redis, for all gateways.
    Shared(Box<Shared>),
    /// Nobody: there are other gateways and no way to hear of them.
    Nobody,
}

impl Versions {
    /// A gateway of its own.
    pub(super) fn local(settled_after: Duration) -> Self {
        Self::Local(Local::new(settled_after))
    }

    /// The state of things; none when nobody can tell right now.
    pub(super) async fn see(&self, places: &Places) -> Option<Seen> {
        match self {
            Self::Local(local) => Some(local.see(places)),
            Self::Shared(shared) => shared.see(places).await,
            Self::Nobody => None,
        }
    }

    /// Remembers a change.
    pub(super) async fn change(&self, places: &Places) {
        match self {
            Self::Local(local) => local.change(places),
            Self::Shared(shared) => shared.change(places).await,
            Self::Nobody => {}
        }
    }

    /// Keeps in touch with whoever remembers.
    pub(super) async fn run(&self, shutdown: Shutdown) {
        match self {
            Self::Shared(shared) => shared.run(shutdown).await,
            Self::Local(_) | Self::Nobody => shutdown.wait_owned().await,
        }
    }

    /// The shared memory for answers, when there is one.
    pub(super) fn shared(&self) -> Option<&Shared> {
        match self {
            Self::Shared(shared) => Some(shared),
            Self::Local(_) | Self::Nobody => None,
        }
    }
}

/// The place of a thing of a tenant. It must be the same in every gateway of every release.
pub(super) fn place(tenant: &str, name: &str) -> u16 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(tenant.as_bytes()).update(b"\0").update(name.as_bytes());
    let hash = hasher.finalize();
    u16::from_be_bytes([hash.as_bytes()[0], hash.as_bytes()[1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_that_other_gateways_know() {
        assert_eq!(place("demo", "catalog"), place("demo", "catalog"));
        assert_ne!(place("demo", "customer/1"), place("other", "customer/1"));
        assert_ne!(place("a", "bc"), place("ab", "c"));
        assert_eq!(place("demo", "catalog"), 49_386);
    }
}
