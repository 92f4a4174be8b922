//! Tenants' tokens at rest: sealed with AES-256-GCM-SIV (RFC 8452), bound to the tenant and the purpose, and marked
//! with the key they were sealed with, so that keys can be exchanged while everything runs.
//!
//! GCM-SIV, because nonces are drawn by chance and a repeated one must not open anything.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// What every sealed text begins with; another way of sealing gets another number.
const FORMAT: &str = "v1";
const KEY_BYTES: usize = 32;
const KEY_ID_LENGTH: usize = 64;

/// Whose secret it is and what it is for. A sealed text opens for these alone: one tenant's token put in another
/// tenant's row is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretOwner<'a> {
    /// The tenant's slug.
    pub tenant: &'a str,
    /// What it is for, such as `square.tokens`.
    pub purpose: &'a str,
}

/// Why something cannot be sealed or opened. Says nothing of the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// A key that is none.
    #[error(
        "the key `{id}` cannot be used; accepted are 32 bytes in base64 under an id of letters, digits, - and _"
    )]
    Key {
        /// The key's id.
        id: String,
    },
    /// Two keys under one id, or none at all.
    #[error("the ring wants at least one key, and each id once")]
    Ring,
    /// Not of the shape that [`KeyRing::seal`] makes.
    #[error("this is no sealed secret")]
    Malformed,
    /// Sealed with a key that is not in the ring.
    #[error("the secret was sealed with the key `{id}`, which is not in the ring")]
    UnknownKey {
        /// The missing key's id.
        id: String,
    },
    /// Changed since, or somebody else's.
    #[error("the secret does not open for this tenant and purpose")]
    DoesNotOpen,
    /// The system gave no random bytes, or the secret is longer than the cipher takes.
    #[error("the secret cannot be sealed now")]
    CannotSeal,
}

/// The keys: the first one seals, all of them open.
pub struct KeyRing {
    keys: Vec<SealingKey>,
}

struct SealingKey {
    id: String,
    key: LessSafeKey,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.keys.iter().map(|key| key.id.as_str()).collect();
        formatter.debug_struct("KeyRing").field("ids", &ids).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// A ring of keys, each an id and 32 bytes in base64; the first is the active one.
    ///
    /// # Errors
    /// [`SecretError::Key`] names a key that cannot be used; [`SecretError::Ring`] when there is none, or an id twice.
    pub fn new(keys: &[(String, SecretString)]) -> Result<Self, SecretError> {
        let keys = keys.iter().map(|(id, key)| SealingKey::new(id, key)).collect::<Result<Vec<_>, _>>()?;
        let twice =
            keys.iter().enumerate().any(|(at, key)| keys[..at].iter().any(|other| other.id == key.id));
        if keys.is_empty() || twice {
            return Err(SecretError::Ring);
        }
        Ok(Self { keys })
    }

    /// A ring written as `id:base64`, the active key first, separated by commas: what a setting or a file holds.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn parse(text: &SecretString) -> Result<Self, SecretError> {
        let keys =
            text.expose_secret().split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| {
                let (id, key) = part.split_once(':').ok_or(SecretError::Key { id: String::new() })?;
                Ok((id.trim().to_owned(), SecretString::from(key.trim())))
            });
        Self::new(&keys.collect::<Result<Vec<_>, _>>()?)
    }

    /// The id of the key that seals.
    pub fn active_id(&self) -> &str {
        &self.keys[0].id
    }

    /// Seals a secret, as text for a column: format, key id, and nonce with cipher text.
    ///
    /// # Errors
    /// [`SecretError::CannotSeal`].
    pub fn seal(&self, secret: &SecretString, owner: SecretOwner<'_>) -> Result<String, SecretError> {
        let key = &self.keys[0];
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| SecretError::CannotSeal)?;
        let mut sealed = secret.expose_secret().as_bytes().to_vec();
        key.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated(&key.id, owner)),
                &mut sealed,
            )
            .map_err(|_| SecretError::CannotSeal)?;
        let body = [nonce.as_slice(), &sealed].concat();
        Ok(format!("{FORMAT}.{}.{}", key.id, URL_SAFE_NO_PAD.encode(body)))
    }

    /// Opens a sealed secret with whichever key of the ring it names.
    ///
    /// # Errors
    /// [`SecretError`] says which key is missing, or that it does not open for this owner.
    pub fn open(&self, sealed: &str, owner: SecretOwner<'_>) -> Result<SecretString, SecretError> {
        let (id, body) = split(sealed)?;
        let key = self.keys.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| SecretError::UnknownKey { id: id.to_owned() })?;
        let mut body = URL_SAFE_NO_PAD.decode(body).map_err(|_| SecretError::Malformed)?;
        if body.len() < NONCE_LEN {
            return Err(SecretError::Malformed);
        }
        let mut sealed = body.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&body).map_err(|_| SecretError::Malformed)?;
        let aad = Aad::from(associated(id, owner));
        let plain = key.key.open_in_place(nonce, aad, &mut sealed).map_err(|_| SecretError::DoesNotOpen)?;
        String::from_utf8(plain.to_vec()).map(SecretString::from).map_err(|_| SecretError::DoesNotOpen)
    }

    /// Seals anew what an older key sealed; none when the active key did.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::seal`].
    pub fn re_encrypt(&self, sealed: &str, owner: SecretOwner<'_>) -> Result<Option<String>, SecretError> {
        let (id, _) = split(sealed)?;
        if id == self.active_id() {
            return Ok(None);
        }
        let plain = self.open(sealed, owner)?;
        self.seal(&plain, owner).map(Some)
    }
}

impl SealingKey {
    fn new(id: &str, key: &SecretString) -> Result<Self, SecretError> {
        let refuse = || SecretError::Key { id: id.chars().take(KEY_ID_LENGTH).collect() };
        let is_id = (1..=KEY_ID_LENGTH).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let bytes = STANDARD.decode(key.expose_secret().trim()).map_err(|_| refuse())?;
        if !is_id || bytes.len() != KEY_BYTES || bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(refuse());
        }
        let key = UnboundKey::new(&AES_256_GCM_SIV, &bytes).map_err(|_| refuse())?;
        Ok(Self { id: id.to_owned(), key: LessSafeKey::new(key) })
    }
}

/// A new key for a ring, 32 random bytes in base64.
///
/// # Errors
/// [`SecretError::CannotSeal`] when the system gives no random bytes.
pub fn generate_key() -> Result<SecretString, SecretError> {
    let mut bytes = [0; KEY_BYTES];
    rand::fill(&mut bytes).map_err(|_| SecretError::CannotSeal)?;
    Ok(STANDARD.encode(bytes).into())
}

/// The id of the key that sealed a text, to tell which rows are still to be sealed anew.
///
/// # Errors
/// [`SecretError::Malformed`].
pub fn key_id(sealed: &str) -> Result<&str, SecretError> {
    split(sealed).map(|(id, _)| id)
}

fn split(sealed: &str) -> Result<(&str, &str), SecretError> {
    let mut parts = sealed.splitn(3, '.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(FORMAT), Some(id), Some(body)) if !id.is_empty() => Ok((id, body)),
        _ => Err(SecretError::Malformed),
    }
}

/// What is authenticated beside the secret. Each part carries its length, so that no two owners read the same.
fn associated(key_id: &str, owner: SecretOwner<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in ["larder secret", FORMAT, key_id, owner.tenant, owner.purpose] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests;
