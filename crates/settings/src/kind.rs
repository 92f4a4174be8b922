//! Which values a setting accepts: one enum that reads the text of a variable, checks a value
//! from a file, and says in words what would be accepted.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;
use toml::Value;
use url::Url;

/// The kinds of settings.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Any text that is not empty.
    Text,
    /// A path of a file or folder.
    Path,
    /// An IP address with a port, to listen on.
    Address,
    /// An `http` or `https` url without credentials.
    Url,
    /// A secret of at least so many characters.
    Secret(usize),
    /// A url with one of these schemes that may carry a password.
    SecretUrl(&'static [&'static str]),
    /// A private key in PKCS#8 PEM.
    PrivateKey,
    /// Public keys in SPKI PEM.
    PublicKeys,
    /// Networks in CIDR form.
    Networks,
    /// Origins of web pages.
    Origins,
    /// Names of hosts that others can find.
    Hosts,
    /// A whole number in a range.
    Whole(RangeInclusive<i64>),
    /// A number in a range.
    Number(RangeInclusive<f64>),
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
}

const PRIVATE_KEY_LABELS: (&str, &str) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
const PUBLIC_KEY_LABELS: (&str, &str) = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----");

impl Kind {
    /// Tells whether values of this kind are secret.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::SecretUrl(_) | Self::PrivateKey)
    }

    /// Tells whether a refused value may be shown. A url is refused when it carries credentials.
    pub(crate) fn may_show(&self, given: &str) -> bool {
        match self {
            Self::Url => !given.contains('@'),
            _ => !self.is_secret(),
        }
    }

    /// Says in words what is accepted, to stand after "accepted is".
    pub(crate) fn accepted(&self) -> String {
        match self {
            Self::Text => "a text that is not empty".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Address => "an IP address with a port, like 127.0.0.1:8080 or [::]:8080".to_owned(),
            Self::Url => "an http or https url without credentials, like http://127.0.0.1:50051".to_owned(),
            Self::Secret(0 | 1) => "a secret that is not empty".to_owned(),
            Self::Secret(least) => format!("a secret of at least {least} characters"),
            Self::SecretUrl(schemes) => {
                format!("a url that starts with {}, its password percent-encoded", list(schemes, "://"))
            }
            Self::PrivateKey => format!("a private key in PKCS#8 PEM ({} …)", PRIVATE_KEY_LABELS.0),
            Self::PublicKeys => format!("public keys in SPKI PEM ({} …)", PUBLIC_KEY_LABELS.0),
            Self::Networks => "networks like 10.0.0.0/8, separated by commas".to_owned(),
            Self::Hosts => "names of hosts like larder.example.org, separated by commas".to_owned(),
            Self::Origins => "origins like https://shop.example.org, separated by commas".to_owned(),
            Self::Whole(range) => format!("a whole number from {} to {}", range.start(), range.end()),
            Self::Number(range) => format!("a number from {} to {}", range.start(), range.end()),
            Self::Flag => "true or false".to_owned(),
            Self::Choice(words) => list(words, ""),
        }
    }

    /// Reads the text of a variable. `None` means that it is not accepted.
    pub(crate) fn read_text(&self, text: &str) -> Option<Value> {
        let value = match self {
            Self::Whole(_) => Value::Integer(text.trim().parse().ok()?),
            Self::Number(_) => Value::Float(text.trim().parse().ok()?),
            Self::Flag => Value::Boolean(text.trim().parse().ok()?),
            Self::PublicKeys => split_public_keys(text)?,
            Self::Networks | Self::Origins | Self::Hosts => split_at_commas(text),
            _ => Value::String(text.to_owned()),
        };
        self.read_value(value)
    }

    /// Checks a value as it came from a file. `None` means that it is not accepted.
    pub(crate) fn read_value(&self, value: Value) -> Option<Value> {
        match (self, value) {
            (Self::Number(range), Value::Integer(number)) => {
                let number = number as f64;
                range.contains(&number).then_some(Value::Float(number))
            }
            (Self::Number(range), Value::Float(number)) => {
                range.contains(&number).then_some(Value::Float(number))
            }
            (Self::Whole(range), Value::Integer(number)) => {
                range.contains(&number).then_some(Value::Integer(number))
            }
            (Self::Flag, Value::Boolean(flag)) => Some(Value::Boolean(flag)),
            (Self::PublicKeys, Value::Array(keys)) => {
                keys.iter().all(|key| key.as_str().is_some_and(is_public_key)).then_some(Value::Array(keys))
            }
            (Self::Networks, Value::Array(networks)) => {
                networks.iter().all(is_network).then_some(Value::Array(networks))
            }
            (Self::Origins, Value::Array(origins)) => {
                origins.iter().all(is_origin).then_some(Value::Array(origins))
            }
            (Self::Hosts, Value::Array(hosts)) => hosts.iter().all(is_host).then_some(Value::Array(hosts)),
            (_, Value::String(text)) => self.accepts_text(&text).then_some(Value::String(text)),
            _ => None,
        }
    }

    fn accepts_text(&self, text: &str) -> bool {
        match self {
            Self::Text => !text.trim().is_empty(),
            Self::Path => !text.is_empty() && !text.contains('\0'),
            Self::Address => text.parse::<SocketAddr>().is_ok(),
            Self::Url => is_plain_url(text),
            Self::Secret(least) => text.chars().count() >= (*least).max(1),
            Self::SecretUrl(schemes) => is_connection_url(text, schemes),
            Self::PrivateKey => is_pem(text, PRIVATE_KEY_LABELS),
            Self::Choice(words) => words.contains(&text),
            Self::PublicKeys | Self::Networks | Self::Origins | Self::Hosts => false,
            Self::Whole(_) | Self::Number(_) | Self::Flag => false,
        }
    }
}

fn list(words: &[&str], suffix: &str) -> String {
    words.iter().map(|word| format!("`{word}{suffix}`")).collect::<Vec<_>>().join(" or ")
}

fn is_plain_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// A password with an unescaped `/`, `?` or `#` in it moves its rest behind the authority, where
/// an `@` then stands that no honest connection url has.
fn is_connection_url(text: &str, schemes: &[&str]) -> bool {
    Url::parse(text).is_ok_and(|url| {
        schemes.contains(&url.scheme())
            && !url.cannot_be_a_base()
            && url.fragment().is_none()
            && !url.path().contains('@')
            && !url.query().unwrap_or_default().contains('@')
    })
}

fn is_pem(text: &str, (begin, end): (&str, &str)) -> bool {
    let text = text.trim();
    text.starts_with(begin) && text.ends_with(end) && text.matches("-----BEGIN ").count() == 1
}

fn is_public_key(text: &str) -> bool {
    is_pem(text, PUBLIC_KEY_LABELS)
}

/// Cuts a text of PEM blocks, one after another, into one text a key.
fn split_public_keys(text: &str) -> Option<Value> {
    let mut keys = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(PUBLIC_KEY_LABELS.1)? + PUBLIC_KEY_LABELS.1.len();
        keys.push(Value::String(rest[..end].to_owned()));
        rest = rest[end..].trim_start();
    }
    Some(Value::Array(keys))
}

/// Cuts a text at its commas.
fn split_at_commas(text: &str) -> Value {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
}

/// A browser sends an origin as scheme, host and, unless it is the usual one, port: anything else
/// would never be met.
fn is_origin(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}

fn is_host(value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
    };
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(is_label)
        && text.parse::<std::net::IpAddr>().is_err()
}

fn is_network(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<IpNet>().is_ok())
}

#[cfg(test)]
mod tests;
