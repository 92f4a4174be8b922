//! Who a source is: the token in its path, or in its headers as senders of the several kinds put it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use larder_identity::TenantId;
use larder_telemetry::RequestContext;

use crate::error::Error;
use crate::signing::{SourceIdentity, TokenPower};
use crate::state::State;

/// Names the tenant of an anonymous source, where those are let in.
const TENANT_HEADER: &str = "x-larder-tenant";
/// How a source without a token is called.
const ANONYMOUS: &str = "anonymous";

/// A source that has shown who it is.
pub(crate) struct Source(pub(crate) SourceIdentity);

impl Source {
    /// Checks that the source may do more than send.
    pub(crate) fn may_operate(&self) -> Result<(), Error> {
        if self.0.power == TokenPower::Operate { Ok(()) } else { Err(Error::Forbidden) }
    }
}

impl FromRequestParts<Arc<State>> for Source {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Error> {
        let in_path = RawPathParams::from_request_parts(parts, state).await.ok();
        let in_path = in_path.as_ref().and_then(|params| {
            params.iter().find(|(name, _)| *name == "token").map(|(_, value)| value.to_owned())
        });
        let shown = in_path.or_else(|| in_headers(&parts.headers));
        let identity = match shown {
            Some(token) => state.signing.read_source_token(&token).ok_or(Error::Unauthenticated)?,
            None => anonymous(state, &parts.headers)?,
        };
        RequestContext::set_tenant(identity.tenant.as_str());
        Ok(Self(identity))
    }
}

/// `Bearer`, Opsgenie's `GenieKey`, and `Basic` with the token as password.
fn in_headers(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = text.split_once(' ')?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
        return decoded.split_once(':').map(|(_, password)| password.to_owned());
    }
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("geniekey"))
        .then(|| credentials.to_owned())
}

/// In development whoever comes without a token is the tenant `demo`, as at the gateway.
fn anonymous(state: &State, headers: &HeaderMap) -> Result<SourceIdentity, Error> {
    if !state.anonymous_allowed {
        return Err(Error::Unauthenticated);
    }
    let tenant = match headers.get(TENANT_HEADER) {
        None => TenantId::demo(),
        Some(tenant) => tenant
            .to_str()
            .ok()
            .and_then(|tenant| TenantId::parse(tenant).ok())
            .ok_or_else(|| Error::invalid(TENANT_HEADER, "must be 1 to 63 characters of a-z 0-9 -"))?,
    };
    Ok(SourceIdentity { tenant, source: ANONYMOUS.to_owned(), power: TokenPower::Operate })
}
