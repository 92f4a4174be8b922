//! The section `[identity]`.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::section;
use crate::kind::Kind;

section! {
    /// Who may call, and how one service proves to another who is calling.
    IdentitySettings = "identity" {
        /// Whether callers must prove who they are. Left out, it is `anonymous` in development and
        /// `required` everywhere else; `anonymous` is refused outside development.
        authentication: Option<Authentication> = None, Kind::Choice(&["anonymous", "required"]);
        /// The Ed25519 private key (PKCS#8 PEM) that the gateway signs service tokens with.
        signing_key ("signing_key", "crate::secret::text"): Option<SecretString> = None, Kind::PrivateKey;
        /// The Ed25519 public keys (SPKI PEM) whose tokens are accepted; the signing key's own always is.
        /// To rotate, list the old and the new one together for a while.
        verifying_keys: Vec<String> = Vec::new(), Kind::PublicKeys;
        /// How long a service token is valid.
        token_ttl ("token_ttl_s", "crate::durations::seconds"):
            Duration = Duration::from_secs(300), Kind::Whole(10..=86_400);
        /// The secret that page tokens are authenticated with; the same for every replica.
        page_token_key ("page_token_key", "crate::secret::text"): Option<SecretString> = None, Kind::Secret(32);
    }
}

/// Whether callers must prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authentication {
    /// A caller without credentials is tenant `demo`.
    Anonymous,
    /// A caller without credentials is refused.
    Required,
}
