//! Sessions of users as they are in the database, kept in memory for a moment. While the database is away, sessions
//! that were seen go on working, never beyond their end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use larder_identity::{Caller, Scopes, TenantId, session_token};
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use crate::accounts::roles;
use crate::clock;
use crate::error::CallerError;
use crate::store::sessions::{self, FoundSession};

/// How long an answer of the database is taken as true; a session that another gateway ended works no longer than this.
const FRESH: Duration = Duration::from_secs(10);
/// How long a known session goes on working while the database is away.
const STALE: Duration = Duration::from_secs(3_600);
/// Use is noted no more often than this.
const NOTE_EVERY_US: i64 = 60_000_000;
const CAPACITY: usize = 10_000;

/// What every user may do beside what the roles say: whatever is about the user's own account.
const ACCOUNT_SCOPE: &str = "account";

/// The sessions of all tenants.
pub(crate) struct SessionRing {
    pool: PgPool,
    /// How long a session lasts unused, in microseconds.
    idle_us: i64,
    seen: Mutex<HashMap<[u8; 32], Seen>>,
}

#[derive(Clone)]
struct Seen {
    found: Option<FoundSession>,
    at: Instant,
}

/// The user behind a session.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) caller: Caller,
    pub(crate) session_id: Uuid,
}

impl SessionRing {
    /// Sessions looked up through `pool`, whose role may read them for every tenant.
    pub(crate) fn new(pool: PgPool, idle: Duration) -> Self {
        let idle_us = i64::try_from(idle.as_micros()).unwrap_or(i64::MAX);
        Self { pool, idle_us, seen: Mutex::new(HashMap::new()) }
    }

    /// Forgets everything, so that what was just changed holds at once.
    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Who signed in with the session of this token.
    pub(crate) async fn signed_in(&self, token: &str, now: SystemTime) -> Result<SignedIn, CallerError> {
        let hash = session_token::hash_of(session_token::SESSION_BRAND, token).ok_or(CallerError::Session)?;
        let now_us = clock::micros(now);
        let found = self.find(hash, now_us).await?.ok_or(CallerError::Session)?;
        let idle = found.last_used_at_us.saturating_add(self.idle_us);
        if found.disabled || now_us >= found.expires_at_us.min(idle) {
            return Err(CallerError::Session);
        }
        if found.suspended {
            return Err(CallerError::Suspended);
        }
        let unreadable = |_| CallerError::Session;
        let own = Scopes::parse(&found.own_scopes).map_err(unreadable)?;
        let account = Scopes::parse(ACCOUNT_SCOPE).map_err(unreadable)?;
        let caller = Caller {
            tenant: TenantId::parse(&found.tenant_id).map_err(unreadable)?,
            subject: format!("user:{}", found.user_id),
            scopes: roles::built_in_scopes(&found.roles).union(&own).union(&account),
        };
        Ok(SignedIn { caller, session_id: found.session_id })
    }

    async fn find(&self, hash: [u8; 32], now_us: i64) -> Result<Option<FoundSession>, CallerError> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        if let Some(seen) = seen.as_ref().filter(|seen| seen.at.elapsed() < FRESH) {
            return Ok(seen.found.clone());
        }
        match self.look_up(&hash, now_us).await {
            Ok(found) => {
                self.keep(hash, found.clone());
                Ok(found)
            }
            Err(failure) => {
                tracing::warn!(error = %failure, "session cannot be looked up");
                let stale = seen.filter(|seen| seen.at.elapsed() < STALE && seen.found.is_some());
                stale.map(|seen| seen.found).ok_or(CallerError::Unavailable)
            }
        }
    }

    async fn look_up(&self, hash: &[u8], now_us: i64) -> Result<Option<FoundSession>, sqlx::Error> {
        let Some(mut found) = sessions::find_session(&self.pool, hash).await? else { return Ok(None) };
        let alive = now_us < found.last_used_at_us.saturating_add(self.idle_us).min(found.expires_at_us);
        let every_us = NOTE_EVERY_US.min(self.idle_us / 4);
        if alive && now_us - found.last_used_at_us >= every_us {
            sessions::note_session_use(&self.pool, &found, now_us).await?;
            found.last_used_at_us = now_us;
        }
        Ok(Some(found))
    }

    fn keep(&self, hash: [u8; 32], found: Option<FoundSession>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= CAPACITY {
            // Guessed tokens go first, so that guessing cannot push real sessions out.
            seen.retain(|_, seen| seen.found.is_some() && seen.at.elapsed() < STALE);
        }
        if seen.len() < CAPACITY {
            seen.insert(hash, Seen { found, at: Instant::now() });
        }
    }
}
