//! Which tenants are suspended, for callers whose token does not say: asked of the database, kept for a moment.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use larder_identity::TenantId;
use sqlx::PgPool;
use tokio::time::Instant;

use crate::store::tenants;

/// How long an answer of the database is taken as true.
const FRESH: Duration = Duration::from_secs(30);
const CAPACITY: usize = 10_000;

/// All tenants that called lately.
pub(crate) struct TenantRing {
    pool: PgPool,
    seen: Mutex<HashMap<TenantId, (bool, Instant)>>,
}

impl TenantRing {
    /// Tenants looked up through `pool`, whose role may read all of them.
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, seen: Mutex::new(HashMap::new()) }
    }

    /// Forgets everything, so that what was just changed holds at once.
    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether the tenant is suspended. While the database is away, the last answer holds, and a tenant that was
    /// not asked for is not: tokens end within minutes anyway.
    pub(crate) async fn is_suspended(&self, tenant: &TenantId) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).copied();
        if let Some((suspended, _)) = seen.filter(|(_, at)| at.elapsed() < FRESH) {
            return suspended;
        }
        match tenants::is_suspended(&self.pool, tenant).await {
            Ok(suspended) => {
                let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                if seen.len() >= CAPACITY {
                    seen.clear();
                }
                seen.insert(tenant.clone(), (suspended, Instant::now()));
                suspended
            }
            Err(failure) => {
                tracing::warn!(error = %failure, "tenant cannot be looked up");
                seen.is_some_and(|(suspended, _)| suspended)
            }
        }
    }
}
