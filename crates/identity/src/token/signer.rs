//! Signs service tokens. Only the gateway and the command do.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};

use super::{Claims, keys, seconds_since_1970};
use crate::{Caller, IdentityError};

/// Signs service tokens with one Ed25519 key.
#[derive(Clone)]
pub struct TokenSigner {
    key: EncodingKey,
    header: Header,
    verifying_key_pem: String,
}

impl TokenSigner {
    /// A signer with the private key in `pem` (PKCS#8).
    ///
    /// # Errors
    /// [`IdentityError::InvalidSigningKey`] when that is no Ed25519 private key.
    pub fn from_pem(pem: &SecretString) -> Result<Self, IdentityError> {
        let key = EncodingKey::from_ed_pem(pem.expose_secret().as_bytes())
            .map_err(|_| IdentityError::InvalidSigningKey)?;
        let pair =
            Ed25519KeyPair::from_pkcs8(key.as_bytes()).map_err(|_| IdentityError::InvalidSigningKey)?;
        let public_key = pair.public_key().as_ref();
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(keys::key_id(public_key));
        Ok(Self { key, header, verifying_key_pem: keys::public_key_pem(public_key) })
    }

    /// A signer with a new key, which lives as long as the signer.
    ///
    /// # Errors
    /// [`IdentityError::Cryptography`] when the system has no randomness to give.
    pub fn generate() -> Result<Self, IdentityError> {
        Self::from_pem(&Self::generate_pem()?)
    }

    /// A new private key as PKCS#8 PEM, to be kept.
    ///
    /// # Errors
    /// [`IdentityError::Cryptography`] when the system has no randomness to give.
    pub fn generate_pem() -> Result<SecretString, IdentityError> {
        let der = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())
            .map_err(|_| IdentityError::Cryptography)?;
        Ok(keys::pem("PRIVATE KEY", der.as_ref()).into())
    }

    /// Signs a token that proves `caller` to the service `audience` for `ttl` from `now`.
    ///
    /// # Errors
    /// [`IdentityError::Cryptography`] when the key does not sign.
    pub fn sign(
        &self,
        caller: &Caller,
        audience: &str,
        ttl: Duration,
        now: SystemTime,
    ) -> Result<String, IdentityError> {
        let claims = Claims {
            tenant: caller.tenant.clone(),
            sub: caller.subject.clone(),
            scope: caller.scopes.clone(),
            aud: audience.to_owned(),
            iat: seconds_since_1970(now),
            exp: seconds_since_1970(now + ttl),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key).map_err(|_| IdentityError::Cryptography)
    }

    /// The public key (SPKI PEM) that verifies this signer's tokens.
    pub fn verifying_key_pem(&self) -> &str {
        &self.verifying_key_pem
    }

    /// The id that this signer's tokens name their key by.
    pub fn key_id(&self) -> &str {
        self.header.kid.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TokenSigner").field("key_id", &self.key_id()).finish_non_exhaustive()
    }
}
