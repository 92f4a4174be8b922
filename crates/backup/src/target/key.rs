//! Names of objects: parts of plain characters between slashes, so that one name means the same
//! on every target and none leads out of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of an object, such as `larder/backups/20261123T064000Z-7f3a/manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ObjectKey(String);

/// A name that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of an object: accepted are up to 512 of A-Z, a-z, 0-9, `.`, `_`, `-`, in parts between \
     slashes that do not begin with a dot"
)]
pub struct RefusedKey(pub String);

impl ObjectKey {
    /// The same name with one more part.
    ///
    /// # Errors
    /// [`RefusedKey`] when the part has other characters.
    pub fn join(&self, part: &str) -> Result<Self, RefusedKey> {
        format!("{}/{part}", self.0).parse()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the last slash.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl FromStr for ObjectKey {
    type Err = RefusedKey;

    fn from_str(text: &str) -> Result<Self, RefusedKey> {
        let fits = text.len() <= 512 && text.split('/').all(is_part);
        if fits { Ok(Self(text.to_owned())) } else { Err(RefusedKey(text.to_owned())) }
    }
}

fn is_part(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> Self {
        key.0
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = RefusedKey;

    fn try_from(text: String) -> Result<Self, RefusedKey> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_out_of_its_target() {
        for name in ["", "/", "a//b", "../a", "a/../b", "a/.hidden", "/etc/passwd", "a/", "ä", "a b", "a\0b"]
        {
            assert!(name.parse::<ObjectKey>().is_err(), "{name:?}");
        }
        let key: ObjectKey = "larder/backups".parse().unwrap();
        assert_eq!(key.join("base-1.tar.zst").unwrap().as_str(), "larder/backups/base-1.tar.zst");
        assert!(key.join("..").is_err());
    }
}
