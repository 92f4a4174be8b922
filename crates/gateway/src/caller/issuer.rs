//! Tokens of another issuer, proved by the keys it publishes. The keys are fetched when they are first needed and again
//! now and then; one that is not known is looked for at once, but never more often than every ten seconds, whatever
//! tokens name. While the issuer is away its keys go on for an hour.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use larder_identity::Caller;
use larder_identity::issuer::{self, IssuerRules, KeySet};
use larder_settings::IdentitySettings;
use tokio::time::Instant;
use url::Url;

use crate::accounts::roles;
use crate::error::{CallerError, GatewayError};

/// How long fetched keys are taken as those that are published: a key that is withdrawn works no longer than this.
const FRESH: Duration = Duration::from_secs(300);
/// How long they go on while the issuer is away.
const STALE: Duration = Duration::from_secs(3_600);
/// The issuer is asked no more often than this.
const BETWEEN: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(5);
const DOCUMENT_BYTES: usize = 256 * 1024;

/// Another issuer whose tokens are taken.
pub(crate) struct Issuer {
    rules: IssuerRules,
    known_scopes: BTreeSet<String>,
    published: Url,
    client: reqwest::Client,
    fetched: Mutex<Option<Fetched>>,
    /// Held by whoever asks the issuer; has the instant of the last question.
    asking: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct Fetched {
    keys: Arc<KeySet>,
    at: Instant,
}

impl Issuer {
    /// As set; `None` without an address of keys.
    ///
    /// # Errors
    /// Settings that belong together and are not all there.
    pub(crate) fn from_settings(settings: &IdentitySettings) -> Result<Option<Self>, GatewayError> {
        let Some(published) = settings.jwks_url.clone() else { return Ok(None) };
        let missing = |setting| GatewayError::Issuer(setting, "is not set, and identity.jwks_url is");
        let rules = IssuerRules {
            issuer: settings.jwt_issuer.clone().ok_or_else(|| missing("identity.jwt_issuer"))?,
            audience: settings.jwt_audience.clone().ok_or_else(|| missing("identity.jwt_audience"))?,
            tenant_claim: settings.jwt_tenant_claim.clone(),
            scope_claim: settings.jwt_scope_claim.clone(),
            skew: settings.jwt_clock_skew,
        };
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| {
                GatewayError::Issuer("identity.jwks_url", "cannot be asked: TLS cannot be set up")
            })?;
        Ok(Some(Self {
            rules,
            known_scopes: roles::known_scopes(),
            published,
            client,
            fetched: Mutex::new(None),
            asking: tokio::sync::Mutex::new(None),
        }))
    }

    /// The caller whom a token proves.
    pub(crate) async fn caller_of(&self, token: &str, now: SystemTime) -> Result<Caller, CallerError> {
        let refused = CallerError::Token("malformed, expired or signed by somebody else");
        let key_id = issuer::key_id_of(token).map_err(|_| refused.clone())?;
        let keys = self.keys_for(key_id.as_deref(), Instant::now()).await?;
        self.rules.verify(token, &keys, &self.known_scopes, now).map_err(|why| {
            tracing::debug!(reason = ?why, "token of another issuer refused");
            refused
        })
    }

    /// The published keys, fetched again when they are old or lack the one that is named.
    async fn keys_for(&self, key_id: Option<&str>, now: Instant) -> Result<Arc<KeySet>, CallerError> {
        if let Some(keys) = self.good(key_id, now) {
            return Ok(keys);
        }
        let mut asked_at = self.asking.lock().await;
        // Somebody else may have asked while this call waited for its turn.
        if let Some(keys) = self.good(key_id, now) {
            return Ok(keys);
        }
        if asked_at.is_none_or(|at| now.saturating_duration_since(at) >= BETWEEN) {
            *asked_at = Some(now);
            match self.fetch().await {
                Ok(keys) => self.keep(Fetched { keys: Arc::new(keys), at: now }),
                Err(why) => tracing::warn!(error = why, "keys of the issuer cannot be fetched"),
            }
        }
        let usable = self.fetched().filter(|fetched| now.saturating_duration_since(fetched.at) < STALE);
        usable.map(|fetched| fetched.keys).ok_or(CallerError::Unavailable)
    }

    fn good(&self, key_id: Option<&str>, now: Instant) -> Option<Arc<KeySet>> {
        let fetched = self.fetched()?;
        let is_fresh = now.saturating_duration_since(fetched.at) < FRESH;
        (is_fresh && fetched.keys.has(key_id)).then_some(fetched.keys)
    }

    fn fetched(&self) -> Option<Fetched> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, fetched: Fetched) {
        *self.fetched.lock().unwrap_or_else(PoisonError::into_inner) = Some(fetched);
    }

    async fn fetch(&self) -> Result<KeySet, &'static str> {
        let mut answer =
            self.client.get(self.published.clone()).send().await.map_err(|_| "the issuer does not answer")?;
        if !answer.status().is_success() {
            return Err("the issuer answers with an error");
        }
        let mut document = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|_| "the answer breaks off")? {
            document.extend_from_slice(&part);
            if document.len() > DOCUMENT_BYTES {
                return Err("the answer is too large to be a set of keys");
            }
        }
        KeySet::parse(&document).map_err(|_| "the answer is no set of keys")
    }
}

#[cfg(test)]
mod tests;
