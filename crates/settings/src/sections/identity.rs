//! The section `[identity]`.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

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
        /// Where another issuer publishes the keys of its tokens (a JSON Web Key Set). Left out, only tokens of
        /// `verifying_keys` are taken.
        jwks_url: Option<Url> = None, Kind::Url;
        /// What the claim `iss` of such a token must be, letter by letter.
        jwt_issuer: Option<String> = None, Kind::Text;
        /// What the claim `aud` of such a token must be or hold.
        jwt_audience: Option<String> = None, Kind::Text;
        /// The claim of such a token that names the tenant.
        jwt_tenant_claim: String = "tenant".to_owned(), Kind::Text;
        /// The claim of such a token that has the scopes, as a text with spaces between them or a list.
        jwt_scope_claim: String = "scope".to_owned(), Kind::Text;
        /// How far the clock of that issuer may be from ours.
        jwt_clock_skew ("jwt_clock_skew_s", "crate::durations::seconds"):
            Duration = Duration::from_secs(30), Kind::Whole(0..=300);
        /// The tenant whose callers may make, list and suspend tenants. Left out, it is `demo` in development
        /// and `platform` everywhere else.
        operator_tenant: Option<String> = None, Kind::Text;
        /// How long a session of a user lasts when it is not used.
        session_idle ("session_idle_s", "crate::durations::seconds"):
            Duration = Duration::from_secs(3_600), Kind::Whole(60..=2_592_000);
        /// How long a session of a user lasts in any case.
        session_lifetime ("session_lifetime_s", "crate::durations::seconds"):
            Duration = Duration::from_secs(43_200), Kind::Whole(60..=7_776_000);
        /// The fewest characters of a password that a user sets.
        least_password_characters: usize = 15, Kind::Whole(8..=64);
        /// The mail server for tokens that set a password, such as
        /// `smtps://user:password@mail.example.org` or, without TLS, `smtp://127.0.0.1:2525`. Left out,
        /// nobody is mailed, and `larder user reset` makes such tokens.
        smtp_url ("smtp_url", "crate::secret::text"): Option<SecretString> = None, Kind::SecretUrl(&["smtp", "smtps"]);
        /// Whom such mails come from.
        mail_from: Option<String> = None, Kind::Text;
        /// The page on which a user sets a password; the token is put behind it as `#token=…`. Left out, the mail
        /// has the token itself.
        password_page_url: Option<Url> = None, Kind::Url;
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
