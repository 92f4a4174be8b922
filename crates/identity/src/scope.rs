//! What a caller may do. Every RPC of the contract names the one scope it needs; a caller holds
//! a set of them, and `*` stands for all.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::IdentityError;

const EVERYTHING: &str = "*";
const LONGEST: usize = 64;

/// One scope, as in `catalog.read`, or `*` for everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(String);

impl Scope {
    /// Parses a scope.
    ///
    /// # Errors
    /// [`IdentityError::InvalidScope`] for anything but 1 to 64 characters of `a-z`, `0-9`, `_`,
    /// `-` and `.`, or `*` alone.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        let named = !text.is_empty() && text.len() <= LONGEST && text.bytes().all(allowed);
        if named || text == EVERYTHING { Ok(Self(text.to_owned())) } else { Err(IdentityError::InvalidScope) }
    }

    /// The scope as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Scope {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}

/// A set of scopes, written as one text with spaces between them. Cloning is cheap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scopes(Arc<BTreeSet<Scope>>);

impl Scopes {
    /// Every scope there is.
    pub fn all() -> Self {
        Self::from_iter([Scope(EVERYTHING.to_owned())])
    }

    /// Parses scopes with spaces between them.
    ///
    /// # Errors
    /// [`IdentityError::InvalidScope`] when one of them is none.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        text.split_ascii_whitespace().map(Scope::parse).collect()
    }

    /// Tells whether the scope is granted, by itself or by `*`.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|granted| granted.as_str() == scope || granted.as_str() == EVERYTHING)
    }

    /// The first of `others` that is not granted here: nobody hands out what they lack.
    pub fn first_missing<'a>(&self, others: &'a Scopes) -> Option<&'a Scope> {
        others.iter().find(|scope| !self.contains(scope.as_str()))
    }

    /// These and the others together.
    #[must_use]
    pub fn union(&self, others: &Scopes) -> Self {
        self.iter().chain(others.iter()).cloned().collect()
    }

    /// Tells whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(Arc::new(scopes.into_iter().collect()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.iter().enumerate() {
            let separator = if position == 0 { "" } else { " " };
            write!(formatter, "{separator}{scope}")?;
        }
        Ok(())
    }
}

impl FromStr for Scopes {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Scopes {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_grants_everything_and_a_name_grants_itself() {
        assert!(Scopes::all().contains("models.write"));
        let reader = Scopes::parse("catalog.read recommendations.read").unwrap();
        assert!(reader.contains("catalog.read"));
        assert!(!reader.contains("catalog.write"));
        assert!(!reader.contains("catalog"));
        assert!(!reader.contains("*"));
        assert!(!Scopes::default().contains("catalog.read"));
    }

    #[test]
    fn nobody_holds_everything_but_a_star() {
        let reader = Scopes::parse("catalog.read models.read").unwrap();
        let wanted = Scopes::parse("catalog.read catalog.write").unwrap();
        assert_eq!(reader.first_missing(&wanted).unwrap().as_str(), "catalog.write");
        assert_eq!(Scopes::all().first_missing(&wanted), None);
        assert_eq!(reader.union(&wanted).first_missing(&Scopes::all()).unwrap().as_str(), "*");
        assert_eq!(reader.union(&wanted).first_missing(&wanted), None);
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        let too_long = "a".repeat(65);
        for text in ["Catalog.read", "catalog,read", "catalog.*", "**", too_long.as_str()] {
            assert!(Scopes::parse(text).is_err(), "{text}");
        }
        assert!(Scopes::parse("  ").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn writing_and_parsing_scopes_changes_nothing(names in proptest::collection::vec("[a-z]{1,8}\\.[a-z]{1,8}", 0..6)) {
            let scopes: Scopes = names.iter().map(|name| Scope::parse(name).unwrap()).collect();
            prop_assert_eq!(Scopes::parse(&scopes.to_string()).unwrap(), scopes);
        }
    }
}
