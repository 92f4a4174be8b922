//! Links by which a message lets its reader acknowledge or resolve: signed for one incident, one deed and one reader,
//! good for a while. Whether a link was used before is for the service to remember, by its seal.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

/// What tells these signatures apart from all others made with the same key.
const PURPOSE: &str = "larder-oncall-link-v1";
/// Bytes a key must have at least.
const KEY_MIN: usize = 32;
/// Characters a link may have; a longer one is not looked at.
const LINK_MAX: usize = 1500;

/// What a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkDeed {
    /// Acknowledges the incident.
    Acknowledge,
    /// Resolves it.
    Resolve,
}

impl LinkDeed {
    /// As a person reads it, and as links have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }
}

/// What a link says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LinkClaims {
    /// Whose incident.
    pub tenant_id: String,
    /// Which incident.
    pub incident_id: String,
    /// What is done.
    pub deed: LinkDeed,
    /// For whom the link was made, who is said to have done it.
    pub recipient: String,
    /// Until before when it is good, in whole seconds.
    pub expires_at: Timestamp,
}

/// A link whose signature is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedLink {
    /// What it says.
    pub claims: LinkClaims,
    /// What tells it apart from every other link. The service keeps those that were used, so that each acts once.
    pub seal: String,
}

/// Why a link is refused. A reader is told no more than that it is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefused {
    /// It is no link of ours.
    #[error("the link is not complete")]
    Malformed,
    /// The key it names is not there, or not any more.
    #[error("the link is signed with a key that is not known")]
    UnknownKey,
    /// It was changed, or made by somebody else.
    #[error("the link's signature is wrong")]
    BadSignature,
    /// It is too old.
    #[error("the link has expired")]
    Expired,
}

/// A key that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Too short to be secret.
    #[error("the key {kid:?} has {length} bytes; accepted: {KEY_MIN} or more")]
    TooShort {
        /// The key's name.
        kid: String,
        /// Its bytes.
        length: usize,
    },
    /// The name does not fit a link.
    #[error("the key's name {0:?} is refused; accepted: letters, digits, - and _")]
    Name(String),
    /// There is none.
    #[error("there is no key; accepted: at least one")]
    None,
}

/// The keys that sign links, by their names. New links are signed with the first, and those signed with any other are
/// good until they expire: so a key is replaced by putting a new one before it, and dropped when its links are old.
#[derive(Clone)]
pub struct LinkKeys {
    keys: Vec<(String, hmac::Key)>,
}

/// Names of keys alone; secrets are not shown.
impl fmt::Debug for LinkKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.keys.iter().map(|(kid, _)| kid)).finish()
    }
}

impl LinkKeys {
    /// From names and secrets, the one to sign with first.
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn new<'k>(keys: impl IntoIterator<Item = (&'k str, &'k [u8])>) -> Result<Self, InvalidKey> {
        let mut found = Vec::new();
        for (kid, secret) in keys {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if kid.is_empty() || !kid.bytes().all(good) {
                return Err(InvalidKey::Name(kid.to_owned()));
            }
            if secret.len() < KEY_MIN {
                return Err(InvalidKey::TooShort { kid: kid.to_owned(), length: secret.len() });
            }
            found.push((kid.to_owned(), hmac::Key::new(hmac::HMAC_SHA256, secret)));
        }
        if found.is_empty() { Err(InvalidKey::None) } else { Ok(Self { keys: found }) }
    }

    /// The path of a link, `/a/{tenant}/{incident}/{deed}/{recipient}/{expiry}/{kid}.{signature}`, to be put behind
    /// the service's address. Whatever the ids hold, they stay within their part of the path.
    pub fn sign(&self, claims: &LinkClaims) -> String {
        let path = unsigned_path(claims);
        let Some((kid, key)) = self.keys.first() else { return path };
        let signature = hmac::sign(key, &signed_bytes(&path, kid));
        format!("{path}/{kid}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Reads a link. The signature is compared in constant time, and before anything else of the link is believed.
    ///
    /// # Errors
    /// [`LinkRefused`].
    pub fn verify(&self, path: &str, now: Timestamp) -> Result<VerifiedLink, LinkRefused> {
        if path.len() > LINK_MAX {
            return Err(LinkRefused::Malformed);
        }
        let (path, seal) = path.rsplit_once('/').ok_or(LinkRefused::Malformed)?;
        let (kid, signature) = seal.split_once('.').ok_or(LinkRefused::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| LinkRefused::Malformed)?;
        let key = self.keys.iter().find(|(known, _)| known == kid).ok_or(LinkRefused::UnknownKey)?;
        hmac::verify(&key.1, &signed_bytes(path, kid), &signature).map_err(|_| LinkRefused::BadSignature)?;
        let claims = read_path(path).ok_or(LinkRefused::Malformed)?;
        if claims.expires_at <= now {
            return Err(LinkRefused::Expired);
        }
        Ok(VerifiedLink { claims, seal: seal.to_owned() })
    }
}

fn signed_bytes(path: &str, kid: &str) -> Vec<u8> {
    format!("{PURPOSE}\n{kid}\n{path}").into_bytes()
}

fn unsigned_path(claims: &LinkClaims) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!(
        "/a/{}/{}/{}/{}/{}",
        part(&claims.tenant_id),
        part(&claims.incident_id),
        claims.deed.word(),
        part(&claims.recipient),
        claims.expires_at.as_second()
    )
}

