//! Page tokens: where the next page starts, authenticated and bound to the list and its filters, so
//! that no token of another list is ever believed.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::BackupError;

const TAG_BYTES: usize = 16;

/// Makes and believes page tokens of one list.
#[derive(Clone)]
pub(crate) struct PageTokens {
    key: hmac::Key,
}

impl PageTokens {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// The token that starts a page behind `place`, in the list with these filters.
    pub(crate) fn issue(&self, filters: &str, place: &str) -> String {
        let mut bytes = self.tag(filters, place).to_vec();
        bytes.extend_from_slice(place.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place a token stands for; an empty token is the start of the list.
    pub(crate) fn read(&self, filters: &str, token: &str) -> Result<Option<String>, BackupError> {
        if token.is_empty() {
            return Ok(None);
        }
        let refused = || BackupError::Invalid {
            field: "page_token",
            description: "must be the next_page_token of the page before, with the same filters".to_owned(),
        };
        self.open(filters, token).map(Some).ok_or_else(refused)
    }

    fn open(&self, filters: &str, token: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (tag, place) = bytes.split_at_checked(TAG_BYTES)?;
        let place = std::str::from_utf8(place).ok()?;
        aws_lc_rs::constant_time::verify_slices_are_equal(tag, &self.tag(filters, place)).ok()?;
        Some(place.to_owned())
    }

    fn tag(&self, filters: &str, place: &str) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in ["backups", filters, place] {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part.as_bytes());
        }
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&context.sign().as_ref()[..TAG_BYTES]);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_only_what_it_was_made_for() {
        let tokens = PageTokens::new(&[7; 32]);
        let token = tokens.issue("folder", "20261123T064000Z-7f3a9c01@folder");
        let place = tokens.read("folder", &token).unwrap();
        assert_eq!(place.as_deref(), Some("20261123T064000Z-7f3a9c01@folder"));
        assert!(tokens.read("", &token).is_err());
        assert!(PageTokens::new(&[8; 32]).read("folder", &token).is_err());
        for rubbish in ["x", "AAAA", "20261123T064000Z-7f3a9c01@folder"] {
            assert!(tokens.read("", rubbish).unwrap_err().to_string().starts_with("page_token: "));
        }
    }
}
