//! How far away an address is, and so how much a connection to it must be protected. Names are
//! judged as they are written; nothing is resolved.

use std::net::IpAddr;

use url::{Host, Url};

/// Endings of names that no public resolver answers.
const PRIVATE_ENDINGS: [&str; 6] = [".internal", ".local", ".localhost", ".svc", ".lan", ".home.arpa"];

/// Where the other end of a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Distance {
    /// On this machine: a loopback address or a socket file.
    SameMachine,
    /// In a network of our own: a private address, or a name without a public ending.
    PrivateNetwork,
    /// Anywhere else.
    Elsewhere,
}

/// Tells where `url` leads.
pub(crate) fn distance(url: &Url) -> Distance {
    let Some(host) = url.host() else { return Distance::SameMachine };
    match host {
        Host::Ipv4(address) => distance_of_address(IpAddr::V4(address)),
        Host::Ipv6(address) => distance_of_address(IpAddr::V6(address)),
        Host::Domain(name) => distance_of_name(name),
    }
}

/// Tells where a host is that is written as an address, a name, or the folder of a socket.
pub(crate) fn distance_of_name(name: &str) -> Distance {
    let name = name.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = name.parse() {
        return distance_of_address(address);
    }
    if name.is_empty() || name.starts_with('/') || name == "localhost" {
        return Distance::SameMachine;
    }
    let private = !name.contains('.')
        || PRIVATE_ENDINGS.iter().any(|ending| name.ends_with(ending))
        || name.ends_with(".svc.cluster.local");
    if private { Distance::PrivateNetwork } else { Distance::Elsewhere }
}

fn distance_of_address(address: IpAddr) -> Distance {
    let address = address.to_canonical();
    let private = match address {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    };
    match (address.is_loopback(), private) {
        (true, _) => Distance::SameMachine,
        (false, true) => Distance::PrivateNetwork,
        (false, false) => Distance::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_as_far_as_they_look() {
        for (host, expected) in [
            ("127.0.0.1", Distance::SameMachine),
            ("[::1]", Distance::SameMachine),
            ("localhost", Distance::SameMachine),
            ("[::ffff:127.0.0.1]", Distance::SameMachine),
            ("10.1.2.3", Distance::PrivateNetwork),
            ("172.31.0.9", Distance::PrivateNetwork),
            ("[fd00::7]", Distance::PrivateNetwork),
            ("recommendation", Distance::PrivateNetwork),
            ("recommendation.larder.svc", Distance::PrivateNetwork),
            ("recommendation.larder.svc.cluster.local.", Distance::PrivateNetwork),
            ("172.32.0.9", Distance::Elsewhere),
            ("8.8.8.8", Distance::Elsewhere),
            ("larder.example.com", Distance::Elsewhere),
            ("local.example.com", Distance::Elsewhere),
        ] {
            let url = Url::parse(&format!("http://{host}:1234/")).unwrap();
            assert_eq!(distance(&url), expected, "{host}");
            assert_eq!(distance_of_name(host), expected, "{host}");
        }
        assert_eq!(distance_of_name("/var/run/postgresql"), Distance::SameMachine);
    }
}
