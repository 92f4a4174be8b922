//! Service tokens for the calls behind the gateway: signed once a caller, used until a minute
//! before they end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use larder_identity::{Caller, TokenSigner};
use tonic::Status;

use crate::config::SERVICE_AUDIENCE;
use crate::error;

/// A token is not used for longer than this before its end.
const MARGIN: Duration = Duration::from_secs(60);
/// Callers whose tokens are kept; beyond it all are signed anew.
const CAPACITY: usize = 10_000;

/// Signs tokens and keeps them while they are good.
pub(crate) struct TokenMint {
    signer: TokenSigner,
    ttl: Duration,
    kept: Mutex<HashMap<String, Kept>>,
}

struct Kept {
    authorization: HeaderValue,
    use_until: SystemTime,
}

impl TokenMint {
    /// Tokens by `signer`, each good for `ttl`.
    pub(crate) fn new(signer: TokenSigner, ttl: Duration) -> Self {
        Self { signer, ttl, kept: Mutex::new(HashMap::new()) }
    }

    /// The `authorization` header that proves `caller` to a service.
    pub(crate) fn authorization_for(&self, caller: &Caller, now: SystemTime) -> Result<HeaderValue, Status> {
        let name = format!("{}\n{}\n{}", caller.tenant, caller.subject, caller.scopes);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = kept.get(&name).filter(|token| now < token.use_until) {
            return Ok(token.authorization.clone());
        }
        let authorization = self.sign(caller, now)?;
        if kept.len() >= CAPACITY {
            kept.clear();
        }
        let use_until = now + self.ttl.saturating_sub(MARGIN.min(self.ttl / 2));
        kept.insert(name, Kept { authorization: authorization.clone(), use_until });
        Ok(authorization)
    }

    fn sign(&self, caller: &Caller, now: SystemTime) -> Result<HeaderValue, Status> {
        let token = self.signer.sign(caller, SERVICE_AUDIENCE, self.ttl, now).map_err(|failure| {
            tracing::error!(error = %failure, "service token cannot be signed");
            error::internal()
        })?;
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| error::internal())?;
        value.set_sensitive(true);
        Ok(value)
    }
}
