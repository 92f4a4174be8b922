//! Tokens of another issuer (RFC 7519), proved by its published keys (RFC 7517). The algorithm belongs to the key and is
//! never taken from the token: `none`, and a public key used as an HMAC secret, have no key that fits.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::token::seconds_since_1970;
use crate::{Caller, Scope, Scopes, TenantId, TokenRefusal};

const LONGEST_TOKEN_BYTES: usize = 8 * 1024;
const LONGEST_SUBJECT_BYTES: usize = 128;
const MOST_KEYS: usize = 64;
/// A modulus of 2,048 bits has so many characters in base64url; NIST SP 800-131A forbids shorter ones.
const LEAST_RSA_CHARACTERS: usize = 342;

/// The keys that an issuer publishes.
pub struct KeySet {
    keys: Vec<(Option<String>, Algorithm, DecodingKey)>,
}

/// What is asked of a token beside its signature.
#[derive(Debug, Clone)]
pub struct IssuerRules {
    /// Who must have issued it, letter by letter.
    pub issuer: String,
    /// Whom it must be meant for.
    pub audience: String,
    /// The claim that names the tenant.
    pub tenant_claim: String,
    /// The claim that has the scopes: a text with spaces between them, or a list.
    pub scope_claim: String,
    /// How far the clocks may be apart.
    pub skew: Duration,
}

/// The document of an issuer's keys is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a set of at most {MOST_KEYS} JSON Web Keys with one for EdDSA, ES256 or RS256 among them")]
pub struct InvalidKeySet;

/// Claims that every token must have; the others are named by the rules.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    #[serde(default)]
    iat: u64,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl KeySet {
    /// Reads a set. Keys for other uses and algorithms are left out, secret ones above all.
    ///
    /// # Errors
    /// A document that is no set, or in which no key is left.
    pub fn parse(document: &[u8]) -> Result<Self, InvalidKeySet> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_slice(document).map_err(|_| InvalidKeySet)?;
        if document.keys.len() > MOST_KEYS {
            return Err(InvalidKeySet);
        }
        let known = document.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let set = JwkSet { keys: known.collect() };
        let keys: Vec<_> = set.keys.iter().filter_map(usable).collect();
        if keys.is_empty() { Err(InvalidKeySet) } else { Ok(Self { keys }) }
    }

    /// Whether a token that names this key could be proved.
    pub fn has(&self, key_id: Option<&str>) -> bool {
        self.find(key_id).is_some()
    }

    /// A token that names no key belongs to the only one.
    fn find(&self, key_id: Option<&str>) -> Option<&(Option<String>, Algorithm, DecodingKey)> {
        match key_id {
            Some(_) => self.keys.iter().find(|(id, ..)| id.as_deref() == key_id),
            None => {
                if self.keys.len() == 1 {
                    self.keys.first()
                } else {
                    None
                }
            }
        }
    }
}

fn usable(jwk: &Jwk) -> Option<(Option<String>, Algorithm, DecodingKey)> {
    if jwk.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        AlgorithmParameters::RSA(key) if key.n.len() >= LEAST_RSA_CHARACTERS => Algorithm::RS256,
        _ => return None,
    };
    let declared = jwk.common.key_algorithm.map(|declared| declared.to_string());
    if declared.is_some_and(|declared| declared != format!("{algorithm:?}")) {
        return None;
    }
    Some((jwk.common.key_id.clone(), algorithm, DecodingKey::from_jwk(jwk).ok()?))
}

/// The id of the key that a token says it was signed with. Nothing of it is proved yet.
///
/// # Errors
/// What is no token, or one with an algorithm that does not exist, such as `none`.
pub fn key_id_of(token: &str) -> Result<Option<String>, TokenRefusal> {
    if token.len() > LONGEST_TOKEN_BYTES {
        return Err(TokenRefusal::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenRefusal::Malformed)?;
    Ok(header.kid)
}

impl IssuerRules {
    /// Proves a token and returns its caller. Scopes outside `known` are left out.
    ///
    /// # Errors
    /// What is wrong with it; never told to the caller.
    pub fn verify(
        &self,
        token: &str,
        keys: &KeySet,
        known: &BTreeSet<String>,
        now: SystemTime,
    ) -> Result<Caller, TokenRefusal> {
        let key_id = key_id_of(token)?;
        let (_, algorithm, key) = keys.find(key_id.as_deref()).ok_or(TokenRefusal::UnknownKey)?;
        let mut validation = Validation::new(*algorithm);
        validation.set_audience(&[&self.audience]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        // The library asks the ambient clock; what follows compares with the `now` it is given.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)
            .map_err(|error| crate::token::verifier::refusal_of(error.kind()))?
            .claims;
        let (now, skew) = (seconds_since_1970(now), self.skew.as_secs());
        if now > claims.exp.saturating_add(skew) {
            return Err(TokenRefusal::Expired);
        }
        if claims.nbf.max(claims.iat) > now.saturating_add(skew) {
            return Err(TokenRefusal::NotYetValid);
        }
        self.caller(claims, known).ok_or(TokenRefusal::Malformed)
    }

    fn caller(&self, claims: Claims, known: &BTreeSet<String>) -> Option<Caller> {
        if claims.sub.is_empty()
            || claims.sub.len() > LONGEST_SUBJECT_BYTES
            || claims.sub.contains(char::is_control)
        {
            return None;
        }
        let tenant = TenantId::parse(claims.others.get(&self.tenant_claim)?.as_str()?).ok()?;
        let named: Vec<&str> = match claims.others.get(&self.scope_claim)? {
            Value::String(text) => text.split_ascii_whitespace().collect(),
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            _ => return None,
        };
        let granted = named.into_iter().filter(|scope| known.contains(*scope));
        let scopes: Scopes = granted.filter_map(|scope| Scope::parse(scope).ok()).collect();
        Some(Caller { tenant, subject: format!("issued:{}", claims.sub), scopes })
    }
}

#[cfg(test)]
mod tests;
