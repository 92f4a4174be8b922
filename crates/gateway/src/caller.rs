//! The porch: headers come in, a `Caller` goes out, and no credential goes further.

mod issuer;
mod keys;
mod sessions;
mod tenants;
mod tokens;

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, HeaderName, header};
use larder_identity::{Caller, TENANT_HEADER, TenantId, TokenVerifier};
use uuid::Uuid;

use crate::error::CallerError;
pub(crate) use issuer::Issuer;
pub(crate) use keys::KeyRing;
pub(crate) use sessions::{SessionRing, SignedIn};
pub(crate) use tenants::TenantRing;
pub(crate) use tokens::TokenMint;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_KEY_PREFIX: &str = "lrd_";
const SESSION_PREFIX: &str = "lrs_";

/// What the database knows of callers.
#[derive(Clone)]
pub(crate) struct Rings {
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) sessions: Arc<SessionRing>,
    pub(crate) tenants: Arc<TenantRing>,
}

impl Rings {
    /// Forgets what is kept of it, so that what was just changed holds at once.
    pub(crate) fn forget(&self) {
        self.keys.forget();
        self.sessions.forget();
        self.tenants.forget();
    }
}

/// Who is calling, and by which session when it is a user.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) caller: Caller,
    pub(crate) session_id: Option<Uuid>,
}

/// Decides who is calling.
pub(crate) struct Authenticator {
    pub(crate) verifier: TokenVerifier,
    /// Another issuer whose tokens are taken.
    pub(crate) issuer: Option<Issuer>,
    /// Keys, sessions and tenants, when there is a database.
    pub(crate) rings: Option<Rings>,
    /// Whether a caller without credentials is tenant `demo`. Only ever true in development.
    pub(crate) anonymous_allowed: bool,
}

impl Authenticator {
    /// The caller behind `headers`.
    ///
    /// # Errors
    /// Why there is none; never more than a stranger may know.
    pub(crate) async fn authenticate(
        &self,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Known, CallerError> {
        let tenant = wanted_tenant(headers)?;
        let Some(credential) = credential(headers)? else {
            return Ok(Known { caller: self.anonymous(tenant)?, session_id: None });
        };
        let known = self.holder_of(credential, now).await?;
        if tenant.is_some_and(|tenant| tenant != known.caller.tenant) {
            return Err(CallerError::OtherTenant);
        }
        Ok(known)
    }

    async fn holder_of(&self, credential: &str, now: SystemTime) -> Result<Known, CallerError> {
        if credential.starts_with(API_KEY_PREFIX) {
            let rings = self.rings.as_ref().ok_or(CallerError::Key)?;
            let caller = rings.keys.caller_of(credential, now).await?;
            return Ok(Known { caller, session_id: None });
        }
        if credential.starts_with(SESSION_PREFIX) {
            let rings = self.rings.as_ref().ok_or(CallerError::Session)?;
            let SignedIn { caller, session_id } = rings.sessions.signed_in(credential, now).await?;
            return Ok(Known { caller, session_id: Some(session_id) });
        }
        let caller = match (self.verifier.verify(credential, now), &self.issuer) {
            (Ok(caller), _) => caller,
            (Err(_), Some(issuer)) => issuer.caller_of(credential, now).await?,
            (Err(_), None) => {
                return Err(CallerError::Token("malformed, expired or signed by somebody else"));
            }
        };
        if let Some(rings) = &self.rings
            && rings.tenants.is_suspended(&caller.tenant).await
        {
            return Err(CallerError::Suspended);
        }
        Ok(Known { caller, session_id: None })
    }

    fn anonymous(&self, tenant: Option<TenantId>) -> Result<Caller, CallerError> {
        if !self.anonymous_allowed {
            return Err(CallerError::Missing);
        }
        let tenant = match tenant {
            Some(tenant) => tenant,
            None => TenantId::parse("demo").map_err(|_| CallerError::TenantName)?,
        };
        Ok(Caller::anonymous(tenant))
    }
}

fn credential(headers: &HeaderMap) -> Result<Option<&str>, CallerError> {
    let bearer = match headers.get(header::AUTHORIZATION) {
        Some(value) => Some(bearer(value.to_str().map_err(|_| CallerError::Scheme)?)?),
        None => None,
    };
    let key = match headers.get(API_KEY) {
        Some(value) => Some(value.to_str().map_err(|_| CallerError::Key)?.trim()),
        None => None,
    };
    match (bearer, key) {
        (Some(bearer), Some(key)) if bearer != key => Err(CallerError::Ambiguous),
        (bearer, key) => Ok(bearer.or(key)),
    }
}

fn bearer(value: &str) -> Result<&str, CallerError> {
    let (scheme, credential) = value.trim().split_once(' ').ok_or(CallerError::Scheme)?;
    let credential = credential.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || credential.is_empty() {
        return Err(CallerError::Scheme);
    }
    Ok(credential)
}

fn wanted_tenant(headers: &HeaderMap) -> Result<Option<TenantId>, CallerError> {
    let Some(value) = headers.get(TENANT_HEADER) else { return Ok(None) };
    let text = value.to_str().map_err(|_| CallerError::TenantName)?;
    TenantId::parse(text).map(Some).map_err(|_| CallerError::TenantName)
}
