//! How secrets are written: never. A secret text becomes `<redacted>`; a secret url keeps the
//! parts that an operator needs to recognise it and loses everything that could open a door.

use url::Url;

/// What stands where a secret would.
pub const REDACTED: &str = "<redacted>";

/// Query parameters of connection urls that tell nothing secret.
const HARMLESS_PARAMETERS: [&str; 5] = ["application_name", "dbname", "db", "host", "sslmode"];

/// For secrets of which nothing may be shown.
pub(crate) mod text {
    use secrecy::SecretString;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        secret: &Option<SecretString>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match secret {
            Some(_) => serializer.serialize_some(super::REDACTED),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SecretString>, D::Error> {
        Option::<SecretString>::deserialize(deserializer)
    }
}

/// For urls that may carry a password.
pub(crate) mod connection {
    use secrecy::{ExposeSecret, SecretString};
    use serde::Serializer;

    pub(crate) use super::text::deserialize;

    pub(crate) fn serialize<S: Serializer>(
        secret: &Option<SecretString>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match secret {
            Some(secret) => serializer.serialize_some(&super::mask_url(secret.expose_secret())),
            None => serializer.serialize_none(),
        }
    }
}

/// Writes `text` without its password, and for anything but PostgreSQL without its user name,
/// which may be a token. A url that looks as if a password had not been percent-encoded, and so
/// had spilled into other parts, is not shown at all.
pub(crate) fn mask_url(text: &str) -> String {
    let Ok(url) = Url::parse(text) else { return REDACTED.to_owned() };
    let after_authority = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    if url.fragment().is_some() || url.cannot_be_a_base() || after_authority.contains('@') {
        return REDACTED.to_owned();
    }
    let mut masked = format!("{}://", url.scheme());
    push_user(&mut masked, &url);
    masked.push_str(url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        masked.push_str(&format!(":{port}"));
    }
    masked.push_str(url.path());
    push_parameters(&mut masked, &url);
    masked
}

fn push_user(masked: &mut String, url: &Url) {
    if url.username().is_empty() && url.password().is_none() {
        return;
    }
    let named = url.scheme().starts_with("postgres");
    masked.push_str(if named || url.username().is_empty() { url.username() } else { REDACTED });
    if url.password().is_some() {
        masked.push(':');
        masked.push_str(REDACTED);
    }
    masked.push('@');
}

fn push_parameters(masked: &mut String, url: &Url) {
    for (position, (name, value)) in url.query_pairs().enumerate() {
        masked.push(if position == 0 { '?' } else { '&' });
        let shown = if HARMLESS_PARAMETERS.contains(&name.as_ref()) { value.as_ref() } else { REDACTED };
        masked.push_str(&format!("{name}={shown}"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_masked_url_keeps_what_identifies_it() {
        let masked =
            mask_url("postgres://larder:hunter2@db.example.com:5433/larder?sslmode=require&password=x");
        assert_eq!(
            masked,
            "postgres://larder:<redacted>@db.example.com:5433/larder?sslmode=require&password=<redacted>"
        );
        assert_eq!(mask_url("postgres:///larder?host=/run/pg"), "postgres:///larder?host=/run/pg");
        assert_eq!(mask_url("redis://:hunter2@cache/0"), "redis://:<redacted>@cache/0");
        assert_eq!(mask_url("https://token@errors.example.com/7"), "https://<redacted>@errors.example.com/7");
    }

    #[test]
    fn a_password_with_unescaped_delimiters_shows_nothing() {
        for password in ["pa/ss", "12/ss", "12?ss", "12#ss", "pa#ss", "pa?ss", "p@ss/word"] {
            let masked = mask_url(&format!("postgres://larder:{password}@db/larder"));
            assert!(!masked.contains("ss"), "{password} became {masked}");
        }
    }

    proptest! {
        #[test]
        fn no_password_survives_masking(password in "[!-~]{6,40}") {
            let masked = mask_url(&format!("postgres://u:{password}@h/d"));
            prop_assert!(!masked.contains(&password), "{masked}");
            prop_assert!(password.len() < 12 || !masked.contains(&password[..6]), "{masked}");
        }
    }
}
