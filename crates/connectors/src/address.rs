//! Where an outside service is: a base URL that may be set, and that is refused where a secret would travel in
//! plain text.

use std::net::IpAddr;

use url::{Host, Url};

/// Where `http://` is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainHttp {
    /// To this machine alone, where a stand-in may listen.
    OnlyLoopback,
    /// Anywhere; somebody said so.
    Allowed,
}

/// The address that all paths of one outside service are under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why a text is no base URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not parse.
    #[error("is no URL; accepted is one such as https://api.example.com")]
    NotAUrl,
    /// A scheme that is not spoken here.
    #[error("begins with `{0}:`; accepted is https:")]
    Scheme(String),
    /// Plain text to another machine.
    #[error("is not encrypted; accepted is https:, or http: to this machine")]
    PlainText,
    /// More than an address.
    #[error("carries a user, a query or a fragment; accepted is a host and a path")]
    NotABase,
}

impl BaseUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`AddressError`] says what would be accepted.
    pub fn parse(text: &str, plain: PlainHttp) -> Result<Self, AddressError> {
        let url = Url::parse(text.trim()).map_err(|_| AddressError::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if plain == PlainHttp::Allowed || is_loopback(&url) => {}
            "http" => return Err(AddressError::PlainText),
            other => return Err(AddressError::Scheme(other.to_owned())),
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() || !url.has_host() {
            return Err(AddressError::NotABase);
        }
        Ok(Self(url))
    }

    /// The address of `path` under this one. `path` begins with a slash and is taken as written.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let under = self.0.path().trim_end_matches('/');
        url.set_path(&format!("{under}{path}"));
        url
    }

    /// The host, as metrics name it.
    pub(crate) fn host(&self) -> String {
        self.0.host_str().unwrap_or_default().to_owned()
    }
}

/// Whether the host is this machine by its own name; nothing is resolved.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_on_this_machine() {
        for here in
            ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:80", "http://[::ffff:127.0.0.1]"]
        {
            assert!(BaseUrl::parse(here, PlainHttp::OnlyLoopback).is_ok(), "{here}");
        }
        for there in ["http://connect.squareup.com", "http://10.0.0.1", "http://localhost.example.com"] {
            assert_eq!(
                BaseUrl::parse(there, PlainHttp::OnlyLoopback),
                Err(AddressError::PlainText),
                "{there}"
            );
            assert!(BaseUrl::parse(there, PlainHttp::Allowed).is_ok(), "{there}");
        }
    }

    #[test]
    fn what_is_more_than_an_address_is_refused() {
        for text in ["https://u:p@example.com", "https://example.com/?key=1", "https://example.com/#a"] {
            assert_eq!(BaseUrl::parse(text, PlainHttp::OnlyLoopback), Err(AddressError::NotABase), "{text}");
        }
        assert_eq!(
            BaseUrl::parse("ftp://example.com", PlainHttp::Allowed),
            Err(AddressError::Scheme("ftp".to_owned()))
        );
        assert_eq!(BaseUrl::parse("example.com", PlainHttp::Allowed), Err(AddressError::NotAUrl));
    }

    #[test]
    fn paths_are_laid_under_the_base() {
        let base = BaseUrl::parse("https://example.com/weather/", PlainHttp::OnlyLoopback).unwrap();
        assert_eq!(base.join("/v1/forecast").as_str(), "https://example.com/weather/v1/forecast");
        let bare = BaseUrl::parse("https://example.com", PlainHttp::OnlyLoopback).unwrap();
        assert_eq!(bare.join("/v2/orders").as_str(), "https://example.com/v2/orders");
    }
}
