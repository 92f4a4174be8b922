//! Page tokens: where the next page starts, authenticated and bound to the tenant, the
//! list and its filters, so that no token of another list or tenant is ever believed.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::TenantId;

const DEFAULT_SIZE: i64 = 50;
const MOST: i32 = 1_000;
const TAG_BYTES: usize = 16;

/// A page was asked for that there cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {description}")]
pub struct InvalidPage {
    /// The field of the request.
    pub field: &'static str,
    /// What it must be.
    pub description: String,
}

/// Makes and believes page tokens.
#[derive(Debug, Clone)]
pub struct PageTokens {
    key: hmac::Key,
}

/// What a token belongs to: one list, with its filters, of one tenant.
pub struct PageOf<'a> {
    /// Whose list it is.
    pub tenant: &'a TenantId,
    /// The name of the list.
    pub list: &'static str,
    /// The filters in any form that differs when they differ.
    pub filters: String,
}

impl PageTokens {
    /// Tokens that whoever has the same key believes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// The token that starts a page after `place`.
    pub fn issue(&self, of: &PageOf<'_>, place: &str) -> String {
        let mut bytes = self.tag(of, place).to_vec();
        bytes.extend_from_slice(place.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place a token stands for; an empty token is the start of the list.
    ///
    /// # Errors
    /// A token that was not issued for this list, these filters and this tenant.
    pub fn read(&self, of: &PageOf<'_>, token: &str) -> Result<Option<String>, InvalidPage> {
        if token.is_empty() {
            return Ok(None);
        }
        self.open(of, token).map(Some).ok_or_else(|| InvalidPage {
            field: "page_token",
            description: "must be the next_page_token of the page before, with the same filters".to_owned(),
        })
    }

    fn open(&self, of: &PageOf<'_>, token: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (tag, place) = bytes.split_at_checked(TAG_BYTES)?;
        let place = std::str::from_utf8(place).ok()?;
        let expected = self.tag(of, place);
        aws_lc_rs::constant_time::verify_slices_are_equal(tag, &expected).ok()?;
        Some(place.to_owned())
    }

    fn tag(&self, of: &PageOf<'_>, place: &str) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [of.tenant.as_str(), of.list, &of.filters, place] {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part.as_bytes());
        }
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&context.sign().as_ref()[..TAG_BYTES]);
        tag
    }
}

/// The size of a page: 0 means 50.
///
/// # Errors
/// A negative size, or one above 1,000.
pub fn size(page_size: i32) -> Result<i64, InvalidPage> {
    match page_size {
        0 => Ok(DEFAULT_SIZE),
        1..=MOST => Ok(page_size.into()),
        _ => Err(InvalidPage {
            field: "page_size",
            description: format!("must be from 1 to {MOST}, or 0 for {DEFAULT_SIZE}"),
        }),
    }
}

/// Cuts the row that was read beyond the page and tells the place of the last row kept,
/// when there is more to come.
pub fn cut<T>(rows: &mut Vec<T>, size: i64, place: impl Fn(&T) -> String) -> Option<String> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if rows.len() <= size {
        return None;
    }
    rows.truncate(size);
    rows.last().map(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    fn of<'a>(tenant: &'a TenantId, filters: &str) -> PageOf<'a> {
        PageOf { tenant, list: "products", filters: filters.to_owned() }
    }

    #[test]
    fn a_token_opens_only_what_it_was_made_for() {
        let tokens = PageTokens::new(&[7; 32]);
        let (mine, other) = (tenant("mine"), tenant("other"));
        let token = tokens.issue(&of(&mine, "a"), "p-17");
        assert_eq!(tokens.read(&of(&mine, "a"), &token).unwrap().as_deref(), Some("p-17"));
        assert!(tokens.read(&of(&other, "a"), &token).is_err());
        assert!(tokens.read(&of(&mine, "b"), &token).is_err());
        assert!(tokens.read(&PageOf { list: "budgets", ..of(&mine, "a") }, &token).is_err());
        assert!(PageTokens::new(&[8; 32]).read(&of(&mine, "a"), &token).is_err());
    }

    #[test]
    fn rubbish_is_refused_by_name() {
        let tokens = PageTokens::new(&[7; 32]);
        for rubbish in ["x", "AAAA", "%%%", &"A".repeat(4_000)] {
            let error = tokens.read(&of(&tenant("mine"), ""), rubbish).unwrap_err();
            assert!(error.to_string().starts_with("page_token: "));
        }
    }

    #[test]
    fn a_page_is_cut_only_when_there_is_more() {
        let mut rows = vec![1, 2, 3];
        assert_eq!(cut(&mut rows, 2, ToString::to_string).as_deref(), Some("2"));
        assert_eq!(cut(&mut rows, 2, ToString::to_string), None);
        assert_eq!(rows, [1, 2]);
    }
}
