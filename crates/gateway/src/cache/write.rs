//! A call that makes answers old, from its beginning to its end, whatever its end is: done,
//! refused, cut off in the middle, left by its caller.

use std::sync::Arc;

use bytes::Bytes;
use larder_identity::TenantId;
use tonic::Code;

use super::rule::{Changes, Thing};
use super::versions::{self, Places};
use super::{Cache, names};

/// Held while the call is on its way.
pub(crate) struct Write {
    cache: Arc<Cache>,
    tenant: TenantId,
    /// None once it has been told.
    places: Option<Places>,
}

impl Write {
    /// A call to `service` of which nobody knows yet what it is about: it changes whole kinds.
    pub(super) fn new(cache: Arc<Cache>, service: &'static str, tenant: TenantId, changes: &Changes) -> Self {
        let mut write = Self { cache, tenant, places: None };
        let any = |things: &[Thing]| things.iter().map(|thing| vec![thing.any()]).collect::<Vec<_>>();
        let mut places = write.places_of(&any(&changes.changes), &any(&changes.forgets));
        if changes.is_unknown {
            places.changed.push(versions::place(write.tenant.as_str(), service));
        }
        write.places = Some(places);
        write
    }

    /// The call is about what this message names.
    pub(crate) fn about(&mut self, changes: &Changes, message: &Bytes) {
        let named = |things: &[Thing]| names(things, &changes.input, message);
        let (Some(changed), Some(forgotten)) = (named(&changes.changes), named(&changes.forgets)) else {
            return;
        };
        if !changes.is_unknown {
            self.places = Some(self.places_of(&changed, &forgotten));
        }
    }

    /// Makes old what the call changed. To be awaited before its caller hears of the end.
    pub(crate) async fn ended(mut self, code: Code) {
        let Some(places) = self.places.take() else { return };
        self.cache.versions.change(&places).await;
        if is_open(code) {
            self.cache.clone().change_later(places);
        }
    }

    fn places_of(&self, changed: &[Vec<String>], forgotten: &[Vec<String>]) -> Places {
        let place = |name: &String| versions::place(self.tenant.as_str(), name);
        Places {
            changed: changed.iter().chain(forgotten).flatten().map(place).collect(),
            forgotten: forgotten.iter().flatten().map(place).collect(),
        }
    }
}

impl Drop for Write {
    /// Nobody knows how it ended.
    fn drop(&mut self) {
        let Some(places) = self.places.take() else { return };
        let cache = self.cache.clone();
        tokio::spawn(async move {
            cache.versions.change(&places).await;
            cache.change_later(places);
        });
    }
}

/// Whether the service may still be at it.
fn is_open(code: Code) -> bool {
    matches!(
        code,
        Code::Cancelled | Code::DeadlineExceeded | Code::Unavailable | Code::Unknown | Code::Internal
    )
}
