//! The correlation id: one name for everything a request causes, given by the caller or made here.
//! It is a label for people, never a credential and never a key of anything stored.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;

use crate::context::RequestContext;
use crate::names;

const LENGTH_MAX: usize = 128;

/// 1 to 128 characters of `[A-Za-z0-9._~-]`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CorrelationId(Arc<str>);

impl CorrelationId {
    /// A new one: UUIDv7, so that ids sort by time.
    pub fn generate() -> Self {
        let mut buffer = uuid::Uuid::encode_buffer();
        Self(Arc::from(&*uuid::Uuid::now_v7().hyphenated().encode_lower(&mut buffer)))
    }

    /// The text as an id, or `None` when it is empty, too long or has other characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= LENGTH_MAX;
        (fits && text.bytes().all(is_allowed)).then(|| Self(Arc::from(text)))
    }

    /// The id of the request that the current task works for.
    pub fn current() -> Option<Self> {
        RequestContext::with_current(|context| context.correlation_id().clone())
    }

    /// The caller's id when it is acceptable, else a new one.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        headers
            .get(names::CORRELATION_ID_HEADER)
            .and_then(|value| value.to_str().ok())
            .and_then(Self::parse)
            .unwrap_or_else(Self::generate)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as a header's value.
    pub fn header_value(&self) -> http::HeaderValue {
        http::HeaderValue::from_str(&self.0).expect("every allowed character may stand in a header")
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_ids_may_be_and_nothing_else() {
        assert!(CorrelationId::parse("order-7._~A").is_some());
        assert!(CorrelationId::parse(&"a".repeat(128)).is_some());
        for refused in ["", "a b", "a/b", "ä", "a\nb", &"a".repeat(129)] {
            assert_eq!(CorrelationId::parse(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn an_unacceptable_header_is_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(names::CORRELATION_ID_HEADER, http::HeaderValue::from_static("no spaces, please"));
        let made = CorrelationId::from_headers(&headers);
        assert_eq!(uuid::Uuid::parse_str(made.as_str()).unwrap().get_version_num(), 7);
    }
}
