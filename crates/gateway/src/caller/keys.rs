//! API keys as they are in the database, kept in memory for a moment: also the answer that
//! there is no such key. While the database is away, keys that were seen go on working.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use larder_identity::{Caller, api_key};
use sqlx::PgPool;
use tokio::time::Instant;

use crate::error::CallerError;
use crate::metrics::{self, KeySource};
use crate::store::{self, KeyRecord};

/// How long an answer of the database is taken as true; a revoked key works no longer than this.
const FRESH: Duration = Duration::from_secs(30);
/// How long a known key goes on working while the database is away.
const STALE: Duration = Duration::from_secs(3600);
const CAPACITY: usize = 10_000;

/// The keys of all tenants.
pub(crate) struct KeyRing {
    pool: PgPool,
    seen: Mutex<HashMap<String, Seen>>,
}

#[derive(Clone)]
struct Seen {
    record: Option<KeyRecord>,
    at: Instant,
}

impl KeyRing {
    /// Keys looked up through `pool`, whose role may read them for every tenant.
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, seen: Mutex::new(HashMap::new()) }
    }

    /// Whether no more answers can be kept.
    pub(crate) fn is_full(&self) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len() >= CAPACITY
    }

    /// Forgets everything, so that what was just changed holds at once.
    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The caller that holds `secret`.
    pub(crate) async fn caller_of(&self, secret: &str, now: SystemTime) -> Result<Caller, CallerError> {
        let parsed = api_key::parse(secret).map_err(|_| CallerError::Key)?;
        let record = self.record(&parsed.prefix).await?.ok_or(CallerError::Key)?;
        if !parsed.matches(&record.hash)
            || record.revoked
            || record.expires_at.is_some_and(|expires_at| expires_at <= now)
        {
            return Err(CallerError::Key);
        }
        if record.suspended {
            return Err(CallerError::Suspended);
        }
        Ok(record.caller)
    }

    async fn record(&self, prefix: &str) -> Result<Option<KeyRecord>, CallerError> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(prefix).cloned();
        if let Some(seen) = seen.as_ref().filter(|seen| seen.at.elapsed() < FRESH) {
            metrics::count_key_lookup(KeySource::Memory);
            return Ok(seen.record.clone());
        }
        match store::find_key(&self.pool, prefix).await {
            Ok(record) => {
                metrics::count_key_lookup(KeySource::Database);
                self.keep(prefix, record.clone());
                Ok(record)
            }
            Err(failure) => {
                tracing::warn!(error = %failure, "api key cannot be looked up");
                let stale = seen.filter(|seen| seen.at.elapsed() < STALE && seen.record.is_some());
                metrics::count_key_lookup(if stale.is_some() {
                    KeySource::Stale
                } else {
                    KeySource::Unknown
                });
                stale.map(|seen| seen.record).ok_or(CallerError::Unavailable)
            }
        }
    }

    fn keep(&self, prefix: &str, record: Option<KeyRecord>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= CAPACITY {
            // Guessed prefixes go first, so that guessing cannot push real keys out.
            seen.retain(|_, seen| seen.record.is_some() && seen.at.elapsed() < STALE);
        }
        if seen.len() < CAPACITY {
            seen.insert(prefix.to_owned(), Seen { record, at: Instant::now() });
        }
    }
}
