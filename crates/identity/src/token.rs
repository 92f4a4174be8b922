//! Service tokens: short-lived JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 8037) that
//! carry a caller from the gateway to one service. No other algorithm is understood.

pub(crate) mod cache;
pub(crate) mod keys;
pub(crate) mod signer;
pub(crate) mod verifier;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{Scopes, TenantId};

/// How far two machines' clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(30);

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    tenant: TenantId,
    sub: String,
    scope: Scopes,
    aud: String,
    /// When it was made, in seconds since 1970.
    iat: u64,
    /// Until when it is valid, in seconds since 1970.
    exp: u64,
}

pub(crate) fn seconds_since_1970(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests;
