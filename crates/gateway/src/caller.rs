//! The porch: headers come in, a `Caller` goes out, and no credential goes further.

mod keys;
mod tokens;

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, HeaderName, header};
use larder_identity::{Caller, TENANT_HEADER, TenantId, TokenVerifier};

use crate::error::CallerError;
pub(crate) use keys::KeyRing;
pub(crate) use tokens::TokenMint;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_KEY_PREFIX: &str = "lrd_";

/// Decides who is calling.
pub(crate) struct Authenticator {
    pub(crate) verifier: TokenVerifier,
    /// The keys in the database, when there is one.
    pub(crate) keys: Option<Arc<KeyRing>>,
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
    ) -> Result<Caller, CallerError> {
        let tenant = wanted_tenant(headers)?;
        let Some(credential) = credential(headers)? else {
            return self.anonymous(tenant);
        };
        let caller = if credential.starts_with(API_KEY_PREFIX) {
            let keys = self.keys.as_ref().ok_or(CallerError::Key)?;
            keys.caller_of(credential, now).await?
        } else {
            self.verifier
                .verify(credential, now)
                .map_err(|_| CallerError::Token("malformed, expired or signed by somebody else"))?
        };
        if tenant.is_some_and(|tenant| tenant != caller.tenant) {
            return Err(CallerError::OtherTenant);
        }
        Ok(caller)
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
