//! Where a request comes from: the other end of the connection, or, when that is a proxy of
//! ours, whom the proxy says it speaks for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::{Extensions, HeaderMap};
use ipnet::IpNet;

use crate::error::GatewayError;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The other end of a connection; an extension of each of its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The proxies that are believed.
#[derive(Debug, Default)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// The networks of `gateway.trusted_proxies`.
    pub(crate) fn new(networks: &[String]) -> Result<Self, GatewayError> {
        let parse = |text: &String| text.parse().map_err(|_| GatewayError::TrustedProxy(text.clone()));
        Ok(Self(networks.iter().map(parse).collect::<Result<_, _>>()?))
    }

    /// The address a request comes from. Each proxy adds the address it was called from on the
    /// right, so the first one from there that is none of ours is the client; what stands further
    /// left is whatever the client wrote.
    pub(crate) fn client(&self, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
        let peer = extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
        let mut client = peer.to_canonical();
        let values = headers.get_all(FORWARDED_FOR).into_iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        for hop in hops.into_iter().rev() {
            if !self.contain(client) {
                break;
            }
            let Ok(address) = hop.parse::<IpAddr>() else { break };
            client = address.to_canonical();
        }
        client
    }

    fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let mut extensions = Extensions::new();
        extensions.insert(Peer(SocketAddr::new(peer.parse().unwrap(), 4711)));
        let networks: Vec<String> = trusted.iter().map(|network| (*network).to_owned()).collect();
        TrustedProxies::new(&networks).unwrap().client(&headers, &extensions).to_string()
    }

    #[test]
    fn whoever_is_not_a_proxy_of_ours_is_not_believed() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"], &[]), "203.0.113.9");
        assert_eq!(client("203.0.113.9", &["198.51.100.1"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn proxies_are_believed_up_to_the_first_stranger() {
        let ours = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(client("10.0.0.2", &["198.51.100.1"], &ours), "198.51.100.1");
        assert_eq!(client("10.0.0.2", &["1.1.1.1, 198.51.100.1, 10.0.0.1"], &ours), "198.51.100.1");
        assert_eq!(client("10.0.0.2", &["1.1.1.1", "198.51.100.1", "fd00::1"], &ours), "198.51.100.1");
        assert_eq!(client("::ffff:10.0.0.2", &["198.51.100.1"], &ours), "198.51.100.1");
        assert_eq!(client("10.0.0.2", &["nobody, 10.0.0.1"], &ours), "10.0.0.1");
        assert_eq!(client("10.0.0.2", &[], &ours), "10.0.0.2");
    }
}
