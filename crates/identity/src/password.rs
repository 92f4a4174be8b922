//! Passwords: what is accepted as one, and how it is stored. Hashing takes tens of milliseconds and 19 MiB by
//! design, so whoever serves requests does it off the async threads and only so many at once.
//!
//! Argon2id with m = 19 MiB, t = 2, p = 1, the first choice of OWASP's Password Storage Cheat Sheet; lengths by NIST
//! SP 800-63B-4, section 3.1.1.2: no rules of composition, no expiry, at least 64 characters allowed.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use aws_lc_rs::rand;

use crate::IdentityError;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
/// Longer than any that is typed or generated, and short enough to cost nothing.
const MOST_CHARACTERS: usize = 256;
/// What a password must not be made of alone, however often it is repeated.
const LEAST_DIFFERENT_CHARACTERS: usize = 5;
/// How a hash of the present parameters begins.
const PRESENT: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
/// A hash that no password has: what is compared with when there is no user, so that it takes as long.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmU$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Why a text is not accepted as a new password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too short or absurdly long.
    #[error("must have {least} to {MOST_CHARACTERS} characters; several words are easy to remember")]
    Length {
        /// The fewest that are accepted.
        least: usize,
    },
    /// The same few characters again and again.
    #[error("must have at least {LEAST_DIFFERENT_CHARACTERS} different characters")]
    Monotonous,
    /// It is or holds the user's own address.
    #[error("must not hold the address it belongs to")]
    Address,
}

/// Tells whether `password` may be the new password of the user with this address.
///
/// # Errors
/// What is wrong with it, in words for the person who chose it.
pub fn check(password: &str, email: &str, least: usize) -> Result<(), WeakPassword> {
    if !(least..=MOST_CHARACTERS).contains(&password.chars().count()) {
        return Err(WeakPassword::Length { least });
    }
    let lower = password.to_lowercase();
    let mut characters: Vec<char> = lower.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if characters.len() < LEAST_DIFFERENT_CHARACTERS {
        return Err(WeakPassword::Monotonous);
    }
    if lower.contains(&email.to_lowercase()) {
        return Err(WeakPassword::Address);
    }
    Ok(())
}

/// Hashes a password with a fresh salt, as a PHC string.
///
/// # Errors
/// [`IdentityError::Cryptography`] when there is no randomness or no memory.
pub fn hash(password: &str) -> Result<String, IdentityError> {
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt).map_err(|_| IdentityError::Cryptography)?;
    let hashed = argon2()?.hash_password_with_salt(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|_| IdentityError::Cryptography)
}

/// Tells whether `password` belongs to the stored hash. Without one it works as long and says no.
///
/// # Errors
/// [`IdentityError::Cryptography`] when there is no memory for it.
pub fn verify(password: &str, stored: Option<&str>) -> Result<bool, IdentityError> {
    let matches = argon2()?.verify_password(password.as_bytes(), stored.unwrap_or(NOBODYS)).is_ok();
    Ok(matches && stored.is_some())
}

/// Whether a stored hash has the present parameters; one that has not is made anew at the next sign-in.
pub fn is_present(stored: &str) -> bool {
    stored.starts_with(PRESENT)
}

fn argon2() -> Result<Argon2<'static>, IdentityError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| IdentityError::Cryptography)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_and_no_other() {
        let (one, other) = (hash("correct horse battery").unwrap(), hash("correct horse battery").unwrap());
        assert_ne!(one, other, "each has a salt of its own");
        assert!(is_present(&one), "{one}");
        assert!(verify("correct horse battery", Some(&one)).unwrap());
        assert!(!verify("correct horse batterz", Some(&one)).unwrap());
        assert!(!verify("correct horse battery", Some("no hash")).unwrap());
    }

    #[test]
    fn nobodys_hash_is_one_that_is_computed_and_never_matches() {
        use argon2::password_hash::phc::PasswordHash;
        let nobody = PasswordHash::new(NOBODYS).unwrap();
        assert_eq!(nobody.hash.unwrap().as_bytes().len(), 32, "as long as a real one");
        assert!(is_present(NOBODYS));
        assert!(!verify("nobody is here", None).unwrap());
    }

    #[test]
    fn hashes_of_other_parameters_match_and_are_told_apart() {
        let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        let old = cheap.hash_password_with_salt(b"correct horse battery", &[7; 16]).unwrap().to_string();
        assert!(verify("correct horse battery", Some(&old)).unwrap());
        assert!(!is_present(&old));
    }

    #[test]
    fn weak_passwords_are_refused_with_what_would_do() {
        let check = |password: &str| check(password, "Ann@shop.example", 15);
        assert_eq!(check("short"), Err(WeakPassword::Length { least: 15 }));
        assert!(check(&"x".repeat(257)).is_err());
        assert_eq!(check("abababababababababab"), Err(WeakPassword::Monotonous));
        assert_eq!(check("my ann@SHOP.example!"), Err(WeakPassword::Address));
        assert_eq!(check("vier Birnen im Korb"), Ok(()));
        assert_eq!(check(&"Zwölf Äpfel ".repeat(20)), Ok(()), "long ones are welcome");
    }
}
