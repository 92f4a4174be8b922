//! Makes the SCRAM-SHA-256 verifier of a password on our side, so that the password itself is in
//! no statement and in no server log. Format and derivation: RFC 5802, RFC 7677, and PostgreSQL's
//! `pg_authid.rolpassword`.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::error::DatabaseError;

const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).expect("4096 is not zero");
const SALT_BYTES: usize = 16;
const MAX_PASSWORD_CHARS: usize = 128;

/// Returns what `ALTER ROLE … PASSWORD` takes instead of the password, under a fresh salt.
pub(crate) fn verifier(password: &SecretString) -> Result<String, DatabaseError> {
    let password = password.expose_secret();
    // Printable ASCII only: other text would have to go through SASLprep on both sides.
    let printable = password.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if password.is_empty() || password.len() > MAX_PASSWORD_CHARS || !printable {
        return Err(DatabaseError::RolePassword);
    }
    let mut salt = [0_u8; SALT_BYTES];
    rand::fill(&mut salt).map_err(|_| DatabaseError::RolePassword)?;
    Ok(verifier_with_salt(password, &salt))
}

fn verifier_with_salt(password: &str, salt: &[u8]) -> String {
    let mut salted = [0_u8; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, salt, password.as_bytes(), &mut salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let client_key = hmac::sign(&key, b"Client Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    let server_key = hmac::sign(&key, b"Server Key");
    format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored_key.as_ref()),
        STANDARD.encode(server_key.as_ref()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677 section 3: password `pencil` and this salt.
    #[test]
    fn agrees_with_the_example_of_the_standard() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        assert_eq!(
            verifier_with_salt("pencil", &salt),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
             WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn refuses_what_could_be_spelled_in_two_ways() {
        for password in ["", "naïve", "line\nbreak"] {
            assert!(verifier(&SecretString::from(password.to_owned())).is_err(), "{password:?}");
        }
    }
}
