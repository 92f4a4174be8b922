//! What this service signs: tokens of sources, and, with the same secrets, links in messages. The first key signs,
//! all are believed, so a key can be exchanged while what the old one signed still works.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use larder_identity::TenantId;
use larder_oncall::link::LinkKeys;

const TAG_BYTES: usize = 20;
const KEY_ID_BYTES: usize = 4;
const TOKEN_PREFIX: &str = "lri";

/// The keys in force, the one that signs in front; never empty.
#[derive(Clone)]
pub struct SigningKeys {
    keys: Vec<(String, hmac::Key)>,
    links: LinkKeys,
}

/// Secrets that are no keys.
#[derive(Debug, thiserror::Error)]
#[error("alerting.signing_keys: accepted are secrets of at least 32 characters, separated by commas")]
pub struct NoKeys;

/// What a token of a source allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenPower {
    /// To send alerts and signs of life, and to read alerts.
    Send,
    /// To make silences as well, as `amtool` does.
    Operate,
}

impl TokenPower {
    fn word(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Operate => "operate",
        }
    }
}

/// Who a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceIdentity {
    pub(crate) tenant: TenantId,
    pub(crate) source: String,
    pub(crate) power: TokenPower,
}

impl SigningKeys {
    /// Reads keys as the settings have them.
    ///
    /// # Errors
    /// [`NoKeys`] when there is none, or one is too short.
    pub fn parse(secrets: &str) -> Result<Self, NoKeys> {
        let keys: Vec<_> = secrets.split(',').map(str::trim).filter(|secret| !secret.is_empty()).collect();
        if keys.is_empty() || keys.iter().any(|secret| secret.chars().count() < 32) {
            return Err(NoKeys);
        }
        let named: Vec<(String, &str)> = keys
            .into_iter()
            .map(|secret| {
                let id = digest::digest(&digest::SHA256, format!("larder alerting key {secret}").as_bytes());
                (URL_SAFE_NO_PAD.encode(&id.as_ref()[..KEY_ID_BYTES]), secret)
            })
            .collect();
        let links = named.iter().map(|(id, secret)| (id.as_str(), secret.as_bytes()));
        let links = LinkKeys::new(links).map_err(|_| NoKeys)?;
        let key = |secret: &str| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Ok(Self { keys: named.iter().map(|(id, secret)| (id.clone(), key(secret))).collect(), links })
    }

    /// The keys of links in messages.
    pub(crate) fn links(&self) -> &LinkKeys {
        &self.links
    }

    /// Signs `parts` for one purpose: `key id.tag`.
    pub(crate) fn sign(&self, purpose: &str, parts: &[&str]) -> String {
        let (id, key) = &self.keys[0];
        format!("{id}.{}", URL_SAFE_NO_PAD.encode(tag(key, purpose, parts)))
    }

    /// Whether one of the keys has signed `parts` for this purpose.
    pub(crate) fn is_signed(&self, purpose: &str, parts: &[&str], signature: &str) -> bool {
        let Some((id, tag_text)) = signature.split_once('.') else { return false };
        let Ok(given) = URL_SAFE_NO_PAD.decode(tag_text) else { return false };
        let Some((_, key)) = self.keys.iter().find(|(known, _)| known == id) else { return false };
        constant_time::verify_slices_are_equal(&given, &tag(key, purpose, parts)).is_ok()
    }

    /// A token that names a tenant and a source: `lri.tenant.power.source.key id.tag`.
    #[must_use]
    pub fn source_token(&self, tenant: &TenantId, source: &str, power: TokenPower) -> String {
        let signature = self.sign("source", &[tenant.as_str(), power.word(), source]);
        format!("{TOKEN_PREFIX}.{tenant}.{}.{source}.{signature}", power.word())
    }

    /// Who showed this token; `None` when nobody did that we know.
    pub(crate) fn read_source_token(&self, token: &str) -> Option<SourceIdentity> {
        let parts: Vec<&str> = token.split('.').collect();
        let [TOKEN_PREFIX, tenant, word, source, key_id, tag] = parts.as_slice() else { return None };
        let power =
            [TokenPower::Send, TokenPower::Operate].into_iter().find(|power| power.word() == *word)?;
        if !self.is_signed("source", &[tenant, word, source], &format!("{key_id}.{tag}")) {
            return None;
        }
        Some(SourceIdentity { tenant: TenantId::parse(tenant).ok()?, source: (*source).to_owned(), power })
    }
}

fn tag(key: &hmac::Key, purpose: &str, parts: &[&str]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(key);
    for part in std::iter::once(&purpose).chain(parts) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    context.sign().as_ref()[..TAG_BYTES].to_vec()
}

/// Whether a name can stand in a token: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
#[must_use]
pub fn is_source_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "an old secret of more than 32 characters";
    const NEW: &str = "a new secret of more than 32 characters!";

    #[test]
    fn a_token_names_its_source_and_nothing_else() {
        let keys = SigningKeys::parse(OLD).unwrap();
        let tenant = TenantId::parse("bakery").unwrap();
        let token = keys.source_token(&tenant, "prometheus-1", TokenPower::Send);
        let who = keys.read_source_token(&token).unwrap();
        assert_eq!((who.tenant, who.source.as_str(), who.power), (tenant, "prometheus-1", TokenPower::Send));
        for forged in [
            token.replace("bakery", "butcher"),
            token.replace(".send.", ".operate."),
            token.replace("prometheus-1", "prometheus-2"),
            token.replace("lri.", "x."),
            token[..token.len() - 2].to_owned(),
            String::new(),
        ] {
            assert_eq!(keys.read_source_token(&forged), None, "{forged}");
        }
    }

    #[test]
    fn keys_are_exchanged_without_a_gap() {
        let old = SigningKeys::parse(OLD).unwrap();
        let both = SigningKeys::parse(&format!("{NEW}, {OLD}")).unwrap();
        let new = SigningKeys::parse(NEW).unwrap();
        let signature = old.sign("link", &["a", "b"]);
        assert!(both.is_signed("link", &["a", "b"], &signature));
        assert!(!new.is_signed("link", &["a", "b"], &signature));
        assert!(new.is_signed("link", &["a"], &both.sign("link", &["a"])));
        assert!(!old.is_signed("source", &["a", "b"], &signature), "one purpose is not another");
        assert!(!old.is_signed("link", &["ab", ""], &signature));
    }

    #[test]
    fn short_secrets_are_refused() {
        for secrets in ["", " , ", "short", &format!("{OLD},short")] {
            assert!(SigningKeys::parse(secrets).is_err(), "{secrets}");
        }
    }
}
