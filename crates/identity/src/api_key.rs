//! API keys, `lrd_<prefix>_<secret>`. The prefix finds a key and is shown in lists; the secret
//! is 256 bits of chance and is kept nowhere. What is stored is a hash: with that much chance in
//! it, a fast one is as good as a slow one. The alphabet is base62, so that a double click
//! selects the whole secret and no shell needs quotes.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{constant_time, rand};
use secrecy::SecretString;

use crate::IdentityError;

const BRAND: &str = "lrd";
const PREFIX_CHARACTERS: usize = 8;
/// The fewest base62 characters with at least 256 bits of chance: 62^43 > 2^256.
pub(crate) const SECRET_CHARACTERS: usize = 43;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new key. The secret is shown to its owner once.
#[derive(Debug)]
pub struct GeneratedKey {
    /// The whole key as its owner sends it.
    pub secret: SecretString,
    /// The part that finds it and may be shown.
    pub prefix: String,
    /// The SHA-256 of the whole key, to be stored.
    pub hash: [u8; 32],
}

/// A key as a caller sent it, its secret already hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedKey {
    /// The part that finds the stored key.
    pub prefix: String,
    /// The SHA-256 of the whole key.
    pub hash: [u8; 32],
}

/// Makes a new key.
///
/// # Errors
/// [`IdentityError::Cryptography`] when the system has no randomness to give.
pub fn generate() -> Result<GeneratedKey, IdentityError> {
    let prefix = random_characters(PREFIX_CHARACTERS)?;
    let key = format!("{BRAND}_{prefix}_{}", random_characters(SECRET_CHARACTERS)?);
    Ok(GeneratedKey { hash: hash(&key), secret: key.into(), prefix })
}

/// Parses a key that a caller sent.
///
/// # Errors
/// [`IdentityError::InvalidApiKey`] when it has not the form of a key.
pub fn parse(key: &str) -> Result<ParsedKey, IdentityError> {
    let parts: Vec<&str> = key.split('_').collect();
    let [BRAND, prefix, secret] = parts.as_slice() else { return Err(IdentityError::InvalidApiKey) };
    if !is_base62(prefix, PREFIX_CHARACTERS) || !is_base62(secret, SECRET_CHARACTERS) {
        return Err(IdentityError::InvalidApiKey);
    }
    Ok(ParsedKey { prefix: (*prefix).to_owned(), hash: hash(key) })
}

impl ParsedKey {
    /// Tells whether this is the stored key, in a time that does not depend on where they differ.
    pub fn matches(&self, stored_hash: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.hash, stored_hash).is_ok()
    }
}

fn hash(key: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    hash
}

pub(crate) fn is_base62(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Draws bytes until enough of them fall below the largest multiple of 62, so that every
/// character is equally likely.
pub(crate) fn random_characters(count: usize) -> Result<String, IdentityError> {
    const FAIR_LIMIT: u8 = 248;
    let mut characters = String::with_capacity(count);
    while characters.len() < count {
        let mut bytes = [0; 64];
        rand::fill(&mut bytes).map_err(|_| IdentityError::Cryptography)?;
        let fair = bytes.iter().filter(|byte| **byte < FAIR_LIMIT);
        let drawn = fair.map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        characters.extend(drawn.take(count - characters.len()));
    }
    Ok(characters)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_generated_key_is_found_and_matched() {
        let generated = generate().unwrap();
        let parsed = parse(generated.secret.expose_secret()).unwrap();
        assert_eq!(parsed.prefix, generated.prefix);
        assert!(parsed.matches(&generated.hash));
    }

    #[test]
    fn another_secret_with_the_same_prefix_does_not_match() {
        let generated = generate().unwrap();
        let key = generated.secret.expose_secret();
        let last = key.chars().next_back().unwrap();
        let forged = format!("{}{}", &key[..key.len() - 1], if last == 'a' { 'b' } else { 'a' });
        let parsed = parse(&forged).unwrap();
        assert_eq!(parsed.prefix, generated.prefix);
        assert!(!parsed.matches(&generated.hash));
        assert!(!parsed.matches(&generated.hash[..31]));
    }

    #[test]
    fn keys_differ_and_do_not_show_their_secret() {
        let keys: Vec<GeneratedKey> = (0..200).map(|_| generate().unwrap()).collect();
        let distinct: HashSet<&str> = keys.iter().map(|key| key.secret.expose_secret()).collect();
        assert_eq!(distinct.len(), keys.len());
        for key in &keys {
            assert!(!format!("{key:?}").contains(&key.secret.expose_secret()[13..]));
        }
    }

    #[test]
    fn every_character_of_the_alphabet_is_drawn() {
        let drawn: HashSet<char> = random_characters(5_000).unwrap().chars().collect();
        assert_eq!(drawn.len(), ALPHABET.len());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let secret = "a".repeat(43);
        for text in [
            String::new(),
            "lrd".to_owned(),
            format!("lrd_abcdefgh_{}", "a".repeat(42)),
            format!("lrd_abcdefg_{secret}"),
            format!("LRD_abcdefgh_{secret}"),
            format!("lrd_abcdefg-_{secret}"),
            format!("lrd_abcdefgh_{secret}_"),
            format!("lrd_abcdefgh_{secret} "),
            format!("lrd_äbcdefg_{secret}"),
        ] {
            assert_eq!(parse(&text), Err(IdentityError::InvalidApiKey), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_anything_never_panics(text in ".{0,80}") {
            let _ = parse(&text);
        }
    }
}
