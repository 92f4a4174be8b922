//! The tenant's id, a slug that never changes. Parsed once, at the porch; everything behind it
//! may rely on its form.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::IdentityError;

const LONGEST: usize = 63;
const DEMO: &str = "demo";

/// The id of a tenant: 1 to 63 characters of `a-z`, `0-9` and `-` that do not start with `-`.
/// Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// Parses a tenant's id.
    ///
    /// # Errors
    /// [`IdentityError::InvalidTenant`] for anything that is no slug.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        if is_slug(text) { Ok(Self(text.into())) } else { Err(IdentityError::InvalidTenant) }
    }

    /// The tenant of the demo shop, and of anonymous callers in development.
    pub fn demo() -> Self {
        Self(DEMO.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_slug(text: &str) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= LONGEST
        && text.as_bytes().first().is_some_and(allowed)
        && text.as_bytes().iter().all(|byte| allowed(byte) || *byte == b'-')
}

impl fmt::Display for TenantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for TenantId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for TenantId {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_slugs_are_tenants() {
        let longest = "a".repeat(63);
        for slug in ["demo", "a", "0", "corner-shop-7", "a-", longest.as_str()] {
            assert_eq!(TenantId::parse(slug).unwrap().as_str(), slug);
        }
        let too_long = "a".repeat(64);
        for text in ["", "-a", "A", "corner shop", "a_b", "a.b", "é", "a\n", "demo'", too_long.as_str()] {
            assert!(TenantId::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn reading_a_tenant_from_json_checks_it() {
        assert_eq!(serde_json::from_str::<TenantId>("\"demo\"").unwrap(), TenantId::demo());
        assert!(serde_json::from_str::<TenantId>("\"De mo\"").is_err());
    }

    proptest! {
        #[test]
        fn what_is_parsed_is_shown_unchanged(slug in "[a-z0-9][a-z0-9-]{0,62}") {
            prop_assert_eq!(TenantId::parse(&slug).unwrap().to_string(), slug);
        }
    }
}
