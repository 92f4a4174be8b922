//! Links in messages that act: who may do what to which incident until when, signed. Opening one only
//! asks; a mail scanner that opens everything acknowledges nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use larder_identity::TenantId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::signing::SigningKeys;

const PURPOSE: &str = "link";

/// What a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Acknowledge,
    Resolve,
}

impl Action {
    /// As a person reads it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }
}

/// Everything a link says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) tenant: TenantId,
    pub(crate) incident_id: Uuid,
    pub(crate) action: Action,
    /// To whom the message went that carries it.
    pub(crate) recipient: String,
    pub(crate) expires_at_s: i64,
}

/// Why a link is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkRefusal {
    #[error("this link was not made here, or is not complete")]
    Forged,
    #[error("this link has run out; open the incident instead")]
    Expired,
}

impl Link {
    /// The last part of its address: the claims and the signature.
    pub(crate) fn sign(&self, keys: &SigningKeys) -> String {
        let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default());
        format!("{claims}.{}", keys.sign(PURPOSE, &[&claims]))
    }

    /// Believes a link that was signed here and has not run out.
    pub(crate) fn read(text: &str, keys: &SigningKeys, now_us: i64) -> Result<Self, LinkRefusal> {
        let (claims, signature) = text.split_once('.').ok_or(LinkRefusal::Forged)?;
        if !keys.is_signed(PURPOSE, &[claims], signature) {
            return Err(LinkRefusal::Forged);
        }
        let bytes = URL_SAFE_NO_PAD.decode(claims).map_err(|_| LinkRefusal::Forged)?;
        let link: Self = serde_json::from_slice(&bytes).map_err(|_| LinkRefusal::Forged)?;
        if now_us / 1_000_000 > link.expires_at_s { Err(LinkRefusal::Expired) } else { Ok(link) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_here_is_believed_and_not_for_ever() {
        let keys = SigningKeys::parse("a secret of more than 32 characters").unwrap();
        let link = Link {
            tenant: TenantId::demo(),
            incident_id: Uuid::from_u128(7),
            action: Action::Acknowledge,
            recipient: "ann@example.org".into(),
            expires_at_s: 100,
        };
        let text = link.sign(&keys);
        assert_eq!(Link::read(&text, &keys, 100_000_000), Ok(link.clone()));
        assert_eq!(Link::read(&text, &keys, 101_000_000), Err(LinkRefusal::Expired));
        let other = Link { action: Action::Resolve, ..link }.sign(&keys);
        let mixed = format!("{}.{}", other.split_once('.').unwrap().0, text.split_once('.').unwrap().1);
        let strange = SigningKeys::parse("another secret of more than 32 characters").unwrap();
        for forged in [mixed.as_str(), "", "a.b.c", &text[1..]] {
            assert_eq!(Link::read(forged, &keys, 1), Err(LinkRefusal::Forged), "{forged}");
        }
        assert_eq!(Link::read(&text, &strange, 1), Err(LinkRefusal::Forged));
    }
}