fn read_path(path: &str) -> Option<LinkClaims> {
    let parts: Vec<&str> = path.strip_prefix("/a/")?.split('/').collect();
    let [tenant_id, incident_id, deed, recipient, expires_at] = <[&str; 5]>::try_from(parts).ok()?;
    let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let deed = [LinkDeed::Acknowledge, LinkDeed::Resolve].into_iter().find(|known| known.word() == deed)?;
    Some(LinkClaims {
        tenant_id: text(tenant_id)?,
        incident_id: text(incident_id)?,
        deed,
        recipient: text(recipient)?,
        expires_at: Timestamp::from_second(expires_at.parse().ok()?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + seconds).expect("an instant")
    }

    fn claims() -> LinkClaims {
        LinkClaims {
            tenant_id: "demo".into(),
            incident_id: "019aa0c3-7d1c-7000-8000-000000000000".into(),
            deed: LinkDeed::Acknowledge,
            recipient: "ana@example.org/../x?y#z".into(),
            expires_at: at(3600),
        }
    }

    fn keys(names: &[&str]) -> LinkKeys {
        let secrets: Vec<[u8; 32]> = names.iter().map(|name| [name.as_bytes()[0]; 32]).collect();
        LinkKeys::new(names.iter().copied().zip(secrets.iter().map(<[u8; 32]>::as_slice))).expect("good keys")
    }

    #[test]
    fn a_link_is_read_back_until_it_expires() {
        let keys = keys(&["a"]);
        let path = keys.sign(&claims());
        assert!(path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte)), "{path}");
        assert_eq!(keys.verify(&path, at(3599)).expect("good").claims, claims());
        assert_eq!(keys.verify(&path, at(3600)), Err(LinkRefused::Expired));
    }

    #[test]
    fn no_part_of_it_can_be_changed() {
        let keys = keys(&["a", "b"]);
        let path = keys.sign(&claims());
        for (at_byte, _) in path.char_indices() {
            for other in ["A", "b", "0", "/", "."] {
                let mut changed = path.clone();
                changed.replace_range(at_byte..=at_byte, other);
                if changed != path {
                    assert!(keys.verify(&changed, at(0)).is_err(), "{changed}");
                }
            }
        }
        let resolve = path.replace("acknowledge", "resolve");
        assert_eq!(keys.verify(&resolve, at(0)), Err(LinkRefused::BadSignature));
        for nonsense in ["", "/", "/a/x", "a.b", "/a/b.c", &"x/".repeat(5000)] {
            assert!(keys.verify(nonsense, at(0)).is_err());
        }
    }

    #[test]
    fn keys_are_replaced_without_breaking_the_links_that_are_out() {
        let path = keys(&["a"]).sign(&claims());
        let both = keys(&["b", "a"]);
        assert!(both.verify(&path, at(0)).is_ok());
        assert!(both.sign(&claims()).contains("/b."), "new ones are signed with the first");
        assert_eq!(keys(&["b"]).verify(&path, at(0)), Err(LinkRefused::UnknownKey));
        let forged = keys(&["b"]).sign(&claims()).replace("/b.", "/a.");
        assert_eq!(both.verify(&forged, at(0)), Err(LinkRefused::BadSignature));
    }

    #[test]
    fn two_links_have_two_seals() {
        let keys = keys(&["a"]);
        let seal = |claims: &LinkClaims| keys.verify(&keys.sign(claims), at(0)).expect("good").seal;
        assert_eq!(seal(&claims()), seal(&claims()));
        let other = LinkClaims { recipient: "ben".into(), ..claims() };
        assert_ne!(seal(&claims()), seal(&other));
    }

    #[test]
    fn weak_keys_are_refused_and_none_is_shown() {
        assert!(matches!(LinkKeys::new([("a", &[0_u8; 31][..])]), Err(InvalidKey::TooShort { .. })));
        assert!(matches!(LinkKeys::new([("a.b", &[0_u8; 32][..])]), Err(InvalidKey::Name(_))));
        assert!(matches!(LinkKeys::new([]), Err(InvalidKey::None)));
        assert_eq!(format!("{:?}", keys(&["a", "b"])), r#"["a", "b"]"#);
    }
}
