//! Tokens of people, `<brand>_<secret>`: those of sessions, and those that set a password once. The secret is 256
//! bits of chance and is kept nowhere; what is stored, and found by, is its hash.

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::SecretString;

use crate::IdentityError;
use crate::api_key::{SECRET_CHARACTERS, is_base62, random_characters};

/// What a session's token begins with.
pub const SESSION_BRAND: &str = "lrs";
/// What a token begins with that sets a password.
pub const PASSWORD_BRAND: &str = "lrp";

/// A new token.
#[derive(Debug)]
pub struct GeneratedToken {
    /// The whole token, shown to its owner once.
    pub secret: SecretString,
    /// The SHA-256 of the whole token, to be stored.
    pub hash: [u8; 32],
}

/// Makes a new token of this brand.
///
/// # Errors
/// [`IdentityError::Cryptography`] when the system has no randomness to give.
pub fn generate(brand: &str) -> Result<GeneratedToken, IdentityError> {
    let token = format!("{brand}_{}", random_characters(SECRET_CHARACTERS)?);
    Ok(GeneratedToken { hash: hash(&token), secret: token.into() })
}

/// The hash by which a token that somebody sent is found; `None` when it has not the form of one of this brand.
pub fn hash_of(brand: &str, token: &str) -> Option<[u8; 32]> {
    let secret = token.strip_prefix(brand)?.strip_prefix('_')?;
    is_base62(secret, SECRET_CHARACTERS).then(|| hash(token))
}

fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash_and_only_as_what_it_is() {
        let made = generate(SESSION_BRAND).unwrap();
        let secret = made.secret.expose_secret();
        assert_eq!(hash_of(SESSION_BRAND, secret), Some(made.hash));
        assert_eq!(hash_of(PASSWORD_BRAND, secret), None, "a session does not set passwords");
        assert_eq!(hash_of(SESSION_BRAND, &secret[..secret.len() - 1]), None);
        assert_eq!(hash_of(SESSION_BRAND, &format!("{secret}a")), None);
        assert_ne!(generate(SESSION_BRAND).unwrap().hash, made.hash);
    }
}
