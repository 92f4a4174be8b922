//! The HTTP client for addresses that tenants type in. What they name must lie on the public internet: names are
//! resolved by us, addresses of our own networks are taken out, and every redirect is looked at again, so that
//! nobody reads the house's own services through a calendar.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use url::{Host, Url};

use super::HttpClient;
use super::client::builder;
use crate::ConnectorError;

/// Redirects that a feed may take.
const REDIRECTS_MAX: usize = 3;

/// Where feeds may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedReach {
    /// On the public internet, over https. Environments' proxies are not used: they would do the resolving.
    PublicInternet,
    /// Anywhere, for tests and for houses whose tenants are themselves.
    Anywhere,
}

/// A client for addresses that tenants type in. Clones share their connections.
#[derive(Clone, Debug)]
pub struct FeedClient {
    client: HttpClient,
    reach: FeedReach,
}

impl FeedClient {
    /// A client that calls itself `user_agent` and goes no further than `reach`.
    ///
    /// # Errors
    /// As [`HttpClient::new`].
    pub fn new(user_agent: &str, reach: FeedReach) -> Result<Self, ConnectorError> {
        let mut client = builder(user_agent)?.redirect(Policy::custom(move |attempt| follow(attempt, reach)));
        if reach == FeedReach::PublicInternet {
            client = client.no_proxy().https_only(true).dns_resolver(PublicNames);
        }
        Ok(Self { client: HttpClient::build(client)?, reach })
    }

    pub(crate) fn http(&self) -> &HttpClient {
        &self.client
    }

    /// The address to ask for what a tenant typed in; `webcal:` is what calendars call https.
    ///
    /// # Errors
    /// [`ConnectorError::Refused`] when it does not lead to where feeds may be.
    pub fn address(&self, text: &str) -> Result<Url, ConnectorError> {
        let text = text.trim();
        let https = text.strip_prefix("webcal://").or_else(|| text.strip_prefix("webcals://"));
        let url = match https {
            Some(rest) => Url::parse(&format!("https://{rest}")),
            None => Url::parse(text),
        };
        let url = url.map_err(|_| refuse("the address is no URL"))?;
        if may_go(&url, self.reach) {
            Ok(url)
        } else {
            Err(refuse("the address is not on the public internet over https"))
        }
    }
}

fn refuse(reason: &str) -> ConnectorError {
    ConnectorError::Refused { status: 0, reason: reason.to_owned() }
}

fn follow(attempt: Attempt<'_>, reach: FeedReach) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS_MAX {
        return attempt.error("too many redirects");
    }
    if !may_go(attempt.url(), reach) {
        return attempt.error("a redirect to where feeds may not be");
    }
    attempt.follow()
}

/// Judged by what is written; names are judged again when they are resolved.
fn may_go(url: &Url, reach: FeedReach) -> bool {
    if reach == FeedReach::Anywhere {
        return matches!(url.scheme(), "http" | "https") && url.has_host();
    }
    let is_bare = url.username().is_empty() && url.password().is_none();
    let host = match url.host() {
        Some(Host::Domain(name)) => name.contains('.'),
        Some(Host::Ipv4(address)) => is_public_address(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_public_address(IpAddr::V6(address)),
        None => false,
    };
    url.scheme() == "https" && is_bare && host
}

/// Resolves names and leaves out what is not public; a name that leads nowhere else is not found.
struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public_address(address.ip())).collect();
            if public.is_empty() {
                return Err("the name does not lead to the public internet".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one that anybody could reach (the special-purpose registries of IANA, RFC 6890 and later).
pub fn is_public_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation();
    let [first, second, third, _] = address.octets();
    // This network, shared space of carriers, protocol assignments, benchmarks, reserved.
    let reserved = first == 0
        || (first == 100 && second & 0xc0 == 64)
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && second & 0xfe == 18)
        || first >= 240;
    !special && !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Global unicast is 2000::/3; of it, what tunnels to IPv4 addresses or is for documentation stays out.
    let [first, second, ..] = address.segments();
    let global = first & 0xe000 == 0x2000;
    let tunnel = first == 0x2002 || (first == 0x2001 && second < 0x200);
    let documentation = (first == 0x2001 && second == 0xdb8) || first & 0xfff0 == 0x3ff0;
    global && !tunnel && !documentation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_our_own_networks_are_not_public() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "203.0.113.9",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
            "ff02::1",
        ] {
            assert!(!is_public_address(text.parse().unwrap()), "{text}");
        }
        for text in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"] {
            assert!(is_public_address(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_a_tenant_types_in_is_looked_at() {
        let feeds = FeedClient::new("Larder/0.1", FeedReach::PublicInternet).unwrap();
        for text in [
            "http://example.com/a.ics",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://localhost/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://user:pass@example.com/",
            "file:///etc/passwd",
            "ftp://example.com",
            "calendar",
            "https://169.254.169.254/latest/meta-data",
            "",
        ] {
            assert!(feeds.address(text).is_err(), "{text}");
        }
        let url = feeds.address(" webcal://example.com/market.ics ").unwrap();
        assert_eq!(url.as_str(), "https://example.com/market.ics");
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_found() {
        let name: Name = "localhost".parse().unwrap();
        assert!(PublicNames.resolve(name).await.is_err());
        // The connection itself must ask this resolver, whatever the address looked like before.
        let feeds = FeedClient::new("Larder/0.1", FeedReach::PublicInternet).unwrap();
        let request = reqwest::Request::new(http::Method::GET, Url::parse("https://localhost:9/").unwrap());
        let refused = feeds.http().send(request).await.unwrap_err();
        let reason = "the name does not lead to the public internet".to_owned();
        assert_eq!(refused, ConnectorError::Unreachable { reason });
    }
}
