//! Verifies service tokens by a set of public keys, so that a key can be rotated: list the new
//! one, sign with it, and drop the old one when its last token has expired. A token that was
//! verified is remembered, since a signature costs more than the rest of the call's reception.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use larder_settings::IdentitySettings;

use super::cache::VerifiedTokens;
use super::{Claims, LEEWAY, keys, seconds_since_1970};
use crate::{Caller, IdentityError, TokenRefusal, TokenSigner};

/// Longer than any token of ours; a longer one is not even looked at.
const LONGEST_TOKEN_BYTES: usize = 8 * 1024;

/// Verifies service tokens for one audience. Cloning is cheap and shares what was verified.
#[derive(Clone)]
pub struct TokenVerifier {
    inner: Arc<Inner>,
}

struct Inner {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
    verified: VerifiedTokens,
}

impl TokenVerifier {
    /// A verifier of tokens for `audience`, signed by any of `keys_pem` (Ed25519, SPKI PEM). With
    /// no keys it refuses every token.
    ///
    /// # Errors
    /// [`IdentityError::InvalidVerifyingKey`] with the position of the key that cannot be read.
    pub fn new(keys_pem: &[String], audience: &str) -> Result<Self, IdentityError> {
        let mut keys = HashMap::new();
        for (position, pem) in keys_pem.iter().enumerate() {
            let (id, key) =
                read_key(pem).ok_or(IdentityError::InvalidVerifyingKey { position: position + 1 })?;
            keys.insert(id, key);
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "aud"]);
        // The library asks the ambient clock; `verify` compares with the `now` it is given.
        validation.validate_exp = false;
        Ok(Self { inner: Arc::new(Inner { keys, validation, verified: VerifiedTokens::default() }) })
    }

    /// A verifier with the keys in the settings, the signing key's own among them.
    ///
    /// # Errors
    /// As [`TokenVerifier::new`], and [`IdentityError::InvalidSigningKey`].
    pub fn from_settings(settings: &IdentitySettings, audience: &str) -> Result<Self, IdentityError> {
        let mut keys_pem = settings.verifying_keys.clone();
        if let Some(signing_key) = &settings.signing_key {
            keys_pem.push(TokenSigner::from_pem(signing_key)?.verifying_key_pem().to_owned());
        }
        Self::new(&keys_pem, audience)
    }

    /// Verifies a token and returns the caller it proves.
    ///
    /// # Errors
    /// [`IdentityError::InvalidCredentials`] with what was wrong.
    pub fn verify(&self, token: &str, now: SystemTime) -> Result<Caller, IdentityError> {
        let now = seconds_since_1970(now);
        if let Some(caller) = self.inner.verified.find(token, now) {
            return Ok(caller);
        }
        let claims = self.claims(token, now).map_err(IdentityError::InvalidCredentials)?;
        let valid_until = claims.exp.saturating_add(LEEWAY.as_secs());
        let caller = Caller { tenant: claims.tenant, subject: claims.sub, scopes: claims.scope };
        self.inner.verified.remember(token, &caller, valid_until, now);
        Ok(caller)
    }

    fn claims(&self, token: &str, now: u64) -> Result<Claims, TokenRefusal> {
        if token.len() > LONGEST_TOKEN_BYTES {
            return Err(TokenRefusal::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenRefusal::Malformed)?;
        let key_id = header.kid.ok_or(TokenRefusal::UnknownKey)?;
        let key = self.inner.keys.get(&key_id).ok_or(TokenRefusal::UnknownKey)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.inner.validation)
            .map_err(|error| refusal_of(error.kind()))?
            .claims;
        if now > claims.exp.saturating_add(LEEWAY.as_secs()) {
            return Err(TokenRefusal::Expired);
        }
        if claims.iat > now.saturating_add(LEEWAY.as_secs()) {
            return Err(TokenRefusal::NotYetValid);
        }
        Ok(claims)
    }
}

fn read_key(pem: &str) -> Option<(String, DecodingKey)> {
    let key = DecodingKey::from_ed_pem(pem.trim().as_bytes()).ok()?;
    let public_key = key.try_get_as_bytes().ok().filter(|bytes| bytes.len() == 32)?;
    Some((keys::key_id(public_key), key))
}

pub(crate) fn refusal_of(kind: &ErrorKind) -> TokenRefusal {
    match kind {
        ErrorKind::InvalidSignature => TokenRefusal::ForgedSignature,
        ErrorKind::InvalidAudience => TokenRefusal::WrongAudience,
        _ => TokenRefusal::Malformed,
    }
}

impl fmt::Debug for TokenVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenVerifier")
            .field("key_ids", &self.inner.keys.keys())
            .finish_non_exhaustive()
    }
}
